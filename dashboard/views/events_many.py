"""Acts on many events: those that are ticked, or all that match."""

import time
from dataclasses import replace
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from receiver.models import Event, EventQuerySet

from .. import event_pages
from ..event_filters import Filters
from ..event_many import ACTS
from ..many import MOST, Order
from .frame import allowed, whole
from .many import act_on_many

LONG = 10.0  # seconds that looking for what matches may take
TOO_LONG = (
    "No index knows this search, and looking through all events takes too long. Choose a queue,"
    " an outcome or a time as well. Nothing has been done."
)


@allowed("receiver.view_event")
@require_POST
def events_many(request: HttpRequest) -> HttpResponse:
    """Act on the ticked events or on all that match: ask with the count, then do it.

    Two that are ticked can be compared.
    """
    filters = Filters.of(request)
    query = filters.write()
    back = f"{reverse('events')}?{query}" if query else reverse("events")
    if request.POST.get("act") == "compare":
        return _compare(request, back)
    if filters.problem:
        return redirect(back)

    def rows(order: Order) -> EventQuerySet:
        return Event.objects.light() if order.keys else _all(Filters.of(request, order.query))

    searched = filters.words or filters.narrowed.scans
    try:
        return act_on_many(
            request,
            ACTS,
            rows,
            filters.in_words(),
            back,
            (lambda: _search(filters)) if searched else None,
        )
    except TimeoutError:
        messages.error(request, TOO_LONG)
        return redirect(back)


def _compare(request: HttpRequest, back: str) -> HttpResponse:
    keys = sorted({key for text in request.POST.getlist("pk") if (key := whole(text))})
    if len(keys) != 2:
        messages.info(request, "Tick the two events that are to be compared.")
        return redirect(back)
    return redirect(f"{reverse('task-diff')}?{urlencode({'a': keys[0], 'b': keys[1]})}")


def _all(filters: Filters) -> EventQuerySet:
    span = filters.span()
    found = filters.narrowed.events.filter(pk__gt=span.above, pk__lt=span.below)
    return found.defer("body", "headers")


def _search(filters: Filters) -> tuple[int, ...]:
    """Return the keys of what matches, MOST + 1 at most; raises TimeoutError where it takes LONG.

    It is searched once: what is acted on is what was found and counted then.
    """
    keys: list[int] = []
    start, span = time.monotonic(), filters.span()
    event_pages.index_is_behind(filters.words)
    while len(keys) <= MOST:
        found = event_pages.find(filters.narrowed, filters.words, span, MOST + 1 - len(keys))
        keys += found.ids
        if found.border is None:
            break
        if time.monotonic() - start > LONG:
            raise TimeoutError
        span = replace(span, below=found.border)
    return tuple(keys)
