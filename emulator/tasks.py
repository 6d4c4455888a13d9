"""The operations on tasks: a request message in, a response message out, or Refused."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from google.protobuf.empty_pb2 import Empty

from . import errors
from .google_types import tasks_v2
from .messages import FULL, task_message
from .models import Queue, Task
from .names import TaskName, parse_task_name, valid_task_id
from .orders import orders_for
from .paging import last_seen, page_size, page_token, within_bytes
from .prepared import NUMBER, TEXT, Bind, Select
from .queues import find_live, live_queue
from .work import Work

MOST_A_PAGE = 1000
ListTasksResponse: Any = tasks_v2.ListTasksResponse.pb()

_by_id = Select(
    lambda: Task.objects.filter(
        queue_id=Bind("queue", NUMBER), short_name=Bind("id", TEXT)
    ).order_by()
)


def parsed(name: str) -> TaskName:
    """Return a task's name in its parts; raises Refused where it breaks the rules of names."""
    parts = parse_task_name(name)
    if parts is None:
        raise errors.task_name_malformed()
    if not valid_task_id(parts.id):
        raise errors.task_id_invalid(parts.id)
    return parts


def find_task(queue: Queue, task_id: str) -> Task | None:
    """Return the task of that id, live or ended, or None."""
    return _by_id.first(queue=queue.pk, id=task_id)


def live_task(work: Work, name: str, tombstone: timedelta) -> tuple[Queue, Task]:
    """Return a live task and its queue; raises Refused, telling a lately ended one apart."""
    parts = parsed(name)
    queue = find_live(parts.queue)
    task = _by_id.first(queue=queue.pk, id=parts.id) if queue else None
    if queue is None or task is None:
        raise errors.not_found()
    if task.outcome:
        rests = task.rests(work.now, queue.tombstone_ttl or tombstone)
        raise errors.task_gone() if rests else errors.not_found()
    return queue, task


def get_task(work: Work, request: Any, *, tombstone: timedelta) -> Any:
    """GetTask."""
    queue, task = live_task(work, request.name, tombstone)
    return task_message(task, queue.name, request.response_view)


def list_tasks(work: Work, request: Any) -> Any:
    """ListTasks: live tasks in the order of their creation, at most 1000 and under 4 MiB a page."""
    queue = live_queue(request.parent)
    size = page_size(request.page_size, MOST_A_PAGE)
    after = last_seen(queue.name, request.page_token) if request.page_token else "0"
    if not re.fullmatch("[0-9]{1,18}", after):
        raise errors.page_token_invalid()
    page = list(within_bytes(_messages(queue, int(after), size, request.response_view)))
    response = ListTasksResponse(tasks=[message for _, message in page])
    if page and queue.tasks.live().filter(pk__gt=int(page[-1][0])).exists():
        response.next_page_token = page_token(queue.name, page[-1][0])
    return response


def _messages(queue: Queue, after: int, size: int, view: int) -> Iterator[tuple[str, Any]]:
    tasks = queue.tasks.live().filter(pk__gt=after).order_by("pk")[:size]
    if view != FULL:
        tasks = tasks.defer("body")
    # Few at a time: a page of large tasks ends long before its thousandth row.
    for task in tasks.iterator(chunk_size=20):
        yield str(task.pk), task_message(task, queue.name, view)


def delete_task(work: Work, request: Any, *, tombstone: timedelta) -> Any:
    """DeleteTask: also while an attempt is under way, whose result is then dropped."""
    _, task = live_task(work, request.name, tombstone)
    Task.objects.filter(pk=task.pk).end(Task.Outcome.DELETED, work.now)
    return Empty()


def run_task(work: Work, request: Any, *, tombstone: timedelta) -> Any:
    """RunTask: dispatch now, whatever the queue's state and limits; answered before the target."""
    queue, task = live_task(work, request.name, tombstone)
    task.lease(work.now)
    Task.store_leases([task])
    work.orders += orders_for([(queue, task)], work.now, forced=True)
    return task_message(task, queue.name, request.response_view)
