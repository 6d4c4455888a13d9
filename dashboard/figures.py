"""What was received, in numbers: a period in bars, and each queue's share of it.

Whole minutes, hours and more come from the tallies, what is newer from the events (`rollup`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from receiver.models import Refusal

from . import counts, rollup
from .cache import kept_for
from .handler_time import percentile
from .models import Tally, TallyMark

CATCH_UP = 0.05  # seconds that a page may spend on counting ahead


@dataclass(frozen=True)
class Period:
    """A time to look back over: so many bars of so many minutes, each a span of the tallies."""

    key: str
    words: str
    bars: int
    minutes: int  # of a bar

    @property
    def short(self) -> str:
        return {"1h": "1 h", "24h": "24 h", "7d": "7 d"}[self.key]

    @property
    def bar(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def bar_words(self) -> str:
        return {1: "minute", 60: "hour"}.get(self.minutes, f"{self.minutes // 60} hours")

    @property
    def in_days(self) -> bool:
        return self.minutes > 60

    def first(self, now: datetime) -> datetime:
        """Return when the first bar begins; the last one is still running."""
        minutes = int(now.timestamp()) // 60 // self.minutes * self.minutes
        return datetime.fromtimestamp(minutes * 60, UTC) - self.bar * (self.bars - 1)


PERIODS = {
    one.key: one
    for one in (
        Period("1h", "the last hour", 60, 1),
        Period("24h", "the last 24 hours", 24, 60),
        Period("7d", "the last 7 days", 56, 180),
    )
}
DAY = "24h"


@dataclass
class Share:
    """Some of the events, by outcome and handler time."""

    succeeded: int = 0
    failed: int = 0
    took: Counter[int] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        return self.succeeded + self.failed

    @property
    def success(self) -> float | None:
        """Per cent that succeeded; None of nothing."""
        return 100 * self.succeeded / self.events if self.events else None

    @property
    def p50(self) -> float | None:
        return percentile(self.took, 50)

    @property
    def p95(self) -> float | None:
        return percentile(self.took, 95)


@dataclass
class Bar(Share):
    """The events and refusals of one bar of a period."""

    start: datetime = datetime.min
    refused: int = 0


@dataclass
class QueueShare(Share):
    """One queue's part of a period, and its events bar by bar."""

    series: list[int] = field(default_factory=list)


@dataclass
class Figures:
    """A period, oldest bar first. `to_go` events of it are not counted yet, 0 in the usual case."""

    period: Period
    bars: list[Bar]
    by_queue: dict[str, QueueShare] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    to_go: int = 0

    @property
    def queues(self) -> Counter[str]:
        """The number of events by queue."""
        return Counter({name: share.events for name, share in self.by_queue.items()})

    @property
    def whole(self) -> Share:
        """All bars together."""
        took: Counter[int] = Counter()
        for bar in self.bars:
            took.update(bar.took)
        return Share(self.total("succeeded"), self.total("failed"), took)

    def total(self, what: str) -> int:
        return sum(self.series(what))

    def series(self, what: str) -> list[int]:
        return [getattr(bar, what) for bar in self.bars]

    def add(
        self, at: datetime, queue: str, outcome: str, count: int, took: Iterable[tuple[int, int]]
    ) -> None:
        """Count events into their bar and their queue; a clock ahead of ours hides none."""
        n = min((at - self.bars[0].start) // self.period.bar, len(self.bars) - 1)
        if queue not in self.by_queue:
            self.by_queue[queue] = QueueShare(series=[0] * len(self.bars))
        share = self.by_queue[queue]
        share.series[n] += count
        for one in (self.bars[n], share):
            setattr(one, outcome, getattr(one, outcome) + count)
            for bucket, times in took:
                one.took[bucket] += times


def last_day() -> Figures:
    """Return the last 24 hours."""
    return look_back(DAY)


@kept_for(5)
def look_back(key: str) -> Figures:
    """Count one of the PERIODS, for all who ask within 5 s; what comes back is shared."""
    period = PERIODS[key]
    rollup.catch_up(CATCH_UP)
    first = period.first(timezone.now())
    figures = rollup.read(lambda mark: _count(mark, period, first))
    for at, reason, count in _refusals(first):
        n = min((at - first) // period.bar, len(figures.bars) - 1)
        figures.bars[n].refused += count
        figures.reasons[Refusal.Reason(reason).label] += count
    return figures


def _count(mark: TallyMark, period: Period, first: datetime) -> Figures:
    bars = [Bar(start=first + period.bar * n) for n in range(period.bars)]
    figures = Figures(period, bars, to_go=rollup.to_go(mark, first))
    tallies = Tally.objects.filter(seconds=60 * period.minutes, begins_at__gte=first)
    for at, queue, outcome, count, took in tallies.values_list(
        "begins_at", "queue", "outcome", "count", "took"
    ):
        figures.add(at, queue, outcome, count, [(int(n), times) for n, times in took.items()])
    for minute, queue, outcome, bucket, count in rollup.live(mark, first):
        at = datetime.fromtimestamp(minute * 60, UTC)
        took = [] if bucket is None else [(bucket, count)]
        figures.add(at, queue, outcome, count, took)
    return figures


@kept_for(5)
def refusal_reasons() -> list[tuple[str, int]]:
    """Return why how many were turned away in the last 24 hours, the most frequent first."""
    reasons: Counter[str] = Counter()
    for _, reason, count in _refusals(PERIODS[DAY].first(timezone.now())):
        reasons[Refusal.Reason(reason).label] += count
    return reasons.most_common()


def _refusals(first: datetime) -> Any:
    found = Refusal.objects.filter(minute__gte=first).order_by()
    return found.values_list("minute", "reason").annotate(total=Sum("count"))


def tab_counts(queue: str = "") -> dict[str, str]:
    """Return the counts on the tabs of the events' page, of one queue's events or of all."""
    return counts.events_by_outcome(queue) | refusals_count()


def refusals_count() -> dict[str, str]:
    """Return how many requests were turned away that are still kept."""
    refusals = Refusal.objects.order_by().values_list("count", flat=True)
    return {"refusals": counts.text(sum(refusals))}
