"""When the committer is given its next batch: at once, or once senders about to return share it."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 0.003  # seconds
SHARE = 0.9  # of those a commit saw, expected again
CROWD = 20  # so many share a commit well enough; no more are waited for


class Gathering(Generic[T]):
    """Hands over in batches what is added, the next when `ended` is called for the one before.

    A sender that was answered comes again soon after it. Of all that a commit saw, answered by it
    or waiting for the next, nine tenths are waited for, at most CROWD and for PATIENCE: what is
    done once a commit costs more than an event does. One sender alone waits for nobody, but once
    after a crowd. Not for several threads: all is called on the event loop.
    """

    def __init__(self, hand_over: Callable[[list[T]], object]) -> None:
        self._hand_over = hand_over
        self._loop = asyncio.get_running_loop()
        self._waiting: list[T] = []
        self._expected = 1
        self._under_way = False
        self._timer: asyncio.Handle | None = None

    def add(self, one: T) -> None:
        """Take one more."""
        self._waiting.append(one)
        if self._under_way:
            return
        if len(self._waiting) == self._expected:
            # Whatever this turn of the loop brings besides may come with it.
            self._set_timer(self._loop.call_soon(self.flush))
        elif len(self._waiting) == 1:
            self._set_timer(self._loop.call_later(PATIENCE, self._give_up))

    def ended(self, count: int) -> None:
        """Begin the next: the one before, of so many, has ended."""
        self._under_way = False
        self._expected = max(1, min(int(SHARE * (count + len(self._waiting))), CROWD))
        if len(self._waiting) >= self._expected:
            self.flush()
        elif self._waiting:
            self._set_timer(self._loop.call_later(PATIENCE, self._give_up))

    def flush(self) -> None:
        """Hand over all that waits, whatever is under way."""
        self._set_timer(None)
        if self._waiting:
            batch, self._waiting = self._waiting, []
            self._under_way = True
            self._hand_over(batch)

    def _give_up(self) -> None:
        """Go without those that did not come, and expect no more than did."""
        self._expected = len(self._waiting)
        self.flush()

    def _set_timer(self, timer: asyncio.Handle | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer
