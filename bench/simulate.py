"""Simulates deliveries that meet instances of the receiver: `python bench/simulate.py`.

What a formula would hide: deliveries queue for an instance's one CPU, those that wait meanwhile
share a commit, and what finds no free place waits in front of the instances, then comes again.
Without options it prints the table of docs/scale.md. The same options give the same figures.
"""

import argparse
import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields

LARGEST_BATCH = 256  # receiver/committer.py
PENDING = 10.0  # seconds that Cloud Run lets a request wait for a place, then it answers 429
MIN_BACKOFF, DOUBLINGS = 0.1, 16  # of a queue that was made without settings


@dataclass(frozen=True)
class Load:
    """What comes (deliveries a second, and some at once at the start), and what meets it."""

    rate: float = 500
    burst: int = 0
    instances: int = 1
    concurrency: int = 32
    cpu_us: float = 750
    commit_ms: float = 5
    row_us: float = 270
    seconds: float = 20
    seed: int = 1


@dataclass
class Result:
    """What became of it; latencies in seconds, from the first try to the answer of 200."""

    latencies: list[float] = field(default_factory=list)
    turned_away: int = 0
    commits: int = 0
    most_at_once: int = 0
    busy: float = 0.0
    ended: float = 0.0

    def percentile(self, share: float) -> float:
        """Return the latency in ms that so many per cent stay under."""
        return 1000 * sorted(self.latencies)[math.ceil(share / 100 * len(self.latencies)) - 1]


@dataclass
class Instance:
    """One container: a CPU that takes one delivery after the other, a thread that commits."""

    inside: int = 0
    cpu_free_at: float = 0.0
    waiting: list[float] = field(default_factory=list)  # for a commit, by when they first came
    committing: bool = False


class Simulation:
    """Deliveries through instances; `run` returns the result once everything is answered."""

    def __init__(self, load: Load) -> None:
        self.load, self.result = load, Result()
        self._chance = random.Random(load.seed)  # noqa: S311  no secret
        self._instances = [Instance() for _ in range(load.instances)]
        self._outside: deque[tuple[float, float, int]] = deque()  # waits for a place, since when
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self.now = 0.0

    def run(self) -> Result:
        for _ in range(self.load.burst):
            self._at(0.0, lambda: self._arrive(0.0, 0))
        if self.load.rate:
            self._at(self._gap(), self._next)
        while self._agenda:
            self.now, _, act = heapq.heappop(self._agenda)
            act()
        return self.result

    def _at(self, when: float, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._agenda, (when, self._order, act))

    def _gap(self) -> float:
        return -math.log(1 - self._chance.random()) / self.load.rate

    def _next(self) -> None:
        first = self.now
        if first < self.load.seconds:
            self._arrive(first, 0)
            self._at(first + self._gap(), self._next)

    def _arrive(self, first: float, tries: int) -> None:
        instance = min(self._instances, key=lambda one: one.inside)
        if instance.inside < self.load.concurrency:
            return self._enter(instance, first)
        place = (self.now, first, tries)
        self._outside.append(place)
        self._at(self.now + PENDING, lambda: self._turn_away(place))
        return None

    def _turn_away(self, place: tuple[float, float, int]) -> None:
        """Answer 429 to who still waits; Cloud Tasks comes again after its backoff."""
        if self._outside and self._outside[0] is place:
            self._outside.popleft()
            self.result.turned_away += 1
            _, first, tries = place
            backoff = MIN_BACKOFF * 2 ** min(tries, DOUBLINGS)
            self._at(self.now + backoff, lambda: self._arrive(first, tries + 1))

    def _enter(self, instance: Instance, first: float) -> None:
        instance.inside += 1
        inside = sum(one.inside for one in self._instances)
        self.result.most_at_once = max(self.result.most_at_once, inside)
        work = self.load.cpu_us / 1e6
        instance.cpu_free_at = max(instance.cpu_free_at, self.now) + work
        self.result.busy += work
        self._at(instance.cpu_free_at, lambda: self._wait_for_commit(instance, first))

    def _wait_for_commit(self, instance: Instance, first: float) -> None:
        instance.waiting.append(first)
        if not instance.committing:
            self._commit(instance)

    def _commit(self, instance: Instance) -> None:
        batch, instance.waiting = (
            instance.waiting[:LARGEST_BATCH],
            instance.waiting[LARGEST_BATCH:],
        )
        instance.committing = bool(batch)
        if batch:
            took = self.load.commit_ms / 1e3 + len(batch) * self.load.row_us / 1e6
            self._at(self.now + took, lambda: self._answer(instance, batch))

    def _answer(self, instance: Instance, batch: list[float]) -> None:
        self.result.commits += 1
        self.result.ended = self.now
        self.result.latencies += [self.now - first for first in batch]
        instance.inside -= len(batch)
        for _ in batch:
            if self._outside:
                _, first, _ = self._outside.popleft()
                self._enter(instance, first)
        self._commit(instance)


# The rows of docs/scale.md.
CASES = (
    Load(rate=500),
    Load(rate=500, instances=2),
    Load(rate=500, commit_ms=20),
    Load(rate=1000),
    Load(rate=1400),
    Load(rate=500, commit_ms=50),
    Load(rate=500, commit_ms=50, concurrency=80),
    Load(rate=500, burst=10_000, instances=2),
    Load(rate=0, burst=10_000, instances=2),
    Load(rate=10_000, instances=13, seconds=4),
)
HEAD = (
    "| tasks/s | at once | instances | places | commit ms | p50 ms | p99 ms | most inside "
    "| a commit | 429 | CPU % |"
)


def row(load: Load) -> str:
    """Return one row of the table."""
    found = Simulation(load).run()
    cells = (
        *(f"{load.rate:,.0f}", f"{load.burst:,}", load.instances, load.concurrency),
        *(f"{load.commit_ms:g}", f"{found.percentile(50):,.0f}", f"{found.percentile(99):,.0f}"),
        *(found.most_at_once, f"{len(found.latencies) / found.commits:.1f}"),
        *(f"{found.turned_away:,}", f"{100 * found.busy / found.ended / load.instances:.0f}"),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the table, of the cases or of the one that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    for one in fields(Load):
        kind = type(one.default)
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=kind)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    print(HEAD)
    print("|" + " --- |" * HEAD.count(" |"))
    for load in [Load(**given)] if given else CASES:
        print(row(load), flush=True)


if __name__ == "__main__":
    main()
