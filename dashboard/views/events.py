"""What was received: the live list."""

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from receiver.models import Event

from .. import cursor, event_counts, event_pages, let_in
from ..cache import kept_for
from ..event_filters import PERIODS, TABS, Filters
from ..event_many import ACTS
from ..many import Act
from ..narrow import LAST_ID
from ..query import FIELDS
from .frame import allowed, need, page, staff, whole
from .refusals import refusals

PAGE = 50
MOST_NEW = 2000  # arrivals that a poll looks at; for more the page is loaded anew
PERMISSIONS = {"refusals": "receiver.view_refusal"}  # of a tab, where it is not that of events


@staff
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """List events, or refusals, newest first; the first page is live."""
    filters = Filters.of(request)
    need(request, PERMISSIONS.get(filters.show, "receiver.view_event"))
    context = {"title": "Events", "filters": filters, "tabs": _tabs(request, filters)}
    context["acts"] = _acts(request)
    if filters.show == "refusals":
        before = whole(request.GET.get("before"))
        return page(request, "refusals.html", context | refusals(before, PAGE))
    context |= {"periods": PERIODS, "fields": FIELDS, "queues": event_counts.queues()}
    context["without_task"] = filters.write(task="")
    if filters.problem:
        return page(request, "events.html", context)
    return page(request, "events.html", context | _page(request, filters))


def _page(request: HttpRequest, filters: Filters) -> dict[str, Any]:
    """Return a page's rows and where its links go: newer, older, or on with looking."""
    behind = event_pages.index_is_behind(filters.words)
    before, beyond = whole(request.GET.get("before")), whole(request.GET.get("beyond"))
    up = beyond is not None or "last" in request.GET
    known = None if before or up else _newest_ids()
    span = filters.span(above=beyond or 0, below=before or LAST_ID, down=not up)
    found = event_pages.find(filters.narrowed, filters.words, span, PAGE)
    if beyond is not None and found.border is None:  # that is the first page, as it is now
        known, up, before = _newest_ids(), False, None
        found = event_pages.find(filters.narrowed, filters.words, filters.span(), PAGE)
    rows = list(Event.objects.light().filter(pk__in=found.ids).order_by("-pk"))
    first = known is not None
    newer = found.border if up else rows[0].pk if rows else before
    older = found.border if not up else rows[-1].pk if rows and "last" not in request.GET else None
    return {
        "rows": rows,
        "behind": behind,
        "looked": event_pages.looked(found, PAGE),
        "first": first,
        "newest": filters.write(),
        "newer": "" if first or newer is None else filters.write(beyond=newer),
        "older": "" if older is None else filters.write(before=older),
        "oldest": "" if older is None else filters.write(last=1),
    } | (_live(filters, known) if known is not None and not filters.until else {})


def _live(filters: Filters, known: set[int]) -> dict[str, Any]:
    return {"cursor": filters.write(**cursor.write(known)), "page_size": PAGE}


def _newest_ids() -> set[int]:
    """Return the newest ids, whatever they match: read before the page, so that none is missed."""
    ids = Event.objects.order_by("-pk").values_list("pk", flat=True)
    return set(ids[: cursor.BACK])


@never_cache
@require_safe
def event_rows(request: HttpRequest) -> HttpResponse:
    """Answer a poll: 204 after one indexed query, or the new rows with the next cursor.

    Who was let in within the last minute is asked again once there is something to see.
    """
    after, known = cursor.read(whole(request.GET.get("after")), request.GET.get("seen", ""))
    if let_in.lately(request) and not Event.objects.ids_after(after, cursor.BACK + 1) - known:
        return HttpResponse(status=204)
    return _event_rows(request, after, known)


@allowed("receiver.view_event")
def _event_rows(request: HttpRequest, after: int, known: set[int]) -> HttpResponse:
    """Add the new rows. Are they more than a page, the newest takes the place of what is there."""
    filters = Filters.of(request)
    chosen = filters.anything or filters.show != "all"
    most = cursor.BACK + (MOST_NEW if chosen else PAGE) + 1
    new = Event.objects.ids_after(after, most) - known
    if not new or filters.problem:
        answer = HttpResponse(status=204)
        let_in.keep(request, answer)
        return answer
    matching: Collection[int] = _matching(filters, new) if chosen else new
    if len(matching) > PAGE or len(new) > MOST_NEW:
        newest = _newest_page(filters.write(), bodies=filters.bodies)
        return HttpResponse(newest, headers={"HX-Reswap": "innerHTML", "X-New-Rows": f"{PAGE}+"})
    context = {
        "rows": Event.objects.light().filter(pk__in=matching).order_by("-pk"),
        "fresh": True,
        "cursor": filters.write(**cursor.write(known | new)),
    }
    answer = render(request, "dashboard/_event_rows.html", context)
    if matching:
        answer["X-New-Rows"] = str(len(matching))
    return answer


def _matching(filters: Filters, new: set[int]) -> list[int]:
    found = filters.narrowed.events.filter(pk__in=new).order_by("-pk")
    return filters.words.read(found) if filters.words else list(found.values_list("pk", flat=True))


@kept_for(2)
def _newest_page(query: str, *, bodies: bool) -> str:
    """Render the newest rows, once for all who look within two seconds, with their cursor.

    It is a page and one row, so that the page's link to older rows shows.
    """
    known = _newest_ids()
    filters = Filters(QueryDict(query).dict(), bodies=bodies)
    found = event_pages.find(filters.narrowed, filters.words, filters.span(), PAGE + 1)
    context = {
        "rows": Event.objects.light().filter(pk__in=found.ids).order_by("-pk"),
        "cursor": filters.write(**cursor.write(known)),
        "perms": {"receiver": {"view_body": bodies}},
    }
    return render_to_string("dashboard/_event_rows.html", context)


def _acts(request: HttpRequest) -> dict[str, Act]:
    """Return what this user may do to many events."""
    may = request.user.has_perms
    return {key: act for key, act in ACTS.items() if may(act.permissions)}


def _tabs(request: HttpRequest, filters: Filters) -> list[dict[str, Any]]:
    counts = event_counts.on_tabs(filters)
    return [
        {
            "label": tab.capitalize(),
            "count": counts.get(tab, ""),
            "here": tab == filters.show,
            "url": f"{reverse('events')}?{filters.write(show=tab)}",
        }
        for tab in TABS
        if request.user.has_perm(PERMISSIONS.get(tab, "receiver.view_event"))
    ]
