"""Reads for people and for Prometheus, beside the committer: no call of the API waits for them."""

import asyncio
from typing import Any

from django.db import connections

from .clock import Clock
from .committer import Committer
from .models import database
from .owner import in_memory
from .work import Operation, Work


class Reader:
    """Runs operations that change nothing, one at a time, on a connection of their own.

    They see what is committed: counting a large table takes a while, and the committer goes on.
    """

    def __init__(self, committer: Committer, clock: Clock) -> None:
        self._committer = committer
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run(self, operation: Operation) -> Any:
        """Return what the operation returns; raises what it raises, as the committer does."""
        if in_memory():  # there is one connection that sees it
            return await self._committer.run(operation)
        async with self._turn:
            return await asyncio.to_thread(self._read, operation)

    def _read(self, operation: Operation) -> Any:
        try:
            return operation(Work(self._clock.now()))
        finally:
            connections[database()].close()
