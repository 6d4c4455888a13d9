"""What firebase-admin speaks to CLOUD_TASKS_EMULATOR_HOST: two URLs beside Google's own.

Its emulator knows queues from the functions that are deployed to it; here a queue is made with
Google's defaults when its first task comes, unless it is there with settings of its own.
"""

from functools import partial
from typing import Any

from aiohttp import web
from google.protobuf import json_format

from .answers import guarded
from .committer import Committer
from .creating import Create, create_task
from .errors import Code, Refused
from .google_types import tasks_v2
from .methods import Method, Switches, Windows
from .payloads import read
from .queues import ensure_queue
from .rest import answered, content_of
from .service import perform
from .tasks import delete_task

_QUEUE = "/projects/{project}/locations/{location}/queues/{queue}"
_api: Any = tasks_v2
_ENSURE = Method(
    "CreateQueue", None, None, lambda work, request: ensure_queue(work, name=request.parent)
)


def serve(app: web.Application, committer: Committer, windows: Windows, switches: Switches) -> None:
    """Add firebase-admin's URLs to the application."""
    tombstone = windows.task_tombstone
    rules: Any = {"tombstone": tombstone, "https_tokens": switches.strict_https_tokens}
    create = Method(
        "CreateTask", None, None, partial(create_task, **rules), partial(Create, **rules)
    )
    delete = Method("DeleteTask", None, None, partial(delete_task, tombstone=tombstone))

    async def enqueue(request: web.Request) -> web.Response:
        message = read(
            _api.CreateTaskRequest.pb()(), "*", await content_of(request), (),
            {"parent": _queue(request)},
        )  # fmt: skip
        if not message.task.http_request.url:
            message.task.http_request.url = function_url(request.match_info)
        task = await _create(message, create, committer)
        document = json_format.MessageToDict(task)
        # The production shape, and beside it that of Firebase's emulator, slash included.
        return web.json_response({**document, "task": {**document, "name": f"/{task.name}"}})

    async def remove(request: web.Request) -> web.Response:
        name = f"{_queue(request)}/tasks/{request.match_info['task']}"
        message = _api.DeleteTaskRequest.pb()(name=name)
        return answered(request, await perform(delete, message, committer))

    app.router.add_post(f"{_QUEUE}/tasks", guarded(enqueue))
    app.router.add_delete(f"{_QUEUE}/tasks/{{task}}", guarded(remove))


def function_url(names: Any) -> str:
    """Return where Firebase's functions emulator serves a function, for a task without a URL."""
    return "http://127.0.0.1:5001/{project}/{location}/{queue}".format_map(names)


def _queue(request: web.Request) -> str:
    return _QUEUE[1:].format_map(request.match_info)


async def _create(message: Any, create: Method, committer: Committer) -> Any:
    try:
        return await perform(create, message, committer)
    except Refused as refused:
        if refused.code != Code.NOT_FOUND:
            raise
    await perform(_ENSURE, message, committer)
    return await perform(create, message, committer)
