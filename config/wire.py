"""What a connection may take, what it says when it does not, and what it lends."""

import asyncio
from dataclasses import dataclass
from typing import Any

SENTENCES = {
    400: b"The request is malformed.\n",
    408: b"The request took too long to come.\n",
    414: b"The request line is too long.\n",
    431: b"The headers are too large or too many.\n",
}


@dataclass(frozen=True)
class Limits:
    """Of a request: its head in bytes and fields, all of it in seconds."""

    line: int
    fields: int
    field: int
    seconds: float = 30.0  # from a request's first byte to its last

    @property
    def head(self) -> int:
        """The bytes of the largest head that there can be."""
        return self.line + self.fields * self.field


class Wire:
    """What the application may know of a connection and do with it, beyond ASGI."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.drop = transport.abort
        self.cut_off = False  # the client ended before its request was whole


class BodyOf:
    """Passes on the body of one request, and nothing of what may follow."""

    def __init__(self, protocol: Any) -> None:
        self._protocol: Any = protocol

    def on_body(self, body: bytes) -> None:
        if self._protocol:
            self._protocol.on_body(body)

    def on_message_complete(self) -> None:
        if self._protocol:
            self._protocol.come_whole()
        self._protocol = None
