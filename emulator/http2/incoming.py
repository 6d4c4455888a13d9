"""What a client's frames ask for: its calls, from their first field to the end of their message."""

from typing import TYPE_CHECKING

from . import frames
from .call import LARGEST_MESSAGE, PREFIX, Call, Failed, crowded, no_call, too_large
from .fields import LARGEST_FIELDS, FieldReader, Fields
from .frames import LARGEST_FRAME, Broken, frame
from .outgoing import Outgoing

if TYPE_CHECKING:
    from .server import Server

MOST_CALLS = 100  # at once, of one client; Google's front ends take as many
MOST_HELD = 128 * 1024 * 1024  # bytes of messages at once: as many of the largest tasks
WINDOW = 2 * LARGEST_MESSAGE


class Incoming:
    """The calls of one connection as they come in. `leaving` takes no more of them."""

    def __init__(self, server: "Server", out: Outgoing) -> None:
        self.last = 0  # the highest stream that the client has opened
        self.leaving = False
        self.came = 0  # bytes of messages, ever
        self.block: tuple[int, int, list[bytes]] | None = None  # fields that go on
        self._server, self._out = server, out
        self._fields = FieldReader()
        self._taken = 0  # bytes of the connection's window that are used up

    def headers(self, flags: int, stream: int, payload: bytes) -> None:
        """Take the fields of a call, or the first part of them."""
        block = frames.unpadded(flags, payload)
        if flags & frames.END_HEADERS:
            self._opened(stream, flags, block)
        else:
            self.block = stream, flags, [block]

    def continuation(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Take the next part of fields; nothing else may come between."""
        first, flags_of_all, parts = self.block or (0, 0, [])
        if kind != frames.CONTINUATION or stream != first:
            raise Broken(frames.PROTOCOL_ERROR, "fields that do not go on")
        parts.append(payload)
        if len(parts) * LARGEST_FRAME > 4 * LARGEST_FIELDS:
            raise Broken(frames.ENHANCE_YOUR_CALM, "fields without end")
        if flags & frames.END_HEADERS:
            self.block = None
            self._opened(stream, flags_of_all, b"".join(parts))

    def _opened(self, stream: int, flags: int, block: bytes) -> None:
        fields = self._fields.read(block)
        if not stream % 2:
            raise Broken(frames.PROTOCOL_ERROR, "a stream that no client opens")
        if stream <= self.last:
            return self._trailers(stream, flags)
        self.last = stream
        if self.leaving or len(self._out.calls) >= MOST_CALLS:
            self._out.noise += 1
            return self._out.reset(stream, frames.REFUSED_STREAM)
        call = Call(self._out, stream, fields, self._out.first_window)
        self._out.calls[stream] = call
        self._begin(call, flags, fields)

    def _trailers(self, stream: int, flags: int) -> None:
        """End a call by its second fields, which mean nothing here."""
        call = self._out.calls.get(stream)
        if call is None or call.gone:
            return  # of a call that was refused already
        if call.read:
            raise Broken(frames.STREAM_CLOSED, "fields after the end")
        if not flags & frames.END_STREAM:
            raise Broken(frames.PROTOCOL_ERROR, "a second time fields, and no end")
        self._finish(call, flags)

    def _begin(self, call: Call, flags: int, fields: Fields) -> None:
        if hint := no_call(fields):
            call.read = bool(flags & frames.END_STREAM)
            return call.decline(*hint)
        try:
            call.handler = self._server.handler(fields)
        except Failed as failed:
            call.read = bool(flags & frames.END_STREAM)
            return call.refuse(failed.code, failed.message)
        self._finish(call, flags)

    def data(self, flags: int, stream: int, payload: bytes) -> None:
        """Take a part of a message."""
        self._taken += len(payload)
        if self._taken * 2 >= WINDOW:
            self._out.write(frame(frames.WINDOW_UPDATE, 0, 0, frames.number(self._taken)))
            self._taken = 0
        call = self._out.calls.get(stream)
        if call is None or call.gone:
            if stream > self.last or not stream % 2:
                raise Broken(frames.PROTOCOL_ERROR, "data of a stream that is not open")
            return  # of a call that was refused or given up
        if call.read:
            raise Broken(frames.STREAM_CLOSED, "data after the end")
        part = frames.unpadded(flags & ~frames.WITH_PRIORITY, payload)
        if part:
            self._add(call, part)
        elif not flags & frames.END_STREAM:
            self._out.noise += 1
        if call.trailers is None:
            self._finish(call, flags)

    def _add(self, call: Call, part: bytes) -> None:
        call.add(part)
        self.came += len(part)
        self._out.held += len(part)
        if max(call.expects, call.size) > PREFIX + LARGEST_MESSAGE:
            call.refuse(too_large().code, too_large().message)
        elif self._out.held > MOST_HELD:
            call.refuse(crowded().code, crowded().message)

    def _finish(self, call: Call, flags: int) -> None:
        """Run a call that has been read to its end."""
        if not flags & frames.END_STREAM or call.handler is None:
            return
        call.read = True
        try:
            message = call.message()
        except Failed as failed:
            return call.refuse(failed.code, failed.message)
        call.running = True
        call.handler(call, message)

    def reset(self, flags: int, stream: int, payload: bytes) -> None:
        """Let go of a call that its client has given up."""
        if stream > self.last or not stream % 2:
            raise Broken(frames.PROTOCOL_ERROR, "a reset of a stream that is not open")
        self._out.give_up(stream)
