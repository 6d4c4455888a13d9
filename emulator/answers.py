"""JSON answers of the HTTP port: who may ask, what a bad question gets."""

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from google.protobuf import json_format

from . import errors, refusals
from .clock import TurnRefused
from .errors import Code, Refused, invalid
from .statuses import status
from .together import NOT_SERVED, unserved

logger = logging.getLogger("emulator")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HTTP = {
    Code.INVALID_ARGUMENT: 400, Code.NOT_FOUND: 404, Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403, Code.FAILED_PRECONDITION: 400, Code.ABORTED: 409,
    Code.UNIMPLEMENTED: 501, Code.INTERNAL: 500, Code.UNAVAILABLE: 503,
}  # fmt: skip
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LONGEST_WAIT = 3600.0


def may_ask(origin: str | None, host: str | None) -> bool:
    """Say whether a request may come from where its Origin says: no browser, or a page of ours.

    A page of another site, or of a name that was made to point here, could drive the emulator.
    """
    if origin is None:
        return True
    return origin == f"http://{host}" and urlsplit(origin).hostname in _LOOPBACK


def guarded(handler: Handler) -> Handler:
    """Refuse other sites' pages, and turn refusals and a database that is away into JSON."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            if not may_ask(request.headers.get("Origin"), request.headers.get("Host")):
                raise refusals.from_a_web_page()
            return await handler(request)
        except TurnRefused as refused:
            return refusal(invalid(str(refused)))
        except Refused as refused:
            return refusal(refused)
        except NOT_SERVED as error:
            return refusal(unserved(error))

    return answer


@web.middleware
async def in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer in JSON what aiohttp, or a fault of ours, would answer otherwise."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        response = failure(error.status, HTTPStatus(error.status).name, _said(request, error))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except web.RequestPayloadError as error:
        request.content.feed_eof()  # what is left of it is no body; reading on would fail again
        response = refusal(invalid(f"The body cannot be read: {error}."))
        response.force_close()
        return response
    except ConnectionError:  # the client has gone in the middle of its request
        return failure(499, "CANCELLED", "The client closed the request.")
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return refusal(errors.internal())


def _said(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"This URL takes {', '.join(sorted(error.allowed_methods))}."
    if error.status == HTTPStatus.NOT_FOUND:
        return f"There is nothing at {request.path}."
    return f"{error.reason}."


def refusal(refused: Refused) -> web.Response:
    """Return a refusal in the form of Google's JSON APIs."""
    details = json_format.MessageToDict(status(refused)).get("details")
    return failure(_HTTP[refused.code], refused.code.name, refused.message, details)


def failure(code: int, name: str, message: str, details: Any = None, **beside: Any) -> web.Response:
    """Return an error in the form of Google's JSON APIs, with what is to stand beside it."""
    error = {"code": code, "message": message, "status": name}
    if details:
        error["details"] = details
    return web.json_response({"error": error, **beside}, status=code)


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body ({} for none); raises Refused for anything else."""
    try:
        body = await request.json() if request.can_read_body else {}
    except (ValueError, RecursionError):
        raise invalid("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


def text_in(values: Any, name: str) -> str:
    """Return a value that must be there as text; raises Refused."""
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} is required.")
    return value


def flag_in(request: web.Request, name: str) -> bool:
    """Return whether a query parameter is set to anything but 0 or false."""
    return request.query.get(name, "0").lower() not in ("0", "", "false")


def number_in(request: web.Request, name: str, default: int, most: int) -> int:
    """Return a query parameter as a whole number from 1 to `most`; raises Refused."""
    text = request.query.get(name, str(default))
    # Python reads no number of thousands of digits.
    if not (text.isdecimal() and len(text) < 20 and 1 <= int(text) <= most):
        raise invalid(f"{name} must be a whole number from 1 to {most}.")
    return int(text)


def seconds_in(request: web.Request, name: str, default: float) -> float:
    """Return a query parameter as seconds, from 0 to an hour; raises Refused."""
    try:
        seconds = float(request.query.get(name, default))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT:
        raise invalid(f"{name} must be a number of seconds from 0 to {LONGEST_WAIT:g}.")
    return seconds
