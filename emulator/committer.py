"""The one thread that does all database work, many operations to a commit.

A commit costs a sync of the disk, so operations that wait at the same time share one; each is
answered after it.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connections

from .clock import Clock
from .gathering import Gathering
from .metrics import Metrics
from .models import database
from .together import NOT_SERVED, Outcome, commit_together
from .work import Group, More, Operation, Work

logger = logging.getLogger("emulator")

MOST_WAITING = 10_000


@dataclass(slots=True)
class _Job:
    operation: Operation
    done: Callable[[Outcome], object]
    given_at: float = field(default_factory=time.monotonic)


class Committer:
    """Runs operations for coroutines of one event loop, in the order in which they were given.

    `follow` is called on the loop with the work of every committed operation, before the operation
    is answered, and also when the caller has meanwhile gone away. `prepare` runs on the thread
    whenever it has a new connection.
    """

    def __init__(
        self,
        follow: Callable[[Work], None],
        prepare: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._follow = follow
        self._prepare = prepare
        self._clock = clock or Clock()
        self._metrics = metrics or Metrics()
        self._prepared: object = None
        self._failing = False
        self._batches: queue.SimpleQueue[list[_Job]] = queue.SimpleQueue()
        self._jobs: Gathering[_Job] = Gathering(self._batches.put)
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    @property
    def well(self) -> bool:
        """Say whether the thread runs and the database served what it was last asked."""
        return self.alive and not self._failing

    async def run(self, operation: Operation) -> Any:
        """Return what the operation returned, after its commit; raises what it raised.

        Waits where very many operations are waiting already.
        """
        async with self._room:
            answer = self._loop.create_future()
            self.submit(operation, partial(_resolve, answer))
            return await answer

    def submit(self, operation: Operation, done: Callable[[Outcome], object]) -> None:
        """Run an operation, and call `done` on the loop with what became of it.

        It bounds nothing: the caller sees to it that not too many wait.
        """
        if isinstance(operation, Group):
            operation.begin()
        self._jobs.add(_Job(operation, done))

    async def close(self, seconds: float) -> None:
        """Finish what was given and end the thread; one that hangs is left after `seconds`."""
        self._jobs.flush()
        self._batches.put([])
        await asyncio.to_thread(self._thread.join, seconds)
        if self.alive:
            logger.warning("The database did not answer; what waited for it is not stored.")

    def _work(self) -> None:
        try:
            while batch := self._batches.get():
                outcomes = self._commit([job.operation for job in batch])
                self._failing = all(isinstance(each.error, NOT_SERVED) for each in outcomes)
                with contextlib.suppress(RuntimeError):  # left behind by a stop in haste
                    self._loop.call_soon_threadsafe(self._settle, batch, outcomes)
        finally:
            connections[database()].close()

    def _commit(self, operations: list[Operation]) -> list[Outcome]:
        connection = connections[database()]
        try:
            connection.ensure_connection()
            if connection.connection is not self._prepared:
                self._prepare()
                self._prepared = connection.connection
        except Exception as error:
            connection.close()
            return [Outcome(error=error) for _ in operations]
        return commit_together(operations, self._clock)

    def _settle(self, batch: list[_Job], outcomes: list[Outcome]) -> None:
        self._jobs.ended(len(batch))
        self._metrics.batch_sizes.observe(len(batch))
        for job, outcome in zip(batch, outcomes, strict=True):
            if outcome.work is not None:
                if outcome.work.created:
                    self._metrics.create_seconds.observe(time.monotonic() - job.given_at)
                self._follow(outcome.work)
            if isinstance(job.operation, Group):
                job.operation.settled()
        for job, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome.result, More):
                self._jobs.add(_Job(outcome.result.rest, job.done))
            else:
                job.done(outcome)


def _resolve(answer: "asyncio.Future[Any]", outcome: Outcome) -> None:
    if answer.done():  # the caller was cancelled; the commit stands
        return
    if outcome.error is not None:
        answer.set_exception(outcome.error)
    else:
        answer.set_result(outcome.result)
