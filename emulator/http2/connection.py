"""One client's connection: its frames become calls, and go to their handlers.

Windows of our own are so large that no message waits for one; the client's are kept to. A call's
timeout is left to the client, who gives up by itself: a commit cannot be taken back.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import frames
from .call import LARGEST_MESSAGE, Call, Failed, too_large
from .fields import LARGEST_FIELDS, FieldReader, Fields
from .frames import HEAD, HEAD_SIZE, LARGEST_FRAME, STREAM, Broken, frame
from .outgoing import Outgoing

if TYPE_CHECKING:
    from .server import Server

MOST_CALLS = 1000  # at once, of one client
_WINDOW = 2 * LARGEST_MESSAGE
_GREETING = frames.settings_frame(
    {
        frames.MAX_CONCURRENT_STREAMS: MOST_CALLS,
        frames.INITIAL_WINDOW_SIZE: _WINDOW,
        frames.MAX_HEADER_LIST_SIZE: LARGEST_FIELDS,
    }
) + frame(frames.WINDOW_UPDATE, 0, 0, frames.number(_WINDOW - frames.DEFAULT_WINDOW))
_ONLY_GRPC = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"This port speaks gRPC over plaintext HTTP/2. REST is on the HTTP port.\n"
)
_SETTINGS_ACK = frame(frames.SETTINGS, frames.ACK, 0)


class Connection(asyncio.Protocol):
    """Reads a client's frames and writes ours, in one `write` for all that one read brought."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._out = Outgoing()
        self._fields = FieldReader()
        self._rest = b""
        self._greeted = False
        self._leaving = False
        self._last = 0  # the highest stream that the client has opened
        self._taken = 0  # bytes of the connection's window that are used up
        self._block: tuple[int, int, list[bytes]] | None = None  # fields that go on
        self._take: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._data,
            frames.HEADERS: self._headers,
            frames.RST_STREAM: self._reset,
            frames.SETTINGS: self._settings,
            frames.PUSH_PROMISE: self._out_of_place,
            frames.PING: self._ping,
            frames.WINDOW_UPDATE: self._widen,
            frames.CONTINUATION: self._out_of_place,
        }

    # What asyncio calls ------------------------------------------------------------------
    def connection_made(self, transport: Any) -> None:
        """Wait for the client's greeting."""
        self._out.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of every call."""
        self._server.connections.discard(self)
        for stream in list(self._out.calls):
            self._out.let_go(stream)

    def pause_writing(self) -> None:
        """Read no more from a client who does not read."""
        self._out.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self._out.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take every whole frame; the rest waits for more."""
        self._out.keep()
        try:
            self._rest = self._frames(self._rest + data if self._rest else data)
        except Broken as broken:
            if self._greeted:
                self._go_away(broken.code)
            self._out.flush()
            self.close()
        else:
            self._out.flush()

    # Frames ------------------------------------------------------------------------------
    def _frames(self, data: bytes) -> bytes:
        at, end = 0, len(data)
        if not self._greeted:
            at = self._greet(data)
            if not self._greeted:
                return data
        while end - at >= HEAD_SIZE:
            head, flags, stream = HEAD.unpack_from(data, at)
            size = head >> 8
            if size > LARGEST_FRAME:
                raise Broken(frames.FRAME_SIZE_ERROR, "a frame larger than we take")
            if end - at - HEAD_SIZE < size:
                break
            at += HEAD_SIZE
            self._frame(head & 0xFF, flags, stream & STREAM, data[at : at + size])
            at += size
        return data[at:] if at else data

    def _greet(self, data: bytes) -> int:
        """Return how many bytes the client's preface took: 0 until it is whole."""
        begin = data[: len(frames.PREFACE)]
        if not frames.PREFACE.startswith(begin):
            if begin[:1].isalpha():  # HTTP/1.1 rather than TLS
                self._out.write(_ONLY_GRPC)
            raise Broken(frames.PROTOCOL_ERROR, "no preface")
        if begin != frames.PREFACE:
            return 0
        self._greeted = True
        self._out.write(_GREETING)
        return len(begin)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block is not None:
            self._continuation(kind, flags, stream, payload)
        elif kind in self._take:  # an unknown kind is to be ignored
            self._take[kind](flags, stream, payload)

    def _out_of_place(self, flags: int, stream: int, payload: bytes) -> None:
        raise Broken(frames.PROTOCOL_ERROR, "a frame that cannot come now")

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        block = frames.unpadded(flags, payload)
        if flags & frames.END_HEADERS:
            self._opened(stream, flags, block)
        else:
            self._block = stream, flags, [block]

    def _continuation(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        first, flags_of_all, parts = self._block or (0, 0, [])
        if kind != frames.CONTINUATION or stream != first:
            raise Broken(frames.PROTOCOL_ERROR, "fields that do not go on")
        parts.append(payload)
        if len(parts) * LARGEST_FRAME > 4 * LARGEST_FIELDS:
            raise Broken(frames.ENHANCE_YOUR_CALM, "fields without end")
        if flags & frames.END_HEADERS:
            self._block = None
            self._opened(stream, flags_of_all, b"".join(parts))

    def _opened(self, stream: int, flags: int, block: bytes) -> None:
        fields = self._fields.read(block)
        if not stream % 2:
            raise Broken(frames.PROTOCOL_ERROR, "a stream that no client opens")
        if stream <= self._last:
            if stream in self._out.calls:  # trailers, which mean nothing here
                self._finish(self._out.calls[stream], flags)
            return
        self._last = stream
        if self._leaving or len(self._out.calls) >= MOST_CALLS:
            refused = frames.number(frames.REFUSED_STREAM)
            return self._out.write(frame(frames.RST_STREAM, 0, stream, refused))
        self._begin(stream, flags, fields)

    def _begin(self, stream: int, flags: int, fields: Fields) -> None:
        call = Call(self._out, stream, fields, self._out.first_window)
        self._out.calls[stream] = call
        try:
            call.handler = self._server.handler(fields)
        except Failed as failed:
            call.read = bool(flags & frames.END_STREAM)
            return call.refuse(failed.code, failed.message)
        self._finish(call, flags)

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        self._taken += len(payload)
        if self._taken * 2 >= _WINDOW:
            self._out.write(frame(frames.WINDOW_UPDATE, 0, 0, frames.number(self._taken)))
            self._taken = 0
        call = self._out.calls.get(stream)
        if call is None or call.read:
            if stream > self._last or not stream % 2 or call is not None:
                raise Broken(frames.PROTOCOL_ERROR, "data of a stream that is not open")
            return  # of a call that we have refused already
        part = frames.unpadded(flags & ~frames.WITH_PRIORITY, payload)
        call.size += len(part)
        if call.size > LARGEST_MESSAGE:
            call.refuse(too_large().code, too_large().message)
            return
        call.parts.append(part)
        self._finish(call, flags)

    def _finish(self, call: Call, flags: int) -> None:
        """Run a call that has been read to its end."""
        if not flags & frames.END_STREAM or call.handler is None or call.read:
            return
        call.read = True
        try:
            message = call.message()
        except Failed as failed:
            return call.refuse(failed.code, failed.message)
        call.parts.clear()
        call.handler(call, message)

    def _reset(self, flags: int, stream: int, payload: bytes) -> None:
        frames.read_number(payload)
        self._out.let_go(stream)

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        for name, value in frames.read_settings(payload):
            if name == frames.INITIAL_WINDOW_SIZE:
                self._out.set_first_window(value)
        self._out.write(_SETTINGS_ACK)

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise Broken(frames.FRAME_SIZE_ERROR, "a ping of another size than 8 bytes")
        if not flags & frames.ACK:
            self._out.write(frame(frames.PING, frames.ACK, 0, payload))

    def _widen(self, flags: int, stream: int, payload: bytes) -> None:
        self._out.widen(stream, frames.read_number(payload) & STREAM)

    # The end -----------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        """Say whether calls are under way."""
        return bool(self._out.calls)

    def leave(self) -> None:
        """Take no more calls."""
        if not self._leaving:
            self._go_away(frames.NO_ERROR)

    def close(self) -> None:
        """End the connection once everything written has been sent."""
        self._out.transport.close()

    def _go_away(self, code: int) -> None:
        self._leaving = True
        last = frames.number(self._last) + frames.number(code)
        self._out.write(frame(frames.GOAWAY, 0, 0, last))
