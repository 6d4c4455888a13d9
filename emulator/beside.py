"""The coroutines that run for as long as the emulator does, and whether they still do."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger("emulator")


class Beside:
    """Keeps coroutines that never end by themselves; one that does is logged and noticed."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def alive(self) -> bool:
        """Say whether every one of them still runs."""
        return not any(task.done() for task in self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run one more."""
        task = asyncio.create_task(coroutine)
        task.add_done_callback(_log_end)
        self._tasks.append(task)

    async def stop(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        logger.error("A part of the emulator has ended.", exc_info=task.exception())
