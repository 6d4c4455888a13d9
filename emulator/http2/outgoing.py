"""What goes to a client: answers in frames, within the windows that it leaves."""

from typing import Any

from . import frames
from .call import STARTED, SUCCEEDED, Call
from .frames import HEAD, LARGEST_FRAME, LARGEST_WINDOW, Broken, frame

_STARTED = len(STARTED) << 8 | frames.HEADERS
_SUCCEEDED = len(SUCCEEDED) << 8 | frames.HEADERS


class Outgoing:
    """The calls of one connection that are still to be answered, and how much it takes."""

    def __init__(self) -> None:
        self.calls: dict[int, Call] = {}
        self.transport: Any = None
        self.first_window = frames.DEFAULT_WINDOW  # of a stream
        self._window = frames.DEFAULT_WINDOW  # of the connection
        self._kept: list[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until `flush` where that was asked for."""
        if self._kept is None:
            self.transport.write(data)
        else:
            self._kept.append(data)

    def keep(self) -> None:
        """Keep what is written, so that it goes out in one piece."""
        self._kept = []

    def flush(self) -> None:
        """Send what was kept."""
        kept, self._kept = self._kept, None
        if kept:
            self.transport.write(b"".join(kept))

    def answer(self, call: Call, data: bytes) -> None:
        """Send the fields, the data and the end: in one piece where the windows have room."""
        size, stream = len(data), call.stream
        if size > min(self._window, call.window, LARGEST_FRAME) or call.began or not call.read:
            call.trailers = SUCCEEDED
            return self.send(call, data)
        if self.calls.pop(stream, None) is None:
            return
        self._window -= size
        self.write(
            HEAD.pack(_STARTED, frames.END_HEADERS, stream)
            + STARTED
            + HEAD.pack(size << 8 | frames.DATA, 0, stream)
            + data
            + HEAD.pack(_SUCCEEDED, frames.END_HEADERS | frames.END_STREAM, stream)
            + SUCCEEDED
        )

    def send(self, call: Call, data: bytes) -> None:
        """Send the fields, and as much of the data as the windows have room for."""
        if call.stream in self.calls:
            if not call.began:
                call.began = True
                self.write(frames.fields_frames(call.stream, STARTED, 0))
            call.unsent = memoryview(bytes(call.unsent) + data)
            self._pump(call)

    def refuse(self, call: Call, trailers: bytes) -> None:
        """End a call with its trailers alone."""
        if call.stream in self.calls:
            call.trailers = trailers if call.began else STARTED + trailers
            self._pump(call)

    def widen(self, stream: int, more: int) -> None:
        """Take note that the client takes so many bytes more; 0 is the whole connection."""
        if not stream:
            self._window += more
            if not more or self._window > LARGEST_WINDOW:
                raise Broken(frames.FLOW_CONTROL_ERROR, "a window beyond all bounds")
            self._pump_all()
        elif call := self.calls.get(stream):
            call.window += more
            self._pump(call)

    def set_first_window(self, size: int) -> None:
        """Take note of how much the client takes on a stream without being asked."""
        if size > LARGEST_WINDOW:
            raise Broken(frames.FLOW_CONTROL_ERROR, "a window beyond all bounds")
        for call in self.calls.values():
            call.window += size - self.first_window
        self.first_window = size
        self._pump_all()

    def let_go(self, stream: int) -> None:
        """Forget a call that has ended, one way or another."""
        call = self.calls.pop(stream, None)
        if call is not None and call.on_gone:
            call.on_gone()

    def _pump_all(self) -> None:
        for call in [call for call in self.calls.values() if call.unsent]:
            self._pump(call)

    def _pump(self, call: Call) -> None:
        while call.unsent and (room := min(self._window, call.window, LARGEST_FRAME)) > 0:
            part, call.unsent = call.unsent[:room], call.unsent[room:]
            self._window -= len(part)
            call.window -= len(part)
            self.write(frame(frames.DATA, 0, call.stream, part))
        if call.trailers is not None and not call.unsent:
            self.write(frames.fields_frames(call.stream, call.trailers, frames.END_STREAM))
            if not call.read:  # nothing of the rest is wanted
                done = frames.number(frames.NO_ERROR)
                self.write(frame(frames.RST_STREAM, 0, call.stream, done))
            self.let_go(call.stream)
