"""One gRPC call: the stream it came on, its message, and its answer or its refusal."""

import base64
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from .fields import Fields, literal

if TYPE_CHECKING:
    from .outgoing import Outgoing

LARGEST_MESSAGE = 8 * 1024 * 1024  # a task may be 1 MiB, a page of them 4
PREFIX = 5  # bytes before each message: whether it is compressed, and its length
# The codes that a server of gRPC itself answers with.
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 12, 13, 14

ONLY_GRPC = b"This port speaks gRPC over plaintext HTTP/2. REST is on the HTTP port.\n"

_GRPC = b"application/grpc"
_KINDS = (b"application/grpc+proto", b"application/grpc;")
_AS_IT_IS = bytes(each for each in range(0x20, 0x7F) if each != 0x25)
STARTED = b"\x88" + literal(b"content-type", b"application/grpc")  # \x88 is :status 200
SUCCEEDED = literal(b"grpc-status", b"0")
_ENCODINGS = literal(b"grpc-accept-encoding", b"identity,deflate,gzip")
_WINDOW_BITS = {b"gzip": 31, b"deflate": 15}


class Failed(Exception):
    """A call that is none, in gRPC's code and in words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Call:
    """A handler gets one, and answers it once: `answer`, `refuse`, or `send` and no end.

    To be used on the event loop alone. A call that its client has given up may be answered still.
    """

    __slots__ = ("began", "body", "expects", "fields", "gone", "handler", "on_gone", "out", "read",
                 "running", "size", "stream", "trailers", "unsent", "window")  # fmt: skip

    def __init__(self, out: "Outgoing", stream: int, fields: Fields, window: int) -> None:
        self.out, self.stream, self.fields = out, stream, fields
        self.window = window  # bytes that the client takes on this stream
        self.handler: Handler | None = None
        self.on_gone: Callable[[], object] | None = None  # called when nobody waits any more
        self.body: bytes | bytearray = b""
        self.size = 0  # of the body, also when it has been handed on
        self.expects = 0  # bytes that the body will have, by its own prefix
        self.read = False  # the client has sent everything
        self.running = False  # the handler has it
        self.gone = False  # the client has given it up, and the handler still has it
        self.began = False  # the answer
        self.unsent: bytes | memoryview = b""
        self.trailers: bytes | None = None

    def metadata(self, name: str) -> str | None:
        """Return one header that came with the call."""
        value = self.fields.get(name.encode())
        return None if value is None else value.decode("latin-1")

    def answer(self, message: bytes) -> None:
        """Succeed with a message."""
        self.out.answer(self, b"\0" + len(message).to_bytes(4) + message)

    def add(self, part: bytes) -> None:
        """Take a part of the message, however small, in no more memory than it has bytes."""
        self.size += len(part)
        if not self.body:
            self.body = part
        elif isinstance(self.body, bytearray):
            self.body += part
        else:
            self.body = bytearray(self.body + part)
        if not self.expects and len(self.body) >= PREFIX:
            self.expects = PREFIX + int.from_bytes(self.body[1:PREFIX])

    def send(self, message: bytes) -> None:
        """Send one message of many."""
        self.out.send(self, b"\0" + len(message).to_bytes(4) + message)

    def refuse(self, code: int, message: str, details: bytes = b"") -> None:
        """Fail with a code of gRPC's, a text, and a serialized google.rpc.Status if not empty."""
        trailers = literal(b"grpc-status", b"%d" % code)
        if message:
            shown = quote_from_bytes(message.encode(errors="backslashreplace"), safe=_AS_IT_IS)
            trailers += literal(b"grpc-message", shown.encode())
        if details:
            encoded = base64.b64encode(details).rstrip(b"=")
            trailers += literal(b"grpc-status-details-bin", encoded)
        if code == UNIMPLEMENTED:
            trailers += _ENCODINGS
        self.out.finish(self, b"", trailers)

    def decline(self, status: bytes, text: bytes) -> None:
        """Answer what is no call of gRPC as HTTP does: with a status of three digits and a text."""
        started = b"\x08\x03" + status + literal(b"content-type", b"text/plain")
        trailers = literal(b"grpc-status", b"%d" % UNIMPLEMENTED)
        self.out.finish(self, text, trailers, started)

    def message(self) -> bytes:
        """Return the one message that the client has sent; raises Failed where it is none."""
        body, self.body = bytes(self.body), b""
        if len(body) < PREFIX or len(body) != self.expects:
            raise Failed(INTERNAL, "The request is not one whole message.")
        return self._plain(body[PREFIX:]) if body[0] else body[PREFIX:]

    def _plain(self, body: bytes) -> bytes:
        encoding = self.fields.get(b"grpc-encoding", b"identity")
        if encoding == b"identity":
            raise Failed(INTERNAL, "The message is compressed, and no grpc-encoding says how.")
        if encoding not in _WINDOW_BITS:
            name = encoding.decode(errors="replace")
            raise Failed(UNIMPLEMENTED, f"Messages compressed with {name!r} are not read.")
        reader = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            plain = reader.decompress(body, LARGEST_MESSAGE + 1)
        except zlib.error as error:
            raise Failed(INTERNAL, f"The message cannot be decompressed: {error}.") from None
        if len(plain) > LARGEST_MESSAGE:
            raise too_large()
        if not reader.eof:
            raise Failed(INTERNAL, "The message cannot be decompressed: it is cut off.")
        return plain


# Runs on the event loop and raises nothing: it sees to it that the call is answered.
Handler = Callable[[Call, bytes], None]


def no_call(fields: Fields) -> tuple[bytes, bytes] | None:
    """Return HTTP's status and a text for a request that is no call of gRPC, or None."""
    kind = fields.get(b"content-type", b"")
    if kind != _GRPC and not kind.startswith(_KINDS):
        return b"415", ONLY_GRPC
    return None if fields.get(b":method") == b"POST" else (b"405", ONLY_GRPC)


def crowded() -> Failed:
    """A client has more on its way than one may."""
    return Failed(RESOURCE_EXHAUSTED, "Too many large messages at once on this connection.")


def too_large() -> Failed:
    """A message is longer than any can be."""
    return Failed(RESOURCE_EXHAUSTED, f"A message may have {LARGEST_MESSAGE} bytes, no more.")
