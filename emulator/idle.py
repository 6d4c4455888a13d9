"""Waiting until there is nothing left to do, without asking again and again."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Count

from .committer import Committer
from .models import Attempt, Queue, Task
from .queues import live_queue
from .work import Work

# Under load something ends every millisecond; it is enough to look this often.
SHORTEST_REST = 0.02
MOST_NAMED = 100


class Changes:
    """Tells coroutines that something has changed since they last looked."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        """Wake everyone who waits."""
        self._next.set()
        self._next = asyncio.Event()

    def following(self) -> asyncio.Event:
        """Return the event of the next change; to be taken before looking."""
        return self._next


@dataclass
class Left:
    """What a queue still has to do. `scheduled` is counted only where it was asked for."""

    queue: str = ""
    state: str = ""
    due: int = 0
    scheduled: int = 0
    in_flight: int = 0

    def busy(self, held: bool) -> bool:
        """Say whether there is something to wait for: what is due in a stopped queue is not."""
        stopped = held or self.state != Queue.State.RUNNING
        return bool(self.in_flight or self.scheduled or (self.due and not stopped))


def left(work: Work, *, queue: str, scheduled: bool) -> dict[int, Left]:
    """Return what each queue, or the one named, still has to do; raises Refused for no queue."""
    work.quiet = True
    one = live_queue(queue).pk if queue else None
    found: dict[int, Left] = defaultdict(Left)
    live = Task.objects.live().order_by()
    _count(found, "due", live.filter(due_at__lte=work.now), "queue", one)
    if scheduled:
        later = live.waiting().filter(due_at__gt=work.now)
        _count(found, "scheduled", later, "queue", one)
    _count(found, "in_flight", Attempt.objects.running().order_by(), "task__queue", one)
    for pk, name, state in Queue.objects.filter(pk__in=found).values_list("pk", "name", "state"):
        found[pk].queue, found[pk].state = name, state
    return found


def _count(found: dict[int, Left], what: str, rows: Any, queue: str, one: int | None) -> None:
    if one is not None:
        rows = rows.filter(**{queue: one})
    for pk, count in rows.values_list(queue).annotate(n=Count("pk")):
        setattr(found[pk], what, count)


class Idleness:
    """Answers whether queues are idle, now or as soon as they are."""

    def __init__(self, committer: Committer, changes: Changes, held: Container[int]) -> None:
        self._committer = committer
        self._changes = changes
        self._held = held

    async def left(self, queue: str = "", scheduled: bool = False) -> list[Left]:
        """Return the queues that are not idle, some of very many; raises Refused for no queue."""
        found = await self._committer.run(partial(left, queue=queue, scheduled=scheduled))
        return [each for pk, each in found.items() if each.busy(pk in self._held)][:MOST_NAMED]

    async def wait(self, queue: str = "", scheduled: bool = False) -> None:
        """Return once nothing is due or under way; raises Refused for no queue."""
        while True:
            change, started = self._changes.following(), time.monotonic()
            if not await self.left(queue, scheduled):
                return
            # Where very much is left, looking costs, and the work is what should get on.
            rest = 5 * (time.monotonic() - started)
            await change.wait()
            await asyncio.sleep(max(SHORTEST_REST, rest))
