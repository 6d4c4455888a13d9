"""Works out what a load needs, from what was measured: `python bench/plan.py`.

Prints the two tables of docs/scale.md: the figures with their sources, and the plan.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.simulate import Load  # noqa: E402

RECEIVER = "`python -m tests.with_postgresql python bench/receiver.py sixteen`, N=3"
FOOTPRINT = "`python -m tests.with_postgresql python bench/footprint.py --events 10000`"
SCALING = "https://docs.cloud.google.com/run/docs/about-instance-autoscaling"
QUOTAS = "https://cloud.google.com/tasks/docs/quotas"


@dataclass(frozen=True)
class Figure:
    """One number, and where it is from."""

    what: str
    value: float
    source: str


RECEIVER_CPU = Figure("CPU of the receiver for an event, us", Load.cpu_us, RECEIVER)
BACKEND_CPU = Figure("CPU of PostgreSQL for an event, 4 a commit, us", 360, FOOTPRINT)
SEARCH_CPU = Figure("CPU of PostgreSQL to index an event for searches, us", 480, FOOTPRINT)
WAL = Figure("WAL for an event, bytes", 2200, FOOTPRINT)
SEARCH_WAL = Figure("WAL to index it for searches, bytes", 4190, FOOTPRINT)
KEPT = Figure("kept of an event of 1 KB with its indexes, bytes", 1910, FOOTPRINT)
SEARCH_KEPT = Figure("kept for searches of it, bytes", 1380, FOOTPRINT)
TASK_INDEX = Figure("of which the two indexes of `task`, bytes", 138, FOOTPRINT)
PRUNED = Figure("time for an event to be deleted, us", 250, FOOTPRINT)
LATENCY = Figure("time in the receiver, ms", 12, "`python bench/simulate.py`, 1,000 tasks/s")
TARGET = Figure("use of CPU and places that Cloud Run aims at", 0.6, SCALING)
PLACES = Figure(
    "requests at once in an instance", 32, "`CONCURRENCY` in deploy/settings.env.example"
)
CONNECTIONS = Figure("connections of an instance at most", 17, "`THREADS` in config/asgi.py, and 1")
QUEUE = Figure("tasks/s that a queue dispatches at most", 500, QUOTAS)
QUEUES = Figure("queues of a project in a region", 1000, QUOTAS)
FIGURES = (
    *(RECEIVER_CPU, BACKEND_CPU, SEARCH_CPU, WAL, SEARCH_WAL, KEPT, SEARCH_KEPT, TASK_INDEX),
    *(PRUNED, LATENCY, TARGET, PLACES, CONNECTIONS, QUEUE, QUEUES),
)

# A table is to be partitioned by day once deleting takes a third of the day, or once the indexes
# that are written all over do not fit in the memory of a mid-sized server beside everything else.
MOST_PRUNING_HOURS = 8
MOST_INDEX_GB = 16


@dataclass(frozen=True)
class Need:
    """What so many events a second need, kept for so many days."""

    rate: float
    days: int

    @property
    def instances(self) -> int:
        """By CPU or by places, whichever is more."""
        cpu = self.rate * RECEIVER_CPU.value / 1e6
        places = self.rate * LATENCY.value / 1e3 / PLACES.value
        return math.ceil(max(cpu, places) / TARGET.value)

    @property
    def connections(self) -> int:
        """Of these instances and of a dashboard, twice, as during a deploy."""
        return int(2 * CONNECTIONS.value * (self.instances + 1))

    @property
    def database_cpus(self) -> float:
        return self.rate * (BACKEND_CPU.value + SEARCH_CPU.value) / 1e6 / TARGET.value

    @property
    def wal_mb(self) -> float:
        """A second."""
        return self.rate * (WAL.value + SEARCH_WAL.value) / 1e6

    @property
    def events(self) -> float:
        return self.rate * 86_400 * self.days

    @property
    def kept_gb(self) -> float:
        return self.events * (KEPT.value + SEARCH_KEPT.value) / 1e9

    @property
    def index_gb(self) -> float:
        return self.events * TASK_INDEX.value / 1e9

    @property
    def pruning_hours(self) -> float:
        """A day."""
        return self.rate * 86_400 * PRUNED.value / 1e6 / 3600

    @property
    def partitioned(self) -> bool:
        return self.pruning_hours > MOST_PRUNING_HOURS or self.index_gb > MOST_INDEX_GB


LOADS = (
    ("100 queues, 0.1 tasks/s each", Need(10, 30)),
    ("100 queues, 5 tasks/s each", Need(500, 3)),
    ("1 queue, 500 tasks/s", Need(500, 30)),
    ("4 queues, 500 tasks/s each", Need(2_000, 7)),
    ("10 queues, 500 tasks/s each", Need(5_000, 7)),
    ("100 queues, 500 tasks/s each", Need(50_000, 7)),
)
HEAD = (
    "| load | kept, days | instances | connections | CPUs of PostgreSQL | WAL MB/s | events | GB "
    "| GB of `task` indexes | hours of pruning a day | partitioned |"
)


def figures_table() -> list[str]:
    """Return the lines of the table of figures."""
    rows = [f"| {one.what} | {one.value:,g} | {one.source} |" for one in FIGURES]
    return ["| figure | value | source |", "| --- | --- | --- |", *rows]


def plan_table() -> list[str]:
    """Return the lines of the table of loads."""
    rows = [HEAD, "|" + " --- |" * HEAD.count(" |")]
    for title, need in LOADS:
        cells = (
            *(title, need.days, need.instances, f"{need.connections:,}"),
            *(f"{need.database_cpus:.1f}", f"{need.wal_mb:,.1f}", f"{need.events / 1e6:,.0f} M"),
            *(f"{need.kept_gb:,.0f}", f"{need.index_gb:,.1f}", f"{need.pruning_hours:,.1f}"),
            "yes" if need.partitioned else "no",
        )
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return rows


if __name__ == "__main__":
    print("\n".join([*figures_table(), "", *plan_table()]))
