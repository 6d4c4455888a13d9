"""Deletes events by key, out of the tallies too, in bites that no delivery has to wait for."""

import time
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F

from receiver.models import Event, EventQuerySet

from . import rollup
from .models import TallyMark

BITE = 200
PAUSE = 0.02


def delete(events: EventQuerySet) -> Iterator[int]:
    """Delete these events, the oldest first; yields how many, after each commit.

    Raises OperationalError where the database cannot be had in time.
    """
    while keys := list(events.order_by("pk").values_list("pk", flat=True)[:BITE]):
        yield _bite(keys)
        time.sleep(PAUSE)


def _bite(keys: list[int]) -> int:
    events = Event.objects.filter(pk__in=keys)
    with transaction.atomic():
        # This locks the mark: whoever counts meanwhile finds it changed, and begins anew.
        TallyMark.objects.update(version=F("version") + 1)
        rows = rollup.group(events.filter(TallyMark.now().counted))
        rollup.add([row._replace(events=-row.events) for row in rows])
        return events.delete()[0]
