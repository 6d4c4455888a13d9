"""What this process has done since it started, counted in memory; a restart begins at zero."""

from bisect import bisect_left
from collections import Counter

from .models import Event

# Upper bounds of the buckets of seconds; what is over all of them is in one more.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# A queue is a label, and whoever creates tasks may claim any: the rest of very many share one.
MOST_QUEUES = 100
OTHER = "other"


class Counts:
    """Counters, each changed by one thread of the server alone: no lock, about a us for an event.

    `events` has (queue, outcome), `refused` has reasons; `unstored` and `busy` count answers of 503
    or 500: the store did not take it, or there was no room to wait for it.
    """

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[str] = Counter()
        self.unstored = self.busy = 0
        self.buckets = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0
        self._queues: set[str] = set()

    def stored(self, event: Event) -> None:
        """Count an event that was committed."""
        self.events[self._label(event.queue), event.outcome] += 1
        seconds = (event.took_us or 0) / 1e6
        self.buckets[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds

    def _label(self, queue: str) -> str:
        if queue not in self._queues:
            if len(self._queues) >= MOST_QUEUES:
                return OTHER
            self._queues.add(queue)
        return queue


counts = Counts()
