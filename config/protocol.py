"""A connection of the worker: uvicorn's, with gunicorn's limits and its strictness.

httptools parses (llhttp, Node's own, in its strict mode); what it lets through and gunicorn's own
parser would not is refused here.
"""

import asyncio
import re
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from config.exchange import Exchange
from config.wire import SENTENCES, BodyOf, Limits, Wire

# RFC 9112 3.2: a target is printable ASCII, and no client sends the fragment.
_NOT_IN_TARGET = re.compile(rb"[^\x21\x22\x24-\x7e]")
_ONCE = {b"host", b"content-type", b"content-length"}
_FRAMING = {b"content-length", b"transfer-encoding"}
_LOOKED_AT = _ONCE | _FRAMING | {b"expect"}


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, limits: Limits, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._status = 400
        self._in_request = self._in_head = False
        self._head_bytes = 0
        self._raw: list[tuple[bytes, bytes]] = []  # header lines, and the trailers after them
        self._deadline: asyncio.TimerHandle | None = None
        # What takes a request without a coroutine, and the one whose body is still to come.
        self._at_once = getattr(self.app, "at_once", None)
        self._exchange: Exchange | None = None

    def data_received(self, data: bytes) -> None:
        """Parse; a head that outgrows every limit is not waited for."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            self._decline_upgrade(data[offered.args[0] :])
        except httptools.HttpParserError:
            self._refuse_rest()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head:
                self._status = 431
                self._refuse_rest()
        if self._in_request and self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)
        self._end_exchange(whole=False)

    def _stop_clock(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = None

    def _too_slow(self) -> None:
        """End a request that trickles: the application answers where it has begun to read."""
        if self._in_head:
            self._status = 408
            self._refuse_rest()
        elif self.cycle.response_complete:
            self.transport.close()
        else:
            self._cut_off()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stop_clock()
        self._in_request = self._in_head = True
        self._head_bytes = 0
        self._framing = b""
        self._raw = []

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.line:
            self._fail(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        raw = self._raw
        raw.append((name, value))
        # As gunicorn counts: the colon, the blank and the line's end are part of a field.
        if len(raw) > self._limits.fields or len(name) + len(value) + 4 > self._limits.field:
            self._fail(431)

    def _read_headers(self) -> None:
        """Look at what was collected, all at once: a turn for each would cost as much again."""
        append, once = self.headers.append, set()
        for raw, value in self._raw:
            name = raw.lower()
            if name in _LOOKED_AT:
                if name in _ONCE and name in once:
                    self._fail(400)
                once.add(name)
                self._look_at(name, value)
            # Some servers make `-` of `_`, so that one could pass for the other.
            if b"_" not in name:
                # The parser leaves a tab at the end.
                append((name, value.rstrip(b"\t ")))

    def _look_at(self, name: bytes, value: bytes) -> None:
        if name in _FRAMING:
            self._framing = name + b": " + value + b"\r\n"
        if name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._read_headers()
        line = len(self.parser.get_method()) + len(self.url) + len(" HTTP/1.1") + 1
        if line > self._limits.line:
            self._fail(414)
        version = self.parser.get_http_version()
        known = version == "1.1" or (version == "1.0" and b"transfer-" not in self._framing)
        if _NOT_IN_TARGET.search(self.url) or not known:
            self._fail(400)
        if version != "1.1" or not self._is_taken_at_once():
            super().on_headers_complete()
            self._wire = Wire(self.transport)
            extensions: Any = {"receiver.wire": self._wire}
            self.scope["extensions"] = extensions

    def _is_taken_at_once(self) -> bool:
        """Offer the request to the application's short way; tell whether it is taken there."""
        others = self.cycle is not None and not self.cycle.response_complete
        # The usual way waits until a client has read what it was sent before.
        others = others or self.flow.write_paused
        method = self.parser.get_method()
        unusual = self.expect_100_continue or self._framing[:9] == b"transfer-" or method == b"HEAD"
        if self._at_once is None or others or unusual or self.parser.should_upgrade():
            return False
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope |= {
            "method": method.decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
        }
        if taken := self._at_once(self.scope):
            keep_alive = self.parser.should_keep_alive()
            cycle: Any = Exchange(self, taken, keep_alive=keep_alive)
            self.cycle = self._exchange = cycle
        return taken is not None

    def on_message_complete(self) -> None:
        # Of a request that offers an upgrade the parser leaves out the body.
        if not (self.parser.should_upgrade() and self._framing):
            self.come_whole()

    def come_whole(self) -> None:
        """Note the end of a request."""
        self._in_request = False
        self._stop_clock()
        super().on_message_complete()
        self._end_exchange(whole=True)

    def _end_exchange(self, *, whole: bool) -> None:
        if exchange := self._exchange:
            self._exchange = None
            exchange.end(whole=whole)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the body of a request that would rather speak another protocol, then close."""
        self.cycle.keep_alive = False
        if self._framing:
            self.parser = httptools.HttpRequestParser(BodyOf(self))
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + self._framing + b"\r\n")
            self.data_received(rest)

    def eof_received(self) -> bool:  # type: ignore[override]  # True keeps our side open
        """Let a client that has closed its side read the answer, as servers with threads do."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        self._cut_off()
        return True

    def _cut_off(self) -> None:
        self.cycle.keep_alive = False
        if self._exchange:
            self._end_exchange(whole=False)
        elif self.cycle.more_body:
            self._wire.cut_off = True
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def _refuse_rest(self) -> None:
        """Refuse what could not be parsed; an answer that is still owed goes first."""
        if self.cycle and not self.cycle.response_complete and not self.cycle.more_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            self._refuse(self._status)

    def _fail(self, status: int) -> None:
        self._status = status
        raise ValueError(status)  # the parser stops and raises its own

    def _refuse(self, status: int) -> None:
        body = SENTENCES[status]
        head = b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        self.transport.close()
