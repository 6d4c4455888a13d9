"""Counts events into tallies, from the newest back to the oldest, without the receiver's help.

A slice is counted without a lock. Then one short transaction adds it, if the mark is still as it
was read: of two that count the same slice, one is thrown away. What is not in the tallies yet is
counted live, so that figures are exact (`read`).
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db import IntegrityError, OperationalError, models, transaction
from django.utils import timezone

from receiver.models import Event, wait_at_most

from . import handler_time
from .models import Tally, TallyMark, in_ranges

SLICE = 10_000  # events; some 50 ms, of which the lock is held for the least part
# A page leaves so few and so young events uncounted: to count them live costs less than a commit.
FEW, YOUNG = 1000, timedelta(minutes=1)
LIVE_MOST = 30_000  # events that a page counts live; of more it says that it is counting
# An id that is missing below newer ones may still be on its way, no longer.
LATE = timedelta(hours=1)
MOST_GAPS = 100
PATIENCE_MS = 100  # a page's wait for SQLite's lock

R = TypeVar("R")


class Row(NamedTuple):
    """So many events of one minute (since the epoch), queue, outcome and handler time."""

    minute: int
    queue: str
    outcome: str
    bucket: int | None
    events: int


def read(reader: Callable[[TallyMark], R]) -> R:
    """Return what a function reads from tallies and events, both of one state of the mark."""
    for _ in range(5):
        mark = TallyMark.now()
        found = reader(mark)
        if TallyMark.now().version == mark.version:
            break
    return found


def group(events: models.QuerySet[Event]) -> list[Row]:
    """Count events by minute, queue, outcome and handler time."""
    keys = (_Minute("received_at"), "queue", "outcome", _Bucket("took_us"))
    found = events.order_by().values_list(*keys).annotate(count=models.Count("pk"))
    return [Row(*row) for row in found]


def live(mark: TallyMark, since: datetime | None = None) -> list[Row]:
    """Count what the mark has not reached yet, of what was received since an instant.

    Nothing where that is too much; `to_go` then says how much.
    """
    if mark.newest - mark.up > LIVE_MOST:
        return []
    events = Event.objects.filter(mark.newer)
    return group(events.filter(received_at__gte=since) if since else events)


def to_go(mark: TallyMark, since: datetime | None = None) -> int:
    """Return about how many events, of those received since an instant, are neither in the
    tallies nor few enough to be counted live; 0 where figures can be exact."""
    ahead = mark.newest - mark.up if mark.newest - mark.up > LIVE_MOST else 0
    if not mark.down:
        return ahead
    behind = Event.objects.filter(pk__lte=mark.down)
    last = behind.order_by("-pk").values_list("received_at", flat=True).first()
    if last is None or (since and last < since):
        return ahead
    return ahead + mark.down - _oldest() + 1


def _oldest() -> int:
    return Event.objects.order_by("pk").values_list("pk", flat=True).first() or 0


def catch_up(seconds: float) -> None:
    """Count what a page should not count live, and go on for so many seconds while it is much.

    Where the database is busy, another page will do it.
    """
    end = time.monotonic() + seconds
    with suppress(OperationalError), wait_at_most(PATIENCE_MS):
        while advance(lazily=True) and time.monotonic() < end:
            pass


def advance(*, lazily: bool = False) -> int:
    """Count one slice more; returns how many events, 0 where there is nothing to do.

    `lazily` leaves a few young events for later.
    """
    mark = TallyMark.now()
    if mark._state.adding:
        return _backward(_begin()) if not lazily or mark.newest > FEW else 0
    _follow_retention(mark)
    return _late(mark) or _forward(mark, lazily=lazily) or _backward(mark)


def forget() -> None:
    """Throw all tallies away, to be counted again; pages count live meanwhile.

    The mark goes first: whoever is counting finds it gone, and adds nothing.
    """
    with transaction.atomic():
        TallyMark.objects.all().delete()
        Tally.objects.all().delete()


def _begin() -> TallyMark:
    """Make the mark at the newest event: from there it goes back, so that a day is whole soon."""
    newest = TallyMark().newest
    with suppress(IntegrityError), transaction.atomic():  # somebody else may do the same
        TallyMark.objects.create(pk=1, up=newest, down=newest)
    return TallyMark.now()


def _late(mark: TallyMark) -> int:
    """Count what was committed after higher ids; forget the gaps that nothing will fill."""
    if not mark.gaps:
        return 0
    found = Event.objects.filter(mark.late).order_by("pk").values_list("pk", flat=True)
    ids = list(found[: SLICE // 20])
    settled = _settled()
    gaps = [
        [first, last]
        for first, last in without(mark.gaps, ids)
        if last > settled  # else whoever had it has given up
    ]
    if ids or gaps != mark.gaps:
        _commit(mark, models.Q(pk__in=ids), gaps=gaps)
    return len(ids)


def _forward(mark: TallyMark, *, lazily: bool) -> int:
    new = Event.objects.filter(pk__gt=mark.up).order_by("pk")
    ids = list(new.values_list("pk", flat=True)[:SLICE])
    if not ids or (lazily and len(ids) <= FEW and _is_young(new)):
        return 0
    settled = _settled()
    gaps = missing(mark.up, ids, settled)
    room = MOST_GAPS - len(mark.gaps)
    if len(gaps) > room:
        if room < 1:
            return 0  # until the gaps are filled or old, the rest is counted live
        ids = [pk for pk in ids if pk < gaps[room][0]]
        gaps = gaps[:room]
    counted = models.Q(pk__gt=mark.up, pk__lte=ids[-1]) & ~in_ranges(gaps)
    return len(ids) if _commit(mark, counted, up=ids[-1], gaps=mark.gaps + gaps) else 0


def _is_young(events: models.QuerySet[Event]) -> bool:
    first = events.values_list("received_at", flat=True).first()
    return first is not None and timezone.now() - first < YOUNG


def _backward(mark: TallyMark) -> int:
    if not mark.down:
        return 0
    old = Event.objects.filter(pk__lte=mark.down).order_by("-pk")
    ids = list(old.values_list("pk", flat=True)[:SLICE])
    down = ids[-1] - 1 if len(ids) == SLICE else 0
    gaps = missing(down, [*reversed(ids), mark.down + 1], _settled())
    room = max(MOST_GAPS - len(mark.gaps), 0)
    gaps = gaps[len(gaps) - room :] if room else []
    counted = models.Q(pk__gt=down, pk__lte=mark.down) & ~in_ranges(gaps)
    return len(ids) if _commit(mark, counted, down=down, gaps=mark.gaps + gaps) else 0


def missing(above: int, ids: Iterable[int], settled: int) -> list[list[int]]:
    """Return the ranges between ascending ids that may still be filled: those over `settled`.

    >>> missing(3, [4, 7, 8, 10], 5)
    [[6, 6], [9, 9]]
    """
    gaps, before = [], max(above, settled)
    for pk in ids:
        if pk > before + 1:
            gaps.append([before + 1, pk - 1])
        before = max(before, pk)
    return gaps


def without(ranges: list[list[int]], ids: Iterable[int]) -> list[list[int]]:
    """Return ranges with ids taken out of them.

    >>> without([[3, 6], [9, 9]], [4, 9])
    [[3, 3], [5, 6]]
    """
    for pk in ids:
        left = []
        for first, last in ranges:
            if first <= pk <= last:
                left += [[first, pk - 1], [pk + 1, last]]
            else:
                left.append([first, last])
        ranges = [[first, last] for first, last in left if first <= last]
    return ranges


def _settled() -> int:
    """Return an id up to which nothing can be committed any more."""
    old = Event.objects.filter(received_at__lt=timezone.now() - LATE).order_by("-received_at")
    return old.values_list("pk", flat=True).first() or 0


# Retention ------------------------------------------------------------------------------------
def _follow_retention(mark: TallyMark) -> None:
    """Take out of the tallies what retention has deleted: it deletes the oldest first.

    The minute of the oldest event that is left, and the next, are counted anew.
    """
    received = Event.objects.order_by("received_at").values_list("received_at", flat=True)
    oldest = received.first()
    if oldest == mark.since:
        return
    if oldest is None:
        _commit(mark, models.Q(pk__in=[]), gone=models.Q(), since=None)
        return
    begin = oldest.replace(second=0, microsecond=0)
    end = begin + timedelta(minutes=2)
    gone = models.Q(seconds__gt=60, begins_at__lte=end) | models.Q(seconds=60, begins_at__lt=end)
    again = mark.counted & models.Q(received_at__gte=begin, received_at__lt=end)
    _commit(mark, again, gone=gone, from_minutes=(begin, end), since=oldest)


# Writing --------------------------------------------------------------------------------------
def _commit(
    mark: TallyMark,
    counted: models.Q,
    *,
    gone: models.Q | None = None,
    from_minutes: tuple[datetime, datetime] | None = None,
    **changes: Any,
) -> bool:
    """Delete the tallies of `gone`, add these events, move the mark; tells whether it was ours."""
    rows = group(Event.objects.filter(counted))
    with transaction.atomic():
        ours = TallyMark.objects.filter(pk=mark.pk, version=mark.version)
        if not ours.update(version=mark.version + 1, **changes):
            return False
        if gone is not None:
            Tally.objects.filter(gone).delete()
        add(rows)
        if from_minutes:
            for seconds in Tally.SPANS[1:]:
                _from_minutes(seconds, *from_minutes)
    mark.version += 1
    for name, value in changes.items():
        setattr(mark, name, value)
    return True


def add(rows: list[Row]) -> None:
    """Add events to the tallies of their minutes and hours; a negative number takes them out."""
    for seconds in Tally.SPANS:
        changed: dict[tuple[datetime, str, str], list[tuple[int | None, int]]] = {}
        for minute, queue, outcome, bucket, events in rows:
            begins_at = datetime.fromtimestamp(minute * 60 // seconds * seconds, UTC)
            changed.setdefault((begins_at, queue, outcome), []).append((bucket, events))
        _add_to(seconds, changed)


def _add_to(
    seconds: int, changed: dict[tuple[datetime, str, str], list[tuple[int | None, int]]]
) -> None:
    if not changed:
        return
    first, last = min(changed)[0], max(changed)[0]
    there = Tally.objects.filter(seconds=seconds, begins_at__range=(first, last))
    tallies = {(one.begins_at, one.queue, one.outcome): one for one in there}
    for key, counts in changed.items():
        if key not in tallies:
            begins_at, queue, outcome = key
            tallies[key] = Tally(seconds=seconds, begins_at=begins_at, queue=queue, outcome=outcome)
        for bucket, count in counts:
            tallies[key].add(bucket, count)
    Tally.objects.bulk_create(
        [tallies[key] for key in sorted(changed)],
        update_conflicts=True,
        unique_fields=["seconds", "begins_at", "queue", "outcome"],
        update_fields=["count", "took"],
    )
    if not all(tallies[key].count for key in changed):
        there.filter(count=0).delete()


def _from_minutes(seconds: int, begin: datetime, end: datetime) -> None:
    """Add up the spans of this length that two instants are in, from their minutes."""
    first, last = _floor(begin, seconds), _floor(end, seconds) + timedelta(seconds=seconds)
    Tally.objects.filter(seconds=seconds, begins_at__gte=first, begins_at__lt=last).delete()
    changed: dict[tuple[datetime, str, str], list[tuple[int | None, int]]] = {}
    for one in Tally.objects.filter(seconds=60, begins_at__gte=first, begins_at__lt=last):
        key = (_floor(one.begins_at, seconds), one.queue, one.outcome)
        timed = [(int(bucket), count) for bucket, count in one.took.items()]
        rest = one.count - sum(count for _, count in timed)
        changed.setdefault(key, []).extend([*timed, (None, rest)])
    _add_to(seconds, changed)


def _floor(instant: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(int(instant.timestamp()) // seconds * seconds, UTC)


class _Minute(models.Func):
    """The minute of an instant since the epoch."""

    output_field = models.BigIntegerField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 60"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 60)::bigint"
        return self.as_sql(compiler, connection, template=template, **more)


class _Bucket(models.Func):
    """The bucket of a handler time."""

    output_field = models.IntegerField()
    arity = 1
    template = handler_time.sql("%(expressions)s")
