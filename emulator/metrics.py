"""What is counted while it runs, and the text in which Prometheus reads it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200)
# Each queue is a label of several series; the rest of very many share one.
MOST_QUEUES = 100
OTHER = "other"


class Histogram:
    """How often a value was at most this, or that: cumulative, as Prometheus wants it."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Yield (upper bound, how many were at most that); the last is all of them."""
        reached = 0
        for bound, count in zip((*self.bounds, "+Inf"), self._counts, strict=True):
            reached += count
            yield str(bound), reached


class Metrics:
    """Counters in memory; a restart begins at zero, as Prometheus expects."""

    def __init__(self) -> None:
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.create_seconds = Histogram(SECONDS)
        self.dispatch_seconds = Histogram(SECONDS)
        self.attempt_seconds = Histogram(SECONDS)
        self.batch_sizes = Histogram(SIZES)
        self._queues: set[str] = set()

    def label(self, queue: str) -> str:
        """Return the label for a queue: its name, or the common one where there are too many."""
        if queue not in self._queues:
            if len(self._queues) >= MOST_QUEUES:
                return OTHER
            self._queues.add(queue)
        return queue

    def started(self, queue: str, late: float | None) -> None:
        """Count a request that goes out, `late` seconds after it was due (None: on command)."""
        self.in_flight[self.label(queue)] += 1
        if late is not None:
            self.dispatch_seconds.observe(max(0.0, late))

    def answered(self, queue: str, status: int | None, seconds: float) -> None:
        """Count an attempt that ended; a status of None is no answer."""
        self.attempts[self.label(queue), status_class(status)] += 1
        self.attempt_seconds.observe(seconds)

    def ended(self, queue: str) -> None:
        """Count a request that is out no longer."""
        self.in_flight[self.label(queue)] -= 1


def status_class(status: int | None) -> str:
    """Return `2xx` and its like, or `none` for no answer."""
    return f"{status // 100}xx" if status is not None and 100 <= status <= 599 else "none"


Depths = Iterable[tuple[str, int, int, float]]


def exposition(metrics: Metrics, depths: Depths, offset: float) -> str:
    """Write everything in Prometheus' text format.

    `depths` holds (queue, live tasks, due tasks, seconds since the oldest was due).
    """
    rows = _merged(metrics, depths)
    lines = [
        *_gauge("tasks", "Tasks that have not ended.", {q: row[0] for q, row in rows.items()}),
        *_gauge("due_tasks", "Tasks due and not sent.", {q: row[1] for q, row in rows.items()}),
        *_gauge(
            "oldest_due_seconds",
            "How long the task that has waited longest has been due.",
            {q: row[2] for q, row in rows.items()},
        ),
        *_gauge("in_flight_requests", "Requests without an answer yet.", metrics.in_flight),
        *_attempts(metrics),
        *_histogram("create_seconds", "From a CreateTask to its commit.", metrics.create_seconds),
        *_histogram("dispatch_seconds", "From due to sent.", metrics.dispatch_seconds),
        *_histogram("attempt_seconds", "From sent to answered.", metrics.attempt_seconds),
        *_histogram(
            "committer_batch_size", "Operations that shared a commit.", metrics.batch_sizes
        ),
        *_head("clock_offset_seconds", "How far the clock is turned ahead.", "gauge"),
        f"cloud_tasks_clock_offset_seconds {offset}",
    ]
    return "\n".join(lines) + "\n"


def _merged(metrics: Metrics, depths: Depths) -> dict[str, tuple[int, int, float]]:
    rows: dict[str, tuple[int, int, float]] = {}
    for queue, live, due, oldest in depths:
        label = metrics.label(queue)
        before = rows.get(label, (0, 0, 0.0))
        rows[label] = (before[0] + live, before[1] + due, max(before[2], oldest))
    return rows


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP cloud_tasks_{name} {text}", f"# TYPE cloud_tasks_{name} {kind}"]


def _gauge(name: str, text: str, values: dict[str, int] | dict[str, float]) -> list[str]:
    series = [f'cloud_tasks_{name}{{queue="{_escaped(q)}"}} {v}' for q, v in values.items()]
    return [*_head(name, text, "gauge"), *series]


def _attempts(metrics: Metrics) -> list[str]:
    series = [
        f'cloud_tasks_attempts_total{{queue="{_escaped(queue)}",status="{status}"}} {count}'
        for (queue, status), count in metrics.attempts.items()
    ]
    return [*_head("attempts_total", "Attempts that ended.", "counter"), *series]


def _histogram(name: str, text: str, histogram: Histogram) -> list[str]:
    buckets = list(histogram.buckets())
    return [
        *_head(name, text, "histogram"),
        *(f'cloud_tasks_{name}_bucket{{le="{bound}"}} {count}' for bound, count in buckets),
        f"cloud_tasks_{name}_sum {histogram.total}",
        f"cloud_tasks_{name}_count {buckets[-1][1]}",
    ]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
