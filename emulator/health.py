"""grpc.health.v1.Health: what probes and client libraries ask a gRPC server.

Its two messages have one field each, as Google's well-known wrappers do, and so the same bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection

from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from .errors import Code
from .http2 import Call, Handler

SERVICE = "grpc.health.v1.Health"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
WATCH_SECONDS = 1.0


class Health:
    """Answers for a server that serves `services` and is as well as `well` says."""

    def __init__(self, services: Collection[str], well: Callable[[], bool]) -> None:
        self._services, self._well = services, well
        self._watching: set[asyncio.Task[None]] = set()

    @property
    def handlers(self) -> dict[str, Handler]:
        """Return the methods by their paths."""
        return {f"/{SERVICE}/Check": self._check, f"/{SERVICE}/Watch": self._watch}

    async def states(self, service: str) -> AsyncIterator[int]:
        """Yield how it is, and again whenever that has changed."""
        before = None
        while True:
            now = self._status(service)
            if now != before:
                yield now
            before = now
            await asyncio.sleep(WATCH_SECONDS)

    def _status(self, service: str) -> int:
        if service and service not in self._services:
            return SERVICE_UNKNOWN
        return SERVING if self._well() else NOT_SERVING

    def _check(self, call: Call, message: bytes) -> None:
        now = self._status(_asked(message))
        if now == SERVICE_UNKNOWN:
            call.refuse(Code.NOT_FOUND.value, "There is no such service here.")
        else:
            call.answer(Int32Value(value=now).SerializeToString())

    def _watch(self, call: Call, message: bytes) -> None:
        task = asyncio.create_task(self._tell(call, _asked(message)))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        call.on_gone = task.cancel

    async def _tell(self, call: Call, service: str) -> None:
        async for state in self.states(service):
            call.send(Int32Value(value=state).SerializeToString())


def _asked(message: bytes) -> str:
    """Return the service that is asked about; bytes that are no request ask about all."""
    try:
        return str(StringValue.FromString(message).value)
    except DecodeError:
        return ""
