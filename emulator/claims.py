"""The beginning of attempts in the database: claiming the tasks of a queue that are due.

A claim counts the dispatch and writes the attempt before the request goes out. A kill after it
leaves an attempt that is still running, which the next start puts right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from .models import DueTask, Queue, Task
from .models.lean import CLAIMED
from .orders import orders_for
from .prepared import INSTANT, NUMBER, Bind, Select
from .work import Order, Work

_live_queue = Select(lambda: Queue.objects.live().filter(pk=Bind("queue", NUMBER)).order_by())
_next_due: Select[Any] = Select(
    lambda: (
        Task.objects.waiting()
        .filter(queue_id=Bind("queue", NUMBER))
        .order_by("due_at")
        .values_list("due_at")[:1]
    )
)


@cache
def _due(limit: int) -> Select[Any]:
    queue, now = Bind("queue", NUMBER), Bind("now", INSTANT)
    return Select(
        lambda: Task.objects.filter(queue_id=queue).due(now).values_list(*CLAIMED)[:limit]
    )


@dataclass
class Claim:
    """What one claim found: None for a queue that is gone, and when the next task is due."""

    queue: Queue | None
    orders: list[Order] = field(default_factory=list)
    limit: int = 0
    next_due: datetime | None = None

    @property
    def full(self) -> bool:
        """Say whether there may be more that is due already."""
        return len(self.orders) == self.limit


def claim_due(work: Work, *, queue_pk: int, allow: Callable[[Queue], int]) -> Claim:
    """Claim as many due tasks of a queue as `allow` says of it as it now is."""
    queue = next(iter(_live_queue.shared(queue=queue_pk)), None)
    if queue is None or queue.state != Queue.State.RUNNING:
        return Claim(queue, limit=-1)
    claim = Claim(queue, limit=allow(queue))
    if claim.limit < 0:
        return claim
    if claim.limit:
        rows = _due(claim.limit).rows(queue=queue.pk, now=work.now)
        claim.orders = _claim(work, queue, [DueTask(*row) for row in rows])
    if not claim.full:
        following = _next_due.rows(queue=queue.pk)
        claim.next_due = following[0][0] if following else None
    return claim


def _claim(work: Work, queue: Queue, tasks: list[DueTask]) -> list[Order]:
    for task in tasks:
        task.lease(work.now)
    Task.store_leases(tasks)
    return orders_for([(queue, task) for task in tasks], work.now)
