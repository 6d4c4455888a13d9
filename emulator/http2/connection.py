"""One client's connection: its greeting, its frames in their order, and its end.

Windows of our own are so large that no message waits for one; the client's are kept to. A call's
timeout is left to the client, who gives up by itself: a commit cannot be taken back.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import frames
from .call import ONLY_GRPC, UNAVAILABLE
from .fields import LARGEST_FIELDS
from .frames import HEAD, HEAD_SIZE, LARGEST_FRAME, STREAM, Broken, frame
from .incoming import MOST_CALLS, WINDOW, Incoming
from .outgoing import Outgoing

if TYPE_CHECKING:
    from .server import Server

MOST_NOISE = 10_000  # frames that ask for nothing, between two answers or two looks
LAST_LOOKS = 1.0  # seconds for a client to read why it is hung up on
_GREETING = frames.settings_frame(
    {
        frames.MAX_CONCURRENT_STREAMS: MOST_CALLS,
        frames.INITIAL_WINDOW_SIZE: WINDOW,
        frames.MAX_HEADER_LIST_SIZE: LARGEST_FIELDS,
    }
) + frame(frames.WINDOW_UPDATE, 0, 0, frames.number(WINDOW - frames.DEFAULT_WINDOW))
_HTTP_1 = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" + ONLY_GRPC
)
_SETTINGS_ACK = frame(frames.SETTINGS, frames.ACK, 0)
# Finds out within two minutes that the other machine is gone.
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Connection(asyncio.Protocol):
    """Reads a client's frames and writes ours, in one `write` for all that one read brought."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._out = Outgoing()
        self._in = Incoming(server, self._out)
        self._rest = b""
        self._greeted = False  # by its preface
        self._set = False  # by its first frame, which has to be SETTINGS
        self._broken = False
        self._before: tuple[int, ...] = ()  # how far it was at the last look
        self._looks = 0  # since something moved
        self._take: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._in.data,
            frames.HEADERS: self._in.headers,
            frames.RST_STREAM: self._in.reset,
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
        client = transport.get_extra_info("socket")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # macOS lacks the first
                client.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of every call."""
        self._server.connections.discard(self)
        for stream in list(self._out.calls):
            self._out.give_up(stream)

    def pause_writing(self) -> None:
        """Read no more from a client who does not read."""
        self._out.paused = True
        self._out.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._out.paused = False
        self._out.transport.resume_reading()
        self._out.pump_all()

    def data_received(self, data: bytes) -> None:
        """Take every whole frame; the rest waits for more."""
        if self._broken:
            return
        self._out.keep()
        try:
            self._rest = self._frames(self._rest + data if self._rest else data)
        except Broken as broken:
            if self._greeted:
                self._go_away(broken.code)
            self._out.flush()
            self._hang_up()
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
                self._out.write(_HTTP_1)
            raise Broken(frames.PROTOCOL_ERROR, "no preface")
        if begin != frames.PREFACE:
            return 0
        self._greeted = True
        self._out.write(_GREETING)
        return len(begin)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._in.block is not None:
            return self._in.continuation(kind, flags, stream, payload)
        if not self._set and (kind != frames.SETTINGS or flags & frames.ACK):
            raise Broken(frames.PROTOCOL_ERROR, "something before SETTINGS")
        frames.check(kind, stream, len(payload))
        if kind > frames.HEADERS:
            self._out.noise += 1
        if self._out.noise > MOST_NOISE:
            raise Broken(frames.ENHANCE_YOUR_CALM, "frames without end that ask for nothing")
        if kind in self._take:  # an unknown kind is to be ignored
            self._take[kind](flags, stream, payload)

    def _out_of_place(self, flags: int, stream: int, payload: bytes) -> None:
        raise Broken(frames.PROTOCOL_ERROR, "a frame that cannot come now")

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if flags & frames.ACK:
            if payload:
                raise Broken(frames.FRAME_SIZE_ERROR, "an acknowledgement that says more")
            return
        for name, value in frames.read_settings(payload):
            if name == frames.INITIAL_WINDOW_SIZE:
                self._out.set_first_window(value)
            elif name == frames.HEADER_TABLE_SIZE:
                self._out.set_table(value)
        self._set = True
        self._out.write(_SETTINGS_ACK)

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if not flags & frames.ACK:
            self._out.write(frame(frames.PING, frames.ACK, 0, payload))

    def _widen(self, flags: int, stream: int, payload: bytes) -> None:
        if stream > self._in.last or (stream and not stream % 2):
            raise Broken(frames.PROTOCOL_ERROR, "a window of a stream that is not open")
        self._out.widen(stream, frames.read_number(payload) & STREAM)

    # The end -----------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        """Say whether calls are under way."""
        return bool(self._out.calls)

    def look(self, most: int) -> None:
        """Hang up where at `most` looks in a row it was the client's turn, and nothing moved."""
        self._out.noise = 0
        now = (self._out.sent, self._in.came, self._out.transport.get_write_buffer_size())
        waits = self._out.waits or not self._set or self._in.block is not None
        self._looks = self._looks + 1 if waits and now == self._before else 0
        self._before = now
        if self._looks >= most:
            self._out.transport.abort()

    def leave(self) -> None:
        """Take no more calls, and end those that have no end of their own."""
        if self._broken or not self._set:
            return self.close()
        self._in.leaving = True
        self._go_away(frames.NO_ERROR)
        for call in list(self._out.calls.values()):
            if call.on_gone:
                call.refuse(UNAVAILABLE, "The server stops.")

    def close(self) -> None:
        """End the connection once everything written has been sent."""
        self._out.transport.close()

    def _hang_up(self) -> None:
        """End the connection, but let the client read why: unread bytes would reset it at once."""
        self._broken, self._rest = True, b""
        transport = self._out.transport
        for stream in list(self._out.calls):
            self._out.give_up(stream)
        if transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()
        asyncio.get_running_loop().call_later(LAST_LOOKS, transport.abort)

    def _go_away(self, code: int) -> None:
        last = frames.number(self._in.last) + frames.number(code)
        self._out.write(frame(frames.GOAWAY, 0, 0, last))
