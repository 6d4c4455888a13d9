"""Deletes what is old, oldest first, in bites that no delivery has to wait for."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, models, transaction

from .event import Event
from .refusal import Refusal

# Measured on SQLite with a writer beside it: 500 rows hold the lock for 14 ms, and the pause
# lets the writer in. 5,000 make it wait for 115 ms, bites without a pause starve it.
BITE = 500
PAUSE = 0.02
# A try waits for SQLite's lock for 5 seconds, for PostgreSQL's for 3.
TRIES = 12
MOST_DAYS, MOST_KEPT = 36_500, 10_000_000_000
# Whatever else comes to be kept of requests belongs into this table.
KEPT: list[tuple[type[models.Model], str]] = [(Event, "received_at"), (Refusal, "minute")]


def border(now: datetime, days: int | None = None, keep: int | None = None) -> datetime | None:
    """Return the instant before which events are to go; None where all stay.

    They go where they are older than so many days, or are not among the newest so many.
    """
    found = [now - timedelta(days=days)] if days else []
    if keep:
        newest = Event.objects.order_by("-received_at").values_list("received_at", flat=True)
        found += list(newest[keep - 1 : keep])
    return max(found, default=None)


def older(model: type[models.Model], field: str, instant: datetime) -> models.QuerySet[Any]:
    """Rows from before an instant, the oldest first by the index of that field."""
    return model._default_manager.filter(**{f"{field}__lt": instant}).order_by(field)


def prune(rows: models.QuerySet[Any], tries: int = TRIES) -> Iterator[int]:
    """Delete rows bite by bite; yields how many, after each commit.

    Raises OperationalError where the database cannot be had in so many tries: a minute, as a rule.
    """
    failed = 0
    while keys := list(rows.values_list("pk", flat=True)[:BITE]):
        try:
            with transaction.atomic():
                # By key alone: no row is read, no body is loaded.
                gone = rows.model._default_manager.filter(pk__in=keys).delete()[0]
        except OperationalError:
            # SQLite lets a busy receiver go first, again and again: it is patience that gets in.
            failed += 1
            if failed > tries:
                raise
            continue
        failed = 0
        yield gone
        time.sleep(PAUSE)
