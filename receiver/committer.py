"""The one thread that writes, many deliveries to a commit.

A commit costs a sync of the disk, so deliveries that wait at the same time share one; each is
answered after it. Refusals are counted in between, a few times a second at most.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import connection

from .counts import counts
from .delivery import Delivery
from .gathering import Gathering
from .refusals import Refused
from .store import store, write_lines
from .turned_away import TurnedAway

log = logging.getLogger("receiver.trouble")

MOST_WAITING = 2000
MOST_WAITING_BYTES = 128 * 1024 * 1024
LARGEST_BATCH = 256
LARGEST_BATCH_BYTES = 16 * 1024 * 1024
# A delivery that is not committed after so many seconds is answered as one that never was.
PATIENCE = 20.0
# Refusals wait so long (seconds) for others to be counted with.
COUNT_EVERY = 0.25


class Busy(Exception):
    """Too much waits to be written, or the database took too long; nothing is known of it."""


Done = Callable[[Busy | None], None]


@dataclass(slots=True)
class _Job:
    delivery: Delivery
    done: Done
    given_at: float
    left: bool = False  # nobody waits for it any more


class Committer:
    """Stores deliveries for one event loop.

    The thread starts with the first use, so that a server may fork before.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Job] = deque()  # in the order given, until answered
        self._waiting_bytes = 0
        self._batches: queue.SimpleQueue[list[_Job]] = queue.SimpleQueue()
        self._turned_away = TurnedAway()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop

    async def store(self, delivery: Delivery) -> None:
        """Return once the delivery is committed or has its `error`; raises Busy."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(busy: Busy | None) -> None:
            if not future.done():
                future.set_exception(busy) if busy else future.set_result(None)

        job = self.give(delivery, done)
        try:
            await future
        finally:
            job.left = True

    def give(self, delivery: Delivery, done: Done) -> "_Job":
        """Store a delivery and call `done` on the loop: committed, or with its `error`, or Busy.

        Raises Busy where there is no room for it, or at the end.
        """
        size = len(delivery.body)
        full = self._waiting_bytes and self._waiting_bytes + size > MOST_WAITING_BYTES
        if self._closed or len(self._waiting) >= MOST_WAITING or full:
            counts.busy += 1
            raise Busy
        self._start()
        job = _Job(delivery, done, self._loop.time())
        self._waiting.append(job)
        self._waiting_bytes += size
        self._gathering.add(job)
        return job

    @property
    def busy(self) -> bool:
        """Whether a delivery waits to be written."""
        return bool(self._waiting)

    def count(self, environ: Mapping[str, Any], refused: Refused) -> None:
        """Count a refusal soon."""
        wake = not self._turned_away
        self._turned_away.note(environ, refused)
        if wake:
            self._start()
            self._batches.put([])

    async def close(self) -> None:
        """Write what still waits and end the thread; waits for it."""
        self._closed = True
        if self._thread:
            self._gathering.flush()
            self._batches.put([])
            await asyncio.to_thread(self._thread.join)

    def _start(self) -> None:
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
            self._thread.start()
            self._gathering = Gathering(self._batches.put)
            self._give_up()

    def _give_up(self) -> None:
        """Once a second, let go of those who have waited for too long."""
        self._loop.call_later(1.0, self._give_up)
        for job in self._waiting:
            if self._loop.time() - job.given_at < PATIENCE:
                break
            if not job.left:
                job.left = True
                counts.busy += 1
                job.done(Busy())

    def _settle(self, batch: list[_Job]) -> None:
        for job in batch:
            self._waiting.popleft()
            self._waiting_bytes -= len(job.delivery.body)
            if not job.left:
                self._answer(job)
        self._gathering.ended(len(batch))

    def _answer(self, job: _Job) -> None:
        try:
            job.done(None)
        except Exception:  # a mistake in one answer is no reason to leave the others waiting
            log.exception("An answer could not be sent.")

    # What follows runs on the thread.

    def _work(self) -> None:
        due = time.monotonic()
        try:
            while not self._closed or not self._batches.empty():
                for batch in self._next_batches(due if self._turned_away else None):
                    self._write(batch)
                if self._turned_away and (self._closed or time.monotonic() >= due):
                    self._turned_away.save()
                    due = time.monotonic() + COUNT_EVERY
        finally:
            connection.close()

    def _next_batches(self, until: float | None) -> list[list[_Job]]:
        """Wait for jobs, not longer than `until`; returns all that wait, cut to the limits."""
        wait = None if until is None else max(0.0, until - time.monotonic())
        batches: list[list[_Job]] = [[]]
        size = 0
        with suppress(queue.Empty):
            jobs = self._batches.get(timeout=wait)
            while True:
                for job in jobs:
                    if len(batches[-1]) >= LARGEST_BATCH or size >= LARGEST_BATCH_BYTES:
                        batches.append([])
                        size = 0
                    batches[-1].append(job)
                    size += len(job.delivery.body)
                jobs = self._batches.get_nowait()
        return [batch for batch in batches if batch]

    def _write(self, batch: list[_Job]) -> None:
        # Who has given up was answered already, and will send it again.
        deliveries = [job.delivery for job in batch if not job.left]
        try:
            if deliveries:
                store(deliveries)
                write_lines(deliveries)
        except Exception as error:  # a mistake of ours ends neither the thread nor a request
            log.exception("The committer failed.")
            for delivery in deliveries:
                delivery.error = delivery.error or error
        with suppress(RuntimeError):  # a loop that has ended: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, batch)
