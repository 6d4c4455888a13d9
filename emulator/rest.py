"""The REST face of the method table, for gcloud and for clients that speak JSON.

URLs are those of `routes.py`, messages protobuf's JSON, errors Google's: a status, a text, details.
"""

from functools import partial
from typing import Any

from aiohttp import web
from google.protobuf import json_format

from . import refusals
from .answers import Handler, failure, guarded
from .buffering import BufferTaskRequest, buffer_task
from .committer import Committer
from .methods import Method, Windows
from .payloads import read
from .routes import Route, find
from .service import perform
from .services import VERSIONS

LARGEST_BODY = 10 * 1024 * 1024  # Google's own differs from API to API; this one's is unknown


def serve(
    app: web.Application,
    services: dict[str, list[Method]],
    committer: Committer,
    windows: Windows,
) -> None:
    """Add the REST API of both versions to the application."""
    everywhere = {each.name: each for each in sum(map(list, services.values()), [])}
    buffer = Method(
        "BufferTask", None, None, partial(buffer_task, tombstone=windows.task_tombstone)
    )
    for version, service in VERSIONS.items():
        own = {each.name: each for each in services[service]}
        table = {**everywhere, **own, "BufferTask": buffer}
        app.router.add_route("*", f"/{version}/{{path:.*}}", guarded(_answer(table, committer)))


def _answer(table: dict[str, Method], committer: Committer) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        path = request.rel_url.raw_path.split("/", 2)[2]
        route, fields, verbs = find(request.method, path)
        if route is None:
            return _no_route(request, verbs)
        method = table[route.rpc]
        message = await _message(request, route, method, fields)
        response = await perform(method, message, committer)
        return answered(request, response, wrap="task" if route.rpc == "BufferTask" else "")

    return answer


async def _message(
    request: web.Request, route: Route, method: Method, fields: dict[str, str]
) -> Any:
    content = await content_of(request)
    if route.rpc == "BufferTask":
        kind = request.headers.get("Content-Type", "")
        return BufferTaskRequest(fields["queue"], fields.get("task_id", ""), content, kind)
    return read(method.request(), route.body, content, request.query.items(), fields)


async def content_of(request: web.Request) -> bytes:
    """Return the body of a request; raises Refused where it is too large."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise refusals.payload_too_large(LARGEST_BODY) from None


def answered(request: web.Request, message: Any, wrap: str = "") -> web.Response:
    """Return a message as JSON, its enums as the caller asked for them."""
    alt = request.query.get("$alt", request.query.get("alt", ""))
    document = json_format.MessageToDict(
        message, use_integers_for_enums="enum-encoding=int" in alt.split(";")
    )
    return web.json_response({wrap: document} if wrap else document)


def _no_route(request: web.Request, verbs: set[str]) -> web.Response:
    if not verbs:
        return failure(404, "NOT_FOUND", f"There is nothing at {request.path}.")
    allowed = ", ".join(sorted(verbs))
    response = failure(405, "METHOD_NOT_ALLOWED", f"This URL takes {allowed}.")
    response.headers["Allow"] = allowed
    return response
