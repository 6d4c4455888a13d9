"""Retention: how much would go by age or by number, then its deletion."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Min
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from receiver.models import Event, EventQuerySet, Refusal
from receiver.models.retention import MOST_DAYS, MOST_KEPT, border, older, prune

from .. import acts
from ..many import Act, Order
from .frame import allowed, page, plain, whole
from .many import act_on_many

MOST = {"days": MOST_DAYS, "keep": MOST_KEPT}


@allowed("receiver.view_event", "receiver.delete_event")
@require_http_methods(["GET", "HEAD", "POST"])
def retention(request: HttpRequest) -> HttpResponse:
    """Say what would go of a number of days or of events to keep; delete it once confirmed."""
    if request.method == "POST":
        return _delete(request)
    typed = {name: plain(request.GET.get(name), 20).strip() for name in MOST}
    read = {name: whole(typed[name], most) for name, most in MOST.items()}
    problems = {
        name: f"A whole number from 1 to {most:,}."
        for name, most in MOST.items()
        if typed[name] and not read[name]
    }
    context: dict[str, Any] = {"title": "Retention", "typed": typed, "problems": problems}
    if any(read.values()) and not problems:
        context |= _plan(read["days"], read["keep"])
    return page(request, "retention.html", context)


def _plan(days: int | None, keep: int | None) -> dict[str, Any]:
    """Return what would go and what would stay; from here on the instants are fixed."""
    now, events = timezone.now(), Event.objects.order_by()
    before, refused = border(now, days, keep), border(now, days)
    going = older(Event, "received_at", before).order_by() if before else events.none()
    refusals = older(Refusal, "minute", refused).count() if refused else 0
    chosen = {"before": before, "refused": refused, "days": days, "keep": keep}
    return {
        "asked": True,
        "before": before,
        "events": going.count(),
        "oldest": going.aggregate(one=Min("received_at"))["one"],
        "left": (events.filter(received_at__gte=before) if before else events).count(),
        "refusals": refusals,
        "query": urlencode(
            {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in chosen.items()
                if value
            }
        ),
    }


def _delete(request: HttpRequest) -> HttpResponse:
    chosen = {name: text for name in MOST if (text := request.GET.get(name))}
    back = f"{reverse('retention')}?{urlencode(chosen)}"
    before, refused = (_instant(request.GET, name) for name in ("before", "refused"))
    if before is None:
        return redirect(back)
    told = [f"Events received before {before:%Y-%m-%d %H:%M:%S} UTC"]
    if refused:
        told.append(f"Refusals from before {refused:%Y-%m-%d %H:%M} UTC")
    return act_on_many(request, {"delete": DELETE}, _rows, told, back)


def _instant(given: QueryDict, name: str) -> datetime | None:
    try:
        found = parse_datetime(given.get(name, ""))
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _rows(order: Order) -> EventQuerySet:
    before = _instant(QueryDict(order.query), "before")
    if before is None:
        return Event.objects.none()
    return Event.objects.light().filter(received_at__lt=before).order_by("received_at")


def _begin(user: Any, order: Order, told: list[str]) -> None:
    """Write it into the log; refusals, of which there are never many, go at once."""
    acts.on_events(user, f"Retention: {order.count:,} events. {'; '.join(told)}.", acts.DELETION)
    refused = _instant(QueryDict(order.query), "refused")
    for _ in prune(older(Refusal, "minute", refused)) if refused else ():
        pass


def _sweep(events: EventQuerySet) -> Iterator[int]:
    return prune(events, tries=1)


DELETE = Act(
    "Delete",
    "Delete old events",
    "They are gone for good, their bodies too, the oldest first. Deliveries go on meanwhile.",
    "deleted",
    ("receiver.delete_event",),
    lambda rows: rows,
    sweep=_sweep,
    begin=_begin,
    danger=True,
)
