"""A gRPC server on one listening socket: handlers by their path, and an end in peace."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

from .call import UNIMPLEMENTED, Failed, Handler
from .connection import Connection
from .fields import Fields

_STEP = 0.01  # seconds between two looks at what is under way


class Server:
    """Serves plaintext HTTP/2; `handlers` has them by path, `/package.Service/Method`."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.connections: set[Connection] = set()
        self._handlers = {path.encode(): handler for path, handler in handlers.items()}
        self._listening: asyncio.Server

    async def start(self, listening: socket.socket) -> None:
        """Answer on a socket that listens already."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Connection(self), sock=listening)

    async def stop(self, grace: float) -> None:
        """Take no more calls, wait up to `grace` seconds for those under way, and hang up."""
        self._listening.close()
        for connection in self.connections:
            connection.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while any(connection.busy for connection in self.connections):
                    await asyncio.sleep(_STEP)
        for connection in list(self.connections):
            connection.close()

    def handler(self, fields: Fields) -> Handler:
        """Return who handles a call with these fields; raises Failed where nobody does."""
        if not fields.get(b"content-type", b"").startswith(b"application/grpc"):
            raise Failed(UNIMPLEMENTED, "The content-type is not application/grpc.")
        try:
            return self._handlers[fields.get(b":path", b"")]
        except KeyError:
            raise Failed(UNIMPLEMENTED, "Method not found!") from None
