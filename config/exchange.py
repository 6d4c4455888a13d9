"""A request that the application takes without a coroutine, and its answer in one write.

It stands where uvicorn keeps its own cycle of request and response, and has what uvicorn asks of
one; a task, an event and six messages for each request are the larger part of what those cost.
"""

import logging
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

log = logging.getLogger("uvicorn.error")
Headers = tuple[tuple[str, str], ...]


class Taken(Protocol):
    """What the application makes of a request that it takes at once: one of the two is called."""

    def whole(self, exchange: "Exchange") -> None:
        """Take the request: its body is there."""

    def broken(self, exchange: "Exchange") -> None:
        """Take note that the body ended early; there may be nobody left to be answered."""


class Answer(Protocol):
    """What an exchange sends."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...


class _Failed(NamedTuple):
    status: int = 500
    headers: Headers = (("content-type", "text/plain"), ("connection", "close"))
    body: bytes = b"Internal Server Error"


_FAILED = _Failed()


class _Nobody:
    """Where uvicorn tells a coroutine that something came."""

    def set(self) -> None:
        """Nobody waits for it."""


class Exchange:
    """One request and its answer, on a connection that has no other under way."""

    __slots__ = (
        *("_protocol", "_taken", "body", "disconnected", "keep_alive", "more_body"),
        "response_complete",
    )
    message_event = _Nobody()

    def __init__(self, protocol: Any, taken: Taken, *, keep_alive: bool) -> None:
        self._protocol, self._taken, self.keep_alive = protocol, taken, keep_alive
        self.body = bytearray()
        self.more_body = True
        self.disconnected = self.response_complete = False

    def end(self, *, whole: bool) -> None:
        """Hand over the request at its end; a mistake of the application's is answered 500."""
        self.more_body = False
        try:
            self._taken.whole(self) if whole else self._taken.broken(self)
        except Exception:
            log.exception("Exception in the application")
            if not self.response_complete:
                self.answer(_FAILED)

    def answer(self, answer: Answer) -> None:
        """Send an answer, which ends the exchange."""
        if self.disconnected:
            return
        self.response_complete = True
        lines, closes = _lines(answer.status, answer.headers)
        if not (self.keep_alive or closes):
            lines += b"connection: close\r\n"
        usual = _usual(tuple(self._protocol.server_state.default_headers))
        # RFC 9110: these announce no content.
        length = b"" if answer.status in (204, 304) else b"content-length: %d\r\n"
        if length:
            length %= len(answer.body)
        transport = self._protocol.transport
        transport.write(b"%b%b%b\r\n%b" % (lines, usual, length, answer.body))
        if closes or not self.keep_alive:
            transport.close()
        self._protocol.on_response_complete()

    def drop(self) -> None:
        """End the connection without an answer."""
        self._protocol.transport.abort()

    def run(self, rest: Coroutine[Any, Any, None]) -> None:
        """Let a coroutine answer later; it is cancelled when the server ends first."""
        tasks = self._protocol.tasks
        task = self._protocol.loop.create_task(rest)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


@lru_cache(maxsize=64)
def _lines(status: int, headers: Headers) -> tuple[bytes, bool]:
    """Return the status line and header lines, and whether they end the connection."""
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers).encode("latin-1")
    closes = any(
        name.lower() == "connection" and "close" in value.lower() for name, value in headers
    )
    return STATUS_LINE[status] + lines, closes


@lru_cache(maxsize=2)
def _usual(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return the lines of the server's own headers, as the date, which change once a second."""
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)
