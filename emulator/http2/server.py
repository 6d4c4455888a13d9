"""A gRPC server on one listening socket: handlers by their path, and an end in peace."""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

from .call import UNIMPLEMENTED, Failed, Handler
from .connection import Connection
from .fields import Fields

PATIENCE = 60.0  # seconds that a client may leave us waiting
_LOOKS = 12  # in this time
_STEP = 0.01  # seconds between two looks at what is under way


class Server:
    """Serves plaintext HTTP/2; `handlers` has them by path, `/package.Service/Method`.

    Who takes or sends nothing for `patience` seconds, while a call of theirs waits for it, is hung
    up on.
    """

    def __init__(self, handlers: Mapping[str, Handler], patience: float = PATIENCE) -> None:
        self.connections: set[Connection] = set()
        self._patience = patience
        self._looking: asyncio.TimerHandle | None = None
        self._handlers = {path.encode(): handler for path, handler in handlers.items()}
        self._listening: asyncio.Server

    async def start(self, listening: socket.socket) -> None:
        """Answer on a socket that listens already."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Connection(self), sock=listening)
        self._look()

    def _look(self) -> None:
        for connection in list(self.connections):
            connection.look(_LOOKS)
        later = asyncio.get_running_loop().call_later
        self._looking = later(self._patience / _LOOKS, self._look)

    async def stop(self, grace: float) -> None:
        """Take no more calls, wait up to `grace` seconds for those under way, and hang up."""
        self._listening.close()
        if self._looking is not None:
            self._looking.cancel()
        for connection in list(self.connections):
            connection.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while any(connection.busy for connection in self.connections):
                    await asyncio.sleep(_STEP)
        for connection in list(self.connections):
            connection.close()

    def handler(self, fields: Fields) -> Handler:
        """Return who handles a call with these fields; raises Failed where nobody does."""
        try:
            return self._handlers[fields.get(b":path", b"")]
        except KeyError:
            raise Failed(UNIMPLEMENTED, "Method not found!") from None
