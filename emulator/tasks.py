"""The operations on tasks: a request message in, a response message out, or Refused."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.empty_pb2 import Empty

from . import errors
from .google_types import tasks_v2
from .messages import FULL, TaskMessage, instant, payload, span, task_message
from .models import Queue, Task
from .names import TaskName, made_by_us, new_task_id, parse_task_name, valid_task_id
from .orders import order_for
from .paging import last_seen, page_size, page_token, within_bytes
from .prepared import NUMBER, TEXT, Bind, Select
from .queues import find_live, live_queue
from .task_rules import canonical, destination, method_name
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


def create_task(
    work: Work, request: Any, *, tombstone: timedelta, https_tokens: bool = False
) -> Any:
    """CreateTask: an unnamed task gets an id, a past schedule_time becomes now."""
    named = bool(request.task.name)
    name = _new_name(request)
    queue = live_queue(request.parent)
    stored = canonical(request.task, str(name), work.now, https_tokens=https_tokens)
    old = _by_id.first(queue=queue.pk, id=name.id) if named else None
    if old is not None:
        if work.again and made_by_us(name.id):
            return task_message(old, queue.name, request.response_view)
        _check_reuse(old, work.now, queue.tombstone_ttl or tombstone)
        old.delete()
    task = _row(queue, name.id, stored)
    task.store()
    work.expect(queue.pk, task.due_at)
    work.created += 1
    return task_message(task, queue.name, request.response_view)


def _new_name(request: Any) -> TaskName:
    if not request.task.name:
        made = TaskName(request.parent, new_task_id())
        # Kept in the request: if the answer to its commit is lost, the call runs once more.
        request.task.name = str(made)
        return made
    name = parsed(request.task.name)
    if name.queue != request.parent:
        raise errors.task_in_another_queue(request.parent, name.queue)
    return name


def _check_reuse(old: Task, now: datetime, tombstone: timedelta) -> None:
    if not old.outcome:
        raise errors.task_exists()
    if old.rests(now, tombstone):
        raise errors.task_existed_recently()


def _row(queue: Queue, task_id: str, stored: Any) -> Task:
    request = payload(stored)
    schedule_time = instant(stored.schedule_time)
    return Task(
        queue=queue,
        short_name=task_id,
        method=method_name(request),
        url=destination(stored).replace("\0", "\N{REPLACEMENT CHARACTER}"),  # PostgreSQL has no NUL
        create_time=instant(stored.create_time),
        schedule_time=schedule_time,
        due_at=schedule_time,
        dispatch_deadline=span(stored.dispatch_deadline),
        body=request.body,
        spec=_spec(stored),
    )


def _spec(stored: Any) -> bytes:
    """Serialize what has no column: the request without its body, and the retry_config."""
    spec = TaskMessage()
    spec.CopyFrom(stored)
    payload(spec).ClearField("body")
    for name in ("name", "create_time", "schedule_time", "dispatch_deadline"):
        spec.ClearField(name)
    return spec.SerializeToString()


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
    work.orders.append(order_for(queue, task, work.now, forced=True))
    task.lease(work.now)
    return task_message(task, queue.name, request.response_view)
