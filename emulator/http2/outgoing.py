"""What goes to a client: answers in frames, within the windows that it leaves."""

from typing import Any

from . import frames
from .call import STARTED, SUCCEEDED, Call
from .frames import HEAD, LARGEST_FRAME, LARGEST_WINDOW, Broken, frame

_STARTED = len(STARTED) << 8 | frames.HEADERS
_SUCCEEDED = len(SUCCEEDED) << 8 | frames.HEADERS
_MOST_KEPT = 64 * 1024  # bytes
_NO_TABLE = b"\x20"  # HPACK: from here on its table has no room, and we use none


class Outgoing:
    """The calls of one connection that are still to be answered, and how much it takes."""

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}
        self.transport: Any = None
        self.first_window = frames.DEFAULT_WINDOW  # of a stream
        self.paused = False  # the client does not read
        self.held = 0  # bytes of messages that are not answered yet
        self.sent = 0  # bytes of answers that had to wait, ever
        self.noise = 0  # frames since the last answer that asked for nothing
        self._window = frames.DEFAULT_WINDOW  # of the connection
        self._kept: list[bytes] | None = None
        self._kept_size = 0
        self._prefix = b""  # of the next block of fields

    @property
    def waits(self) -> bool:
        """Say whether it is the client's turn: to take an answer or to end its message."""
        return self.paused or any(call.unsent or not call.read for call in self.calls.values())

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until `flush` where that was asked for."""
        if self._kept is None:
            self.transport.write(data)
            return
        self._kept.append(data)
        self._kept_size += len(data)
        if self._kept_size > _MOST_KEPT:  # or `paused` would come too late
            self.flush()
            self.keep()

    def keep(self) -> None:
        """Keep what is written, so that it goes out in one piece."""
        self._kept, self._kept_size = [], 0

    def flush(self) -> None:
        """Send what was kept."""
        kept, self._kept = self._kept, None
        if kept:
            self.transport.write(b"".join(kept))

    def answer(self, call: Call, data: bytes) -> None:
        """Send the fields, the data and the end: in one piece where the windows have room."""
        size, stream = len(data), call.stream
        if size > min(self._window, call.window, LARGEST_FRAME) or self._prefix:
            return self.finish(call, data, SUCCEEDED)
        if call.gone or call.began:
            return self.finish(call, data, SUCCEEDED)
        self.noise = 0
        self._drop(call)
        self._window -= size
        self.write(
            HEAD.pack(_STARTED, frames.END_HEADERS, stream)
            + STARTED
            + HEAD.pack(size << 8 | frames.DATA, 0, stream)
            + data
            + HEAD.pack(_SUCCEEDED, frames.END_HEADERS | frames.END_STREAM, stream)
            + SUCCEEDED
        )

    def finish(self, call: Call, data: bytes, trailers: bytes, started: bytes = STARTED) -> None:
        """Send what is left of an answer, then its trailers; after a start these alone."""
        call.running = False
        if call.gone:
            return self._drop(call)
        if self.calls.get(call.stream) is not call:
            return
        if data:
            self.send(call, data, started)
        call.trailers = trailers if call.began else started + trailers
        self._pump(call)

    def send(self, call: Call, data: bytes, started: bytes = STARTED) -> None:
        """Send the fields, and as much of the data as the windows have room for."""
        if self.calls.get(call.stream) is not call:
            return
        if not call.began:
            call.began = True
            self._fields(call.stream, started, 0)
        call.unsent = memoryview(bytes(call.unsent) + data)
        self._pump(call)

    def _fields(self, stream: int, block: bytes, flags: int) -> None:
        block, self._prefix = self._prefix + block, b""
        self.write(frames.fields_frames(stream, block, flags))

    def reset(self, stream: int, code: int) -> None:
        """Say that nothing more of a stream is wanted."""
        self.write(frame(frames.RST_STREAM, 0, stream, frames.number(code)))

    def widen(self, stream: int, more: int) -> None:
        """Take note that the client takes so many bytes more; 0 is the whole connection."""
        if not stream:
            self._window += more
            if not more or self._window > LARGEST_WINDOW:
                raise Broken(frames.FLOW_CONTROL_ERROR, "a window beyond all bounds")
            self.pump_all()
        elif call := self.calls.get(stream):
            call.window += more
            if more and call.window <= LARGEST_WINDOW:
                return self._pump(call)
            self.reset(stream, frames.FLOW_CONTROL_ERROR if more else frames.PROTOCOL_ERROR)
            self.give_up(stream)

    def set_first_window(self, size: int) -> None:
        """Take note of how much the client takes on a stream without being asked."""
        for call in self.calls.values():
            call.window += size - self.first_window
            if call.window > LARGEST_WINDOW:
                raise Broken(frames.FLOW_CONTROL_ERROR, "a window beyond all bounds")
        self.first_window = size
        self.pump_all()

    def set_table(self, size: int) -> None:
        """Take note of how large a table of fields the client keeps; a smaller one is confirmed."""
        if size < frames.DEFAULT_TABLE:
            self._prefix = _NO_TABLE

    def give_up(self, stream: int) -> None:
        """Forget a call that nobody waits for; one that runs keeps its place until it has ended."""
        call = self.calls.get(stream)
        if call is None:
            return
        if call.running and not call.on_gone:
            call.gone = True
        else:
            self._drop(call)

    def _drop(self, call: Call) -> None:
        if self.calls.get(call.stream) is not call:
            return
        del self.calls[call.stream]
        self.held -= call.size
        if call.on_gone:
            call.on_gone()

    def pump_all(self) -> None:
        """Send of every answer what there is room for."""
        for call in [call for call in self.calls.values() if call.unsent]:
            self._pump(call)

    def _pump(self, call: Call) -> None:
        while call.unsent and not self.paused:
            room = min(self._window, call.window, LARGEST_FRAME)
            if room <= 0:
                return
            part, call.unsent = call.unsent[:room], call.unsent[room:]
            self._window -= len(part)
            call.window -= len(part)
            self.sent += len(part)
            self.noise = 0
            self.write(frame(frames.DATA, 0, call.stream, part))
        if call.trailers is not None and not call.unsent:
            self.noise = 0
            self._fields(call.stream, call.trailers, frames.END_STREAM)
            if not call.read:  # nothing of the rest is wanted
                self.reset(call.stream, frames.NO_ERROR)
            self._drop(call)
