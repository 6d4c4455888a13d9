"""Batches: many creations or deletions in one call, and the operations that tell of them.

A batch is done when it is answered, so its operation is born finished. The operation is a row of
its own: it can be asked for later, and a request repeated under the same id gets it again.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.empty_pb2 import Empty

from . import errors, refusals, tasks
from .convert import convert
from .creating import create_task
from .errors import Refused
from .google_types import tasks_v2
from .models import LongOperation
from .queues import live_queue
from .statuses import packed, status
from .work import Work

MOST_CREATED = 100
MOST_DELETED = 1000
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_CreateTaskRequest: Any = tasks_v2.CreateTaskRequest.pb()
_DeleteTaskRequest: Any = tasks_v2.DeleteTaskRequest.pb()


def batch_create(
    work: Work,
    request: Any,
    *,
    tombstone: timedelta,
    https_tokens: bool = False,
    api: Any = tasks_v2,
) -> Any:
    """BatchCreateTasks: each for itself; `api` is the version whose messages are answered."""
    _check(request.parent, len(request.requests), MOST_CREATED)
    for index, each in enumerate(request.requests):
        if each.parent != request.parent:
            raise refusals.batch_parent(index)

    def one(each: Any) -> Any:
        asked = convert(each, _CreateTaskRequest())
        return create_task(work, asked, tombstone=tombstone, https_tokens=https_tokens)

    def answer(created: list[Any]) -> Any:
        response = api.BatchCreateTasksResponse.pb()()
        for task in created:
            convert(task, response.tasks.add())
        return response

    return _once(work, request, request.requests, one, api.BatchCreateTasksMetadata, answer)


def batch_delete(work: Work, request: Any, *, tombstone: timedelta, api: Any = tasks_v2) -> Any:
    """BatchDeleteTasks: each for itself; `api` is the version whose messages are answered."""
    _check(request.parent, len(request.names), MOST_DELETED)

    def one(name: str) -> Any:
        parts = tasks.parsed(name)
        if parts.queue != request.parent:
            raise errors.task_in_another_queue(request.parent, parts.queue)
        return tasks.delete_task(work, _DeleteTaskRequest(name=name), tombstone=tombstone)

    return _once(
        work, request, request.names, one, api.BatchDeleteTasksMetadata, lambda done: Empty()
    )


def get_operation(work: Work, request: Any) -> Any:
    """GetOperation."""
    row = LongOperation.objects.filter(name=request.name).first()
    if row is None:
        raise errors.not_found()
    return operations_pb2.Operation.FromString(bytes(row.message))


def forget_operations(work: Work, keep: timedelta) -> None:
    """Delete the operations that ended longer ago than `keep`."""
    LongOperation.objects.older_than(work.now - keep).delete()


def _check(parent: str, size: int, most: int) -> None:
    live_queue(parent)
    if not 1 <= size <= most:
        raise refusals.batch_size(most)


def _once(
    work: Work,
    request: Any,
    items: Sequence[Any],
    one: Callable[[Any], Any],
    metadata: Any,
    answer: Callable[[list[Any]], Any],
) -> Any:
    """Run a batch unless its request_id names an operation already; returns the operation."""
    if request.request_id and not _REQUEST_ID.fullmatch(request.request_id):
        raise refusals.request_id_invalid()
    location = request.parent.partition("/queues/")[0]
    # Kept in the request: if the answer to its commit is lost, the call runs once more.
    request.request_id = request.request_id or str(uuid.uuid4())
    name = f"{location}/operations/{request.request_id}"
    known = LongOperation.objects.filter(name=name).first()
    if known is not None:
        return operations_pb2.Operation.FromString(bytes(known.message))
    done, failed = _each(items, one)
    state = metadata.State.PARTIALLY_SUCCEEDED if failed else metadata.State.SUCCEEDED
    message = _operation(name, _metadata(metadata.pb()(), work.now, state, failed))
    if done:
        message.response.CopyFrom(packed(answer(done)))
    else:
        message.error.CopyFrom(status(refusals.none_succeeded(metadata.__name__)))
    LongOperation(name=name, message=message.SerializeToString(), ended_at=work.now).save()
    return message


def _each(items: Sequence[Any], one: Callable[[Any], Any]) -> tuple[list[Any], dict[int, Refused]]:
    """Return what succeeded, and why the others did not by their places."""
    done: list[Any] = []
    failed: dict[int, Refused] = {}
    for index, run in enumerate(partial(one, item) for item in items):
        try:
            done.append(run())
        except Refused as refused:
            failed[index] = refused
    return done, failed


def _metadata(message: Any, now: datetime, state: int, failed: dict[int, Refused]) -> Any:
    message.start_time.FromDatetime(now)
    message.end_time.FromDatetime(now)
    message.state = state
    for index, refused in failed.items():
        message.failed_requests[index].CopyFrom(status(refused))
    return message


def _operation(name: str, metadata: Any) -> Any:
    return operations_pb2.Operation(name=name, done=True, metadata=packed(metadata))
