"""One queue's share of the dispatching: claims what is due as fast as the queue's limits allow."""

import asyncio
import logging
import time
from collections.abc import Callable, Container
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from .bucket import TokenBucket
from .claims import Claim, claim_due
from .clock import Clock
from .models import Queue

if TYPE_CHECKING:
    from .committer import Committer
    from .work import Order

logger = logging.getLogger("emulator")

MOST_A_CLAIM = 100
# Out of tokens, several are worth one claim: at 500/s a claim each 10 ms instead of each 2.
SHORTEST_REST = 0.01
REST_AFTER_FAILURE = 1.0
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Permit:
    """Room for one attempt that a queue has set aside for a task about to be created."""

    def __init__(self, runner: "Runner", terms: tuple[float, int, int]) -> None:
        self.runner = runner
        self.used = False
        self._terms = terms

    def fits(self, queue: Queue) -> bool:
        """Say whether the queue still is as it was when the room was found."""
        same = queue.pk == self.runner.queue and _terms(queue) == self._terms
        return same and queue.state == Queue.State.RUNNING

    def give_back(self) -> None:
        """Let another task have it."""
        self.runner.take_back()


def _terms(queue: Queue) -> tuple[float, int, int]:
    return (queue.max_dispatches_per_second, queue.max_burst_size, queue.max_concurrent_dispatches)


class Runner:
    """The coroutine of one queue. It rests until a task is due, a limit gives way, or it is woken.

    The database is the queue: nothing is kept here but the bucket and the number of requests out.
    """

    def __init__(
        self,
        queue: int,
        committer: "Committer",
        launch: Callable[["Order", "Runner"], object],
        clock: Clock,
        held: Container[int],  # queues that dispatch nothing until they are released
        names: "dict[str, Runner]",  # where it is found by its queue's name
    ) -> None:
        self.queue = queue
        self._clock = clock
        self._held = held
        self._names = names
        self._committer = committer
        self._launch = launch
        self._bucket: TokenBucket | None = None
        self._slots = 0
        self._busy = 0
        self._stopping = False
        self._event = asyncio.Event()
        self._heeds = _ALWAYS  # tasks due before this instant end the rest
        self._resting = False
        self._terms: tuple[float, int, int] = (0.0, 0, 0)

    async def run(self) -> None:
        """Dispatch until the queue is deleted or `stop` is called."""
        while not self._stopping:
            self._event.clear()
            self._heeds = _ALWAYS
            try:
                claim = await self._committer.run(
                    partial(claim_due, queue_pk=self.queue, allow=self._allow)
                )
            except Exception as error:
                logger.warning("Claiming tasks failed: %s", error)
                await self._rest(REST_AFTER_FAILURE)
                continue
            if claim.queue is None:
                return
            self._start(claim)
            self._names[claim.queue.name] = self
            self._heeds, pause = self._plan(claim)
            await self._rest(pause)

    def wake(self) -> None:
        """Look again at the queue and its settings."""
        self._event.set()

    def expect(self, instant: datetime) -> None:
        """Look again if this rest would last beyond `instant`, at which a task is due."""
        if instant < self._heeds:
            self._event.set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._event.set()

    def release(self) -> None:
        """Note that one of the queue's requests has ended."""
        if self._busy >= self._slots:
            self._event.set()
        self._busy -= 1

    def permit(self) -> Permit | None:
        """Set room for one attempt aside, if nothing is due here and the limits leave some.

        Only while it rests: a claim counts on what it found free.
        """
        if not self._resting or self._bucket is None or self.queue in self._held:
            return None
        if self._heeds <= self._clock.now() or self._busy >= self._slots:
            return None
        if self._bucket.available(time.monotonic()) < 1:
            return None
        self._bucket.take(1)
        self._busy += 1
        return Permit(self, self._terms)

    def take_back(self) -> None:
        """Have the room of a permit that was not used for other tasks."""
        if self._bucket is not None:
            self._bucket.give_back()
        self.release()

    def _allow(self, queue: Queue) -> int:
        """Say how many tasks may be claimed, by the queue's limits as they now are.

        Runs on the committer's thread while this coroutine waits for it.
        """
        if self.queue in self._held:
            return -1
        self._terms = rate, burst, self._slots = _terms(queue)
        now = time.monotonic()
        if self._bucket is None:
            self._bucket = TokenBucket(rate, burst, now)
        elif (rate, burst) != (self._bucket.rate, self._bucket.burst):
            self._bucket.adjust(rate, burst, now)
        free = self._slots - self._busy
        return max(0, min(self._bucket.available(now), free, MOST_A_CLAIM))

    def _start(self, claim: Claim) -> None:
        if self._bucket is not None:
            self._bucket.take(len(claim.orders))
        for order in claim.orders:
            self._busy += 1
            self._launch(order, self)

    def _plan(self, claim: Claim) -> tuple[datetime, float | None]:
        """Return which new tasks end the rest early, and how long it lasts (None: until woken)."""
        if self._bucket is None or claim.limit < 0:  # not running, or held
            return _NEVER, None
        if not claim.full:
            if claim.next_due is None:
                return _ALWAYS, None
            ahead = (claim.next_due - self._clock.now()).total_seconds()
            return claim.next_due, max(0.0, ahead)
        if self._busy >= self._slots:
            return _NEVER, None
        wait = self._bucket.wait(time.monotonic())
        return _NEVER, max(wait, SHORTEST_REST) if wait else 0.0

    async def _rest(self, seconds: float | None) -> None:
        self._resting = True
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        finally:
            self._resting = False
