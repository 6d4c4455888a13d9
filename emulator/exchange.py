"""One connection to a target: a request out as bytes, its answer in through llhttp."""

import asyncio
import time
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LARGEST_LINE = 256 * 1024  # bytes of one header
LARGEST_HEAD = 8 * 1024 * 1024  # bytes of all headers
MOST_HEADERS = 10_000
MOST_BODY = 64 * 1024
_BROKEN = ("\r", "\n", "\0")
_WITHOUT_LENGTH = ("GET", "HEAD", "OPTIONS", "TRACE")

Headers = list[tuple[str, str]]


class NoAnswer(Exception):
    """A connection brought no answer, or none that can be read; the message says why."""


class Disconnected(NoAnswer):
    """The target closed the connection before its answer was there."""


class Response:
    """What came back. `body` is cut at MOST_BODY."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = bytearray()

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def request_bytes(method: str, path: str, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return a request as it is sent; raises ValueError for what no request can hold."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in _WITHOUT_LENGTH:
        lines.append(f"Content-Length: {len(body)}")
    if any(broken in line for line in lines for broken in _BROKEN):
        raise ValueError("it holds a line break or NUL in a header")
    lines.append("\r\n")
    return "\r\n".join(lines).encode() + body


class Exchange(asyncio.Protocol):
    """Carries one exchange at a time; `usable` says whether another may follow, `rested` if now."""

    def __init__(self) -> None:
        self.usable = self.rested = False
        self.rests_since = 0.0
        self._transport: Any = None
        self._lost = False
        self._answer: asyncio.Future[Response] | None = None  # there while one is waited for
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    async def perform(self, request: bytes, has_body: bool = True) -> Response:
        """Send a request and return its answer; raises NoAnswer.

        `has_body` is False for HEAD, whose answer has none whatever its headers say.
        """
        if self._lost:
            raise Disconnected
        self.usable, self._has_body = False, has_body
        self._begin()
        self._answer = answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await answer
        finally:
            self._answer = None

    def rest(self, seconds: float) -> None:
        """Have rested after so many seconds, and once what came meanwhile has been read.

        The loop runs what is due before it reads (uvloop) or after (asyncio): two turns are one of
        reading, however long the loop was held up.
        """
        self.rests_since, self.rested = time.monotonic(), False
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, loop.call_soon, loop.call_soon, self._has_rested)

    def _has_rested(self) -> None:
        self.rested = True

    def close(self) -> None:
        """End the connection at once."""
        self.usable = False
        self._transport.abort()

    def _begin(self) -> None:
        self._response = Response()
        self._head_size = 0
        self._in_head = True
        self._sized = False  # the headers say where the body ends

    # What asyncio calls ------------------------------------------------------------------
    def connection_made(self, transport: Any) -> None:
        """Be ready."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read on; nothing may come while nobody asks."""
        if self._answer is None:
            return self.close()
        if self._in_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
            if self._in_head and self._head_size > LARGEST_HEAD:
                raise NoAnswer("Headers without end")
        except HttpParserUpgrade:  # to a protocol that nobody asked for
            self._end(usable=False)
        except (HttpParserError, NoAnswer) as error:
            ours = error.__context__ if isinstance(error.__context__, NoAnswer) else error
            self._fail(NoAnswer(str(ours)))
        if len(self._response.body) == MOST_BODY:
            self._end(usable=False)

    def connection_lost(self, error: Exception | None) -> None:
        """End an answer whose end is that of the connection; any other has failed."""
        self._lost, self.usable = True, False
        if error is not None:
            self._fail(NoAnswer(str(error)))
        elif self._in_head:
            self._fail(Disconnected())
        elif self._sized:
            self._fail(NoAnswer("It is cut short"))
        else:
            self._end(usable=False)

    # What the parser calls ---------------------------------------------------------------
    def on_message_begin(self) -> None:
        """End the connection after an answer that another follows, which nobody asked for."""
        if self._answer is None or self._answer.done():
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but none that follows a body."""
        if not self._in_head:
            return
        if len(name) + len(value) > LARGEST_LINE or len(self._response.headers) == MOST_HEADERS:
            raise NoAnswer("Headers that are too large, or too many")
        if b"\0" in value:
            raise NoAnswer("A NUL in a header")
        kind = name.lower()
        if kind == b"content-length" or (
            kind == b"transfer-encoding" and b"chunked" in value.lower()
        ):
            self._sized = True
        self._response.headers.append((_text(name), _text(value)))

    def on_headers_complete(self) -> None:
        """Take the status."""
        if self._in_head:
            self._in_head = False
            self._response.status = self._parser.get_status_code()
            if not self._has_body and not self._announces:
                self._end(usable=False)

    def on_body(self, part: bytes) -> None:
        """Keep the body up to its limit."""
        body = self._response.body
        body += part[: MOST_BODY - len(body)]

    def on_message_complete(self) -> None:
        """Hand the answer over, or wait for the one that has been announced."""
        if self._announces:
            self._begin()
        else:
            self._end(usable=self._parser.should_keep_alive())

    @property
    def _announces(self) -> bool:
        return 100 <= self._response.status < 200 and self._response.status != 101

    def _end(self, usable: bool) -> None:
        """Hand the answer over."""
        if self._answer is None or self._answer.done():
            return
        self.usable = usable and not self._transport.get_write_buffer_size()
        self._answer.set_result(self._response)

    def _fail(self, error: NoAnswer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
