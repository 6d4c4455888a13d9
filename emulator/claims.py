"""The two ends of an attempt in the database: claiming due tasks, and reporting what came back.

A claim counts the dispatch and writes the attempt before the request goes out; a report ends the
attempt and moves its task on. A kill between the two leaves an attempt that is still running, which
the next start puts right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from .messages import task_rules
from .models import Attempt, Queue, Task
from .models.task import RETENTION
from .orders import order_for
from .prepared import INSTANT, NUMBER, Bind, Select
from .sender import Answer
from .work import Order, Work

_live_queue = Select(lambda: Queue.objects.live().filter(pk=Bind("queue", NUMBER)).order_by())
_live_task = Select(
    lambda: Task.objects.live().filter(pk=Bind("task", NUMBER)).defer("body").order_by()
)
_next_due: Select[Any] = Select(
    lambda: (
        Task.objects.waiting()
        .filter(queue_id=Bind("queue", NUMBER))
        .order_by("due_at")
        .values_list("due_at")[:1]
    )
)


@cache
def _due(limit: int) -> Select[Task]:
    queue, now = Bind("queue", NUMBER), Bind("now", INSTANT)
    return Select(lambda: Task.objects.filter(queue_id=queue).due(now)[:limit])


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
    queue = _live_queue.first(queue=queue_pk)
    if queue is None or queue.state != Queue.State.RUNNING:
        return Claim(queue, limit=-1)
    claim = Claim(queue, limit=allow(queue))
    if claim.limit < 0:
        return claim
    if claim.limit:
        due = _due(claim.limit).all(queue=queue.pk, now=work.now)
        claim.orders = _claim(work, queue, due)
    if not claim.full:
        following = _next_due.rows(queue=queue.pk)
        claim.next_due = following[0][0] if following else None
    return claim


def _claim(work: Work, queue: Queue, tasks: list[Task]) -> list[Order]:
    orders = [order_for(queue, task, work.now) for task in tasks]
    for task in tasks:
        task.lease(work.now)
    return orders


def report(work: Work, *, order: Order, answer: Answer) -> str:
    """Record what an attempt brought and move its task on; returns in words what became of it."""
    Attempt(
        pk=order.attempt,
        ended_at=answer.ended_at,
        status=answer.status,
        error=answer.error,
        headers=answer.headers,
        body=answer.body,
    ).end()
    if order.extra:
        return "an extra delivery, which changes nothing"
    task = _live_task.first(task=order.task)
    if task is None:
        return "dropped: the task had ended"
    if not answer.succeeded and order.retry_count + 1 < task.dispatch_count:
        task.count_answer(answer.status)
        return "counted: a later attempt decides"
    task.note_answer(answer.status, answer.ended_at)
    if answer.succeeded:
        task.succeed(answer.ended_at)
        return "done"
    return _fail(work, order, task, answer)


def _fail(work: Work, order: Order, task: Task, answer: Answer) -> str:
    rules, failed_at = task_rules(task, task.queue), answer.ended_at
    first = task.first_dispatch_time or failed_at
    if rules.exhausted(task.dispatch_count, failed_at - first):
        task.give_up(failed_at)
        return "gave up"
    # Reckoned from the failure; after RunTask from the call, as the v2 proto documents.
    base = order.dispatch_time if order.forced else failed_at
    delay = max(rules.delay(task.dispatch_count), answer.retry_after)
    task.retry_at(base + min(delay, RETENTION))
    work.expect(task.queue_id, task.due_at)
    return f"again in {_seconds(max(task.due_at - work.now, timedelta(0)))} s"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.3f}".rstrip("0").rstrip(".")
