"""The last 24 hours in numbers: one grouped query a table for everything the overview counts."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from receiver.models import Event, Refusal

from .cache import kept_for

HOURS = 24
CAP = 10_000  # beyond it a tab says "10,000+": counting on would read the whole table


@dataclass
class Hour:
    """One hour's events by outcome, and its refusals."""

    start: datetime
    succeeded: int = 0
    failed: int = 0
    refused: int = 0

    @property
    def events(self) -> int:
        return self.succeeded + self.failed


@dataclass
class Day:
    """The last 24 hours, oldest first, and the events of each queue."""

    hours: list[Hour]
    queues: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def total(self, what: str) -> int:
        return sum(self.series(what))

    def series(self, what: str) -> list[int]:
        return [getattr(hour, what) for hour in self.hours]


def last_day() -> Day:
    """Count the last 24 hours: the running hour every 5 s, those before it every 5 minutes.

    Past hours hardly change, and counting them reads every event of a day.
    """
    running = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = running - timedelta(hours=HOURS - 1)
    day = Day([Hour(first + timedelta(hours=n)) for n in range(HOURS)])
    by_start = {hour.start: hour for hour in day.hours}
    for events, refusals in (_past(first, running), _running(running)):
        for start, outcome, queue, count in events:
            hour = by_start.get(start, day.hours[-1])
            setattr(hour, outcome, getattr(hour, outcome) + count)
            day.queues[queue] += count
        for start, reason, count in refusals:
            by_start.get(start, day.hours[-1]).refused += count
            day.reasons[Refusal.Reason(reason).label] += count
    return day


Counts = tuple[list[tuple[datetime, str, str, int]], list[tuple[datetime, str, int]]]


@kept_for(300)
def _past(first: datetime, end: datetime) -> Counts:
    return _count(first, end)


@kept_for(5)
def _running(start: datetime) -> Counts:
    return _count(start, start + timedelta(days=1))  # a clock ahead of ours must not hide an event


def _count(first: datetime, end: datetime) -> Counts:
    """Count events by hour, outcome and queue, and refusals by hour and reason."""
    events = Event.objects.filter(received_at__gte=first, received_at__lt=end).order_by()
    received = TruncHour("received_at", tzinfo=UTC)
    by_outcome = events.values_list(received, "outcome", "queue").annotate(count=Count("id"))
    refusals = Refusal.objects.filter(minute__gte=first, minute__lt=end).order_by()
    by_reason = refusals.values_list(TruncHour("minute", tzinfo=UTC), "reason")
    return list(by_outcome), list(by_reason.annotate(total=Sum("count")))


@kept_for(5)
def tab_counts() -> dict[str, str]:
    """Return the counts on the tabs of the events' page, each at most CAP; kept 5 s."""
    events = Event.objects.order_by()
    return {
        "all": capped(events.values("pk")[: CAP + 1].count()),
        "succeeded": capped(events.succeeded().values("pk")[: CAP + 1].count()),
        "failed": capped(events.failed().values("pk")[: CAP + 1].count()),
        "refusals": capped(
            sum(Refusal.objects.order_by().values_list("count", flat=True)[: CAP + 1])
        ),
    }


def capped(count: int) -> str:
    """Return a count as text, cut at CAP."""
    return f"{CAP:,}+" if count > CAP else f"{count:,}"
