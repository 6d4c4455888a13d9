"""Lets the rules answer: which one, counted so that no rule answers more often than it may."""

import random
from collections import Counter
from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone

from .matching import choose, matches
from .models import Event, Reply


def assign(events: Sequence[Event]) -> None:
    """Mark unsaved events with the rules that answer them, and count the hits.

    Belongs into the transaction that stores the events. Reads the active rules once; where
    none of them is meant for these events that is all.
    """
    if not settings.REPLIES:
        return
    now = timezone.now()
    active = list(Reply.objects.active(now))
    meant = {reply.pk for reply in active for event in events if matches(reply, event)}
    if not meant:
        return
    # Locked in the order of keys, so that two processes cannot wait for each other; what was
    # used up while we waited is gone from the answer. SQLite has one writer at a time anyway.
    locked = Reply.objects.active(now).filter(pk__in=meant).select_for_update()
    replies = sorted(locked.order_by("pk"), key=lambda reply: (reply.order, reply.pk))
    taken: Counter[int] = Counter()
    for event in events:
        if reply := choose(replies, event, taken, random.random):
            taken[reply.pk] += 1
            _mark(event, reply)
    for reply in replies:
        if hits := taken[reply.pk]:
            reply.hits += hits
            reply.last_hit_at = now
            reply.save(update_fields=["hits", "last_hit_at"])


def _mark(event: Event, reply: Reply) -> None:
    event.reply = reply
    event.reply_name = reply.name
    event.status = reply.answered
    succeeded = 200 <= event.status < 300
    event.outcome = Event.Outcome.SUCCEEDED if succeeded else Event.Outcome.FAILED
