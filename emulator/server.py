"""The emulator as one object: `with Emulator() as emulator:` and it listens at `.endpoint`.

Everything runs on one event loop in a thread of its own, with the committer's thread beside it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import Self

import uvloop

from .clock import Clock
from .options import Options
from .owner import Owner
from .parts import Parts

logger = logging.getLogger("emulator")


class Emulator:
    """A local Cloud Tasks. Raises StartFailed from `start` with a sentence that says why.

    `on_end` is called, on the emulator's thread, when it has ended for whatever reason.
    """

    def __init__(self, options: Options | None = None, on_end: Callable[[], None] | None = None):
        self.options = options or Options()
        self.endpoint = ""
        self.http_url = ""
        self.clock = Clock()
        self._on_end = on_end
        self._owner = Owner()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._ready: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Say whether it runs."""
        return self._thread is not None and self._thread.is_alive() and not self._ended

    def start(self) -> None:
        """Return when it listens."""
        self._thread = threading.Thread(target=self._main, name="emulator", daemon=True)
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self._thread.join()
            raise

    def stop(self) -> None:
        """Return when the requests on their way have ended or their grace is over."""
        if self._thread is None or self._loop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _main(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                logger.exception("The emulator failed")
            else:
                self._ready.set_exception(error)
        finally:
            self._ended = True
            self._owner.release()
            if self._on_end:
                self._on_end()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            parts = Parts(self.options, self._owner, self.clock, stack)
            self.endpoint, self.http_url = await parts.start()
            self._ready.set_result(None)
            await self._stop.wait()
