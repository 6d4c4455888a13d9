"""Operations for testers: forget, turn the clock, deliver twice or out of order.

None is part of Cloud Tasks' API. Each is an operation like those: it takes the work first.
"""

from datetime import timedelta
from typing import Any

from django.db.models import F

from . import errors
from .clock import Clock
from .models import Queue, Task
from .names import TaskName
from .orders import duplicate_for, orders_for
from .queues import find_live, live_queue
from .tasks import find_task, parsed
from .turns import forget, in_turns
from .work import Work


def reset(work: Work, *, queue: str, queues: bool) -> dict[str, int]:
    """Forget tasks, attempts and resting names, of one queue or of all; with `queues` those too.

    Raises Refused where the queue named does not exist. Late answers find nothing to change; a
    task that is created meanwhile stays.
    """
    if queue:
        live_queue(queue)
    rows = Queue.objects.filter(name=queue) if queue else Queue.objects.all()
    tasks = Task.objects.filter(queue__in=list(rows.values_list("pk", flat=True)))
    count = tasks.count()
    return in_turns(work, tasks, forget, lambda work: _forget_queues(work, rows, queues, count))


def _forget_queues(work: Work, rows: Any, queues: bool, forgotten: int) -> dict[str, int]:
    gone = rows if queues else rows.exclude(deleted_at=None)
    keys = list(gone.values_list("pk", flat=True))
    live = Queue.objects.live().filter(pk__in=keys).count()
    Queue.objects.filter(pk__in=keys).delete()
    work.altered.update(keys)
    return {"tasks": forgotten, "queues": live}


def next_due(work: Work) -> Any:
    """Return when the next task that waits is due in a queue that runs, or None."""
    work.quiet = True
    waiting = Task.objects.waiting().filter(queue__state=Queue.State.RUNNING)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def turn(work: Work, *, clock: Clock, before: timedelta, offset: timedelta) -> None:
    """Turn the clock from one offset to another; attempts under way keep their time to the end."""
    by = offset - before
    Task.objects.leased().update(due_at=F("due_at") + by)
    clock.turn(offset)
    if by < timedelta(0):
        _come_back(clock, by)
    work.altered.update(_keys())


def _come_back(clock: Clock, by: timedelta) -> None:
    """Bring what happened at times that are now ahead back to now, so that no wait is longer."""
    now, ahead = clock.now(), Task.objects.live().filter(first_dispatch_time__gt=clock.now())
    ahead.update(first_dispatch_time=now)
    late = Task.objects.waiting_to_retry().filter(due_at__gt=now)
    late.update(due_at=F("due_at") + by, schedule_time=F("schedule_time") + by)
    Task.objects.exclude(outcome="").filter(ended_at__gt=now).update(ended_at=now)
    Queue.objects.filter(deleted_at__gt=now).update(deleted_at=now)


def redeliver(work: Work, *, name: str) -> str:
    """Send a task's request once more as if its last attempt arrived twice; ended ones as well.

    Raises Refused for a name that no task has. Returns the name.
    """
    parts = parsed(name)
    queue = find_live(parts.queue)
    task = find_task(queue, parts.id) if queue else None
    if queue is None or task is None:
        raise errors.not_found()
    work.orders.append(duplicate_for(queue, task, work.now))
    return str(parts)


def queue_keys(work: Work, *, queue: str) -> set[int]:
    """Return the primary key of a queue, or of all; raises Refused where there is none."""
    return {queue_key(work, queue=queue)} if queue else set(_keys())


def _keys() -> Any:
    return Queue.objects.live().values_list("pk", flat=True)


def queue_key(work: Work, *, queue: str) -> int:
    """Return the primary key of a queue; raises Refused where there is none."""
    return int(live_queue(queue).pk)


def due_names(work: Work, *, queue: str) -> list[str]:
    """Return the full names of the tasks that are due in a queue, in the order of their times."""
    work.quiet = True
    due = live_queue(queue).tasks.due(work.now).values_list("short_name", flat=True)
    return [str(TaskName(queue, short)) for short in due]


def send_now(work: Work, *, name: str) -> Any:
    """Open an attempt of a task that waits and return its order, or None for one that does not.

    The order is left to the caller to send, who wants to know of its end.
    """
    parts = parsed(name)
    queue = find_live(parts.queue)
    task = find_task(queue, parts.id) if queue else None
    if queue is None or task is None or task.outcome or task.due_at != task.schedule_time:
        return None
    task.lease(work.now)
    Task.store_leases([task])
    return orders_for([(queue, task)], work.now)[0]
