"""The exact bytes of a request's body, or a refusal.

Django's `request.body` loses chunked bodies and takes a truncated one for whole, so what the
server hands over is read here instead: parts in ASGI, a stream in WSGI.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .refusals import Reason, Refused

PIECE = 65536
# The whole body must have come within this many seconds; looked at between two reads of a piece,
# so a client that trickles within one piece outlasts it. In production config/protocol.py times it.
DEADLINE = 30.0


async def receive_body(
    receive: Callable[[], Awaitable[Mapping[str, Any]]], length: str | None, cap: int
) -> bytes:
    """Return the whole body of an ASGI request, at most `cap` bytes; `length` is the header.

    Raises Refused: too large, or truncated. How long it may take is up to the server.
    """
    expected = announced(length, cap) if length else None
    body = await _join_parts(receive, cap)
    if expected is not None and len(body) != expected:
        raise Refused(Reason.TRUNCATED)
    return body


async def _join_parts(receive: Callable[[], Awaitable[Mapping[str, Any]]], cap: int) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(Reason.TRUNCATED)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > cap:
            raise Refused(Reason.TOO_LARGE)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_body(environ: Mapping[str, Any], cap: int) -> bytes:
    """Return the whole body of a WSGI request, at most `cap` bytes.

    Raises Refused: too large, truncated (also a bad chunk or length, or over the deadline), or
    of unknown length on a server that does not end the input.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    coded = bool(environ.get("HTTP_TRANSFER_ENCODING"))
    ended = bool(environ.get("wsgi.input_terminated"))
    if coded and not ended:
        raise Refused(Reason.LENGTH_REQUIRED)
    with _patience(environ) as deadline:
        if not coded and length:
            return _read_length(environ["wsgi.input"], announced(length, cap), deadline)
        # Without either header a body is possible only in HTTP/2, where the server ends it.
        return _read_to_end(environ["wsgi.input"], cap, deadline) if ended else b""


def announced(length: str, cap: int) -> int:
    """Return the length that a header announces; raises Refused for none, or one over `cap`."""
    if not (length.isascii() and length.isdigit()):
        raise Refused(Reason.TRUNCATED)
    if len(length.lstrip("0")) > 18 or int(length) > cap:
        raise Refused(Reason.TOO_LARGE)
    return int(length)


def _read_length(stream: Any, length: int, deadline: float) -> bytes:
    body = bytearray()
    while len(body) < length:
        piece = _read(stream, min(PIECE, length - len(body)), deadline)
        if not piece:
            raise Refused(Reason.TRUNCATED)
        body += piece
    return bytes(body)


def _read_to_end(stream: Any, cap: int, deadline: float) -> bytes:
    body = bytearray()
    while piece := _read(stream, PIECE, deadline):
        body += piece
        if len(body) > cap:
            raise Refused(Reason.TOO_LARGE)
    return bytes(body)


def _read(stream: Any, size: int, deadline: float) -> bytes:
    if time.monotonic() > deadline:
        raise Refused(Reason.TRUNCATED)
    try:
        return bytes(stream.read(size))
    except Exception:  # each server has its own: a lost client, a bad chunk, silence
        raise Refused(Reason.TRUNCATED) from None


@contextmanager
def _patience(environ: Mapping[str, Any]) -> Iterator[float]:
    """Yield the deadline; where gunicorn lends its socket, a silent client is cut off at it."""
    socket = environ.get("gunicorn.socket")
    if socket is None:
        yield time.monotonic() + DEADLINE
        return
    before = socket.gettimeout()
    socket.settimeout(DEADLINE)
    try:
        yield time.monotonic() + DEADLINE
    finally:
        socket.settimeout(before)
