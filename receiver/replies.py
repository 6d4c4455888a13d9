"""Lets the rules answer: which one, counted so that no rule answers more often than it may."""

import random
from collections import Counter
from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone

from .answer_rules import BODILESS, header_pairs
from .answers import Answer
from .delivery import Delivery
from .matching import choose, matches
from .models import Event, Reply


def any_to_ask() -> bool:
    """Tell whether any rule may answer at the moment; mostly there is none."""
    return bool(settings.REPLIES) and Reply.objects.any_active(timezone.now())


def assign(deliveries: Sequence[Delivery]) -> None:
    """Let the active rules answer deliveries, mark their events, and count the hits.

    Belongs into the transaction that stores the events, and may be told again where that was
    rolled back.
    """
    forget(deliveries)
    if not settings.REPLIES:
        return
    now = timezone.now()
    active = list(Reply.objects.active(now))
    meant = {reply.pk for reply in active for one in deliveries if matches(reply, one.event)}
    if not meant:
        return
    # Locked in the order of keys, so that two processes cannot wait for each other; what was
    # used up while we waited is gone from the answer. SQLite has one writer at a time anyway.
    locked = Reply.objects.active(now).filter(pk__in=meant).select_for_update()
    replies = sorted(locked.order_by("pk"), key=lambda reply: (reply.order, reply.pk))
    taken: Counter[int] = Counter()
    for delivery in deliveries:
        if reply := choose(replies, delivery.event, taken, random.random):
            taken[reply.pk] += 1
            _answer_by(reply, delivery)
    for reply in replies:
        if hits := taken[reply.pk]:
            reply.hits += hits
            reply.last_hit_at = now
            reply.save(update_fields=["hits", "last_hit_at"])


def forget(deliveries: Sequence[Delivery]) -> None:
    """Take back what rules have answered deliveries whose transaction was rolled back."""
    for delivery in deliveries:
        if delivery.answer:
            _answer_by(None, delivery)


def _answer_by(reply: Reply | None, delivery: Delivery) -> None:
    event = delivery.event
    event.reply, event.reply_name = reply, reply.name if reply else ""
    event.status = reply.answered if reply else 200
    succeeded = 200 <= event.status < 300
    event.outcome = Event.Outcome.SUCCEEDED if succeeded else Event.Outcome.FAILED
    delivery.answer = answer(reply) if reply else None


def answer(reply: Reply) -> Answer:
    """Return what a rule answers: its own headers, and those that keep it inert in a browser."""
    own = header_pairs(reply.headers)
    typed = any(name.lower() == "content-type" for name, _ in own)
    headers = [
        *([] if typed else [("Content-Type", "text/plain; charset=utf-8")]),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
        *own,
    ]
    body = b"" if reply.status in BODILESS else reply.body.encode()
    return Answer(reply.status, body, tuple(headers), reply.delay, reply.drop)
