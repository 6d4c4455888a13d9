"""The frames of HTTP/2 as bytes, and what breaks a connection. No input or output here."""

from collections.abc import Iterator
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = Struct(">IBI")  # length and type in one, flags, stream
HEAD_SIZE = 9
LARGEST_FRAME = 16_384  # that every peer takes, and that we take
LARGEST_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 65_535
DEFAULT_TABLE = 4096  # bytes of fields that a peer remembers
STREAM = 0x7FFF_FFFF

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED = 0, 1, 3, 5
FRAME_SIZE_ERROR, REFUSED_STREAM, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 6, 7, 9, 11

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

_NUMBER = Struct(">I")
_SETTING = Struct(">HI")
_OF_A_STREAM = frozenset((DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION))
_OF_THE_CONNECTION = frozenset((SETTINGS, PING, GOAWAY))
_SIZES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
# What a setting may be, and what it breaks where it is something else (RFC 9113, 6.5.2).
_BOUNDS = {
    ENABLE_PUSH: (0, 1, PROTOCOL_ERROR),
    INITIAL_WINDOW_SIZE: (0, LARGEST_WINDOW, FLOW_CONTROL_ERROR),
    MAX_FRAME_SIZE: (LARGEST_FRAME, 2**24 - 1, PROTOCOL_ERROR),
}


class Broken(Exception):
    """The peer broke the protocol: the connection ends with this error code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """Return one frame."""
    return HEAD.pack(len(payload) << 8 | kind, flags, stream) + payload


def fields_frames(stream: int, block: bytes, flags: int) -> bytes:
    """Return a block of fields as HEADERS, and CONTINUATION where it is too large for one frame."""
    parts = [block[at : at + LARGEST_FRAME] for at in range(0, len(block), LARGEST_FRAME)]
    last = len(parts) - 1
    return b"".join(
        frame(
            CONTINUATION if at else HEADERS,
            (0 if at else flags) | (END_HEADERS if at == last else 0),
            stream,
            part,
        )
        for at, part in enumerate(parts)
    )


def check(kind: int, stream: int, size: int) -> None:
    """Raise Broken for a frame that is not where its kind belongs, or has not its kind's size."""
    if kind in (_OF_THE_CONNECTION if stream else _OF_A_STREAM):
        raise Broken(PROTOCOL_ERROR, "a frame on the wrong stream")
    if _SIZES.get(kind, size) != size:
        raise Broken(FRAME_SIZE_ERROR, "a frame of the wrong size")


def number(value: int) -> bytes:
    """Return a number of 32 bits."""
    return _NUMBER.pack(value)


def read_number(payload: bytes) -> int:
    """Read the payload of a frame that is one number."""
    return int(_NUMBER.unpack(payload)[0])


def settings_frame(settings: dict[int, int]) -> bytes:
    """Return SETTINGS."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in settings.items()))


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield the settings in a frame's payload."""
    if len(payload) % _SETTING.size:
        raise Broken(FRAME_SIZE_ERROR, "a broken setting")
    for name, value in _SETTING.iter_unpack(payload):
        least, most, code = _BOUNDS.get(name, (0, value, NO_ERROR))
        if not least <= value <= most:
            raise Broken(code, "a setting beyond its bounds")
        yield name, value


def unpadded(flags: int, payload: bytes) -> bytes:
    """Return the payload of DATA or HEADERS without what surrounds it."""
    end = len(payload)
    at = 0
    if flags & PADDED:
        if not payload:
            raise Broken(FRAME_SIZE_ERROR, "no length of the padding")
        at, end = 1, end - payload[0]
    if flags & WITH_PRIORITY:
        at += 5
    if at > end:
        raise Broken(PROTOCOL_ERROR, "more padding than payload")
    return payload[at:end]
