"""BufferTask: any request becomes a task, and the queue says where it goes; over REST alone."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from . import refusals
from .creating import create_task
from .google_types import tasks_v2
from .http_target import overridden_url, split
from .messages import HttpMethod, queue_extras
from .names import new_task_id
from .queues import live_queue
from .task_rules import WITH_BODY
from .work import Work

_CreateTaskRequest: Any = tasks_v2.CreateTaskRequest.pb()


@dataclass
class BufferTaskRequest:
    """A request to be buffered; an empty `task_id` lets the service choose one."""

    queue: str
    task_id: str
    body: bytes
    content_type: str = ""
    made_id: str = ""  # of a task without an id, kept should the call have to run once more


def buffer_task(work: Work, request: BufferTaskRequest, *, tombstone: timedelta) -> Any:
    """BufferTask: the raw body becomes the task's, the URL comes from the queue's http_target."""
    queue = live_queue(request.queue)
    target = queue_extras(queue).http_target
    create = _CreateTaskRequest(parent=queue.name)
    if not request.task_id:
        request.made_id = request.made_id or new_task_id()
    create.task.name = f"{queue.name}/tasks/{request.task_id or request.made_id}"
    http = create.task.http_request
    http.url = buffer_url(target.uri_override)
    http.http_method = target.http_method or HttpMethod.POST
    if HttpMethod(http.http_method).name in WITH_BODY:
        http.body = request.body
    if request.content_type:
        http.headers["Content-Type"] = request.content_type
    return create_task(work, create, tombstone=tombstone, made=not request.task_id)


def buffer_url(override: Any) -> str:
    """Return the URL that a UriOverride makes by itself: https unless it says http."""
    if not override.host:
        raise refusals.no_host_to_buffer_for()
    parts = split(overridden_url("", override))
    return str(parts._replace(path=parts.path or "/"))
