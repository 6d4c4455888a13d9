"""What was received: the live list, one event, its body as a file."""

import re
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from receiver.models import Event, Refusal

from .. import belongs, figures, inert
from ..models import SKEW, SentTask
from ..timeline import attempts, of_events
from .frame import allowed, need, page, plain, staff, whole

PAGE = 50
TABS = ("all", "succeeded", "failed", "refusals")
PERMISSIONS = {"refusals": "receiver.view_refusal"}  # of a tab, where it is not that of events
# With several writers an id may be committed after a higher one: ids younger than this stay open.
SETTLE_SECONDS = 3


class Filters:
    """What the reader chose, from the query string; `query` writes it back."""

    def __init__(self, request: HttpRequest) -> None:
        show = request.GET.get("show", "all")
        self.show = show if show in TABS else "all"
        self.queue = plain(request.GET.get("queue"), 100).strip()
        self.task = plain(request.GET.get("task"), 500).strip()

    def events(self) -> Any:
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
        context |= {"cursor": _cursor(filters, rows), "page_size": PAGE}
    return page(request, "events.html", context)


@allowed("receiver.view_event")
@require_safe
def event_rows(request: HttpRequest) -> HttpResponse:
    """Answer a poll: 204, or the new rows with the next cursor. One indexed query.

    More than a page of them makes the page load anew: its cursor then belongs to its rows.
    """
    filters = Filters(request)
    after = whole(request.GET.get("after")) or 0
    seen = {int(n) for n in re.findall(r"[0-9]{1,18}", plain(request.GET.get("seen"), 2000))}
    found = filters.events().filter(id__gt=after).exclude(id__in=seen)
    rows = list(found[: PAGE + 1])
    if not rows:
        return HttpResponse(status=204)
    if len(rows) > PAGE:
        return HttpResponse(status=204, headers={"HX-Refresh": "true", "X-New-Rows": f"{PAGE}+"})
    shown = _shown(filters, after, seen, rows)
    context = {"rows": rows, "fresh": True, "cursor": _cursor(filters, shown, after)}
    answer = render(request, "dashboard/_event_rows.html", context)
    answer["X-New-Rows"] = str(len(rows))
    return answer


def _shown(filters: Filters, after: int, seen: set[int], rows: list[Event]) -> list[Event]:
    if not seen:
        return rows
    known = filters.events().filter(id__in=seen, id__gt=after)
    return sorted([*rows, *known], key=lambda event: -event.pk)


def _cursor(filters: Filters, shown: list[Event], after: int = 0) -> str:
    """Return the query of the next poll: the last settled id, and the younger ids already shown."""
    now = timezone.now()
    open_ids = [e.pk for e in shown if (now - e.received_at).total_seconds() < SETTLE_SECONDS]
    settled = [event.pk for event in shown if event.pk not in open_ids]
    if open_ids:
        settled = [pk for pk in settled if pk < min(open_ids)]
    last = max([after, *settled])
    seen = ",".join(str(event.pk) for event in shown if event.pk > last)
    return filters.query(after=last, seen=seen)


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
    day = figures.last_day()
    return {"rows": rows[:PAGE], "older": older, "reasons": day.reasons.most_common()}


@allowed("receiver.view_event")
@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one event: body, headers, caller, and the attempts of the same task."""
    found = get_object_or_404(Event, pk=pk)
    body = bytes(found.body)
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
