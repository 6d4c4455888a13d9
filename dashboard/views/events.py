"""What was received: the live list, one event, its body as a file."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from receiver.models import Event, EventQuerySet, Refusal

from .. import belongs, cursor, figures, inert
from ..models import SKEW, SentTask
from ..timeline import attempts, of_events
from .frame import allowed, need, page, plain, staff, whole

PAGE = 50
TABS = ("all", "succeeded", "failed", "refusals")
PERMISSIONS = {"refusals": "receiver.view_refusal"}  # of a tab, where it is not that of events


class Filters:
    """What the reader chose, from the query string; `query` writes it back."""

    def __init__(self, request: HttpRequest) -> None:
        show = request.GET.get("show", "all")
        self.show = show if show in TABS else "all"
        self.queue = plain(request.GET.get("queue"), 100).strip()
        self.task = plain(request.GET.get("task"), 500).strip()

    def events(self) -> EventQuerySet:
        events = Event.objects.light().order_by("-id")
        if self.show in ("succeeded", "failed"):
            events = events.filter(outcome=self.show)
        if self.queue:
            events = events.filter(queue=self.queue)
        if self.task:
            events = events.filter(task=self.task)
        return events

    def query(self, **more: object) -> str:
        chosen = {"show": self.show, "queue": self.queue, "task": self.task} | more
        return urlencode({k: v for k, v in chosen.items() if v not in ("", None, "all")})


@staff
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """List events, or refusals, newest first; the first page is live."""
    filters = Filters(request)
    need(request, PERMISSIONS.get(filters.show, "receiver.view_event"))
    before = whole(request.GET.get("before"))
    context = {
        "title": "Events",
        "filters": filters,
        "before": before,
        "tabs": _tabs(request, filters),
    }
    if filters.show == "refusals":
        return page(request, "refusals.html", context | _refusals(before))
    found = filters.events()
    rows = list((found.filter(id__lt=before) if before else found)[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    context |= {"rows": rows, "older": filters.query(before=rows[-1].pk) if more else ""}
    if not before:
        known = _known(found, rows)
        context |= {"cursor": filters.query(**cursor.write(known)), "page_size": PAGE}
    return page(request, "events.html", context)


@allowed("receiver.view_event")
@require_safe
def event_rows(request: HttpRequest) -> HttpResponse:
    """Answer a poll: 204 after one indexed query, or the new rows with the next cursor.

    More than a page of them makes the page load anew: its cursor then belongs to its rows.
    """
    filters = Filters(request)
    found = filters.events()
    after, known = cursor.read(whole(request.GET.get("after")), request.GET.get("seen", ""))
    ids = found.filter(id__gt=after).values_list("pk", flat=True)
    new = set(ids[: cursor.BACK + PAGE + 1]) - known
    if not new:
        return HttpResponse(status=204)
    if len(new) > PAGE:
        return HttpResponse(status=204, headers={"HX-Refresh": "true", "X-New-Rows": f"{PAGE}+"})
    context = {
        "rows": found.filter(id__in=new),
        "fresh": True,
        "cursor": filters.query(**cursor.write(known | new)),
    }
    answer = render(request, "dashboard/_event_rows.html", context)
    answer["X-New-Rows"] = str(len(new))
    return answer


def _known(found: EventQuerySet, rows: list[Event]) -> set[int]:
    """Return the newest ids of a list: those on its first page, and those on the next pages."""
    newest, last = (rows[0].pk, rows[-1].pk) if rows else (0, 0)
    below = found.filter(id__gt=newest - cursor.BACK, id__lt=last)
    return {event.pk for event in rows} | set(below.values_list("pk", flat=True))


def _tabs(request: HttpRequest, filters: Filters) -> list[dict[str, Any]]:
    counts = figures.tab_counts()
    return [
        {
            "label": tab.capitalize(),
            "count": counts[tab],
            "here": tab == filters.show,
            "url": f"{reverse('events')}?{filters.query(show=tab)}",
        }
        for tab in TABS
        if request.user.has_perm(PERMISSIONS.get(tab, "receiver.view_event"))
    ]


def _refusals(before: int | None) -> dict[str, Any]:
    found = Refusal.objects.order_by("-id")
    rows = list((found.filter(id__lt=before) if before else found)[: PAGE + 1])
    older = urlencode({"show": "refusals", "before": rows[PAGE - 1].pk}) if len(rows) > PAGE else ""
    return {"rows": rows[:PAGE], "older": older, "reasons": figures.refusal_reasons()}


@allowed("receiver.view_event")
@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one event: body, headers, caller, and the attempts of the same task."""
    # Of a large body no more is read than is shown.
    begin = Substr("body", 1, inert.PRETTY_BYTES + 1, output_field=BinaryField())
    found: Any = get_object_or_404(Event.objects.defer("body").annotate(begin=begin), pk=pk)
    body = bytes(found.begin or b"")  # of none SQLite makes NULL
    sent = belongs.sender(found)
    arrived = _attempts(found, sent)
    context = {
        "title": inert.visible(str(found)),
        "event": found,
        "pretty": inert.pretty(body),
        "raw": inert.raw(body),
        "raw_is_cut": len(body) > inert.RAW_BYTES,
        "hex": inert.hexdump(body),
        "hex_is_cut": len(body) > inert.HEX_BYTES,
        "attempts": arrived,
        "entries": of_events(arrived),
        "sent": sent,
    }
    return page(request, "event.html", context)


def _attempts(found: Event, sent: SentTask | None) -> list[Event]:
    if not found.task:
        return []
    if sent is None:
        return attempts(found.queue, found.task)
    until = belongs.ends([sent]).get(sent.pk)
    return attempts(found.queue, found.task, sent.created_at - SKEW, until)


@allowed("receiver.view_event", "receiver.view_body")
@require_safe
def event_body(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the exact bytes as a file: never with the sender's type, never to be shown in place."""
    found = get_object_or_404(Event.objects.only("body"), pk=pk)
    return HttpResponse(
        bytes(found.body),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="event-{pk}.bin"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )
