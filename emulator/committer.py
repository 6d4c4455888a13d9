"""The one thread that does all database work, many operations to a commit.

A commit costs a sync of the disk, so operations that wait at the same time share one; each is
answered after it. An operation checks everything before it writes: what it refuses leaves its
neighbours alone. Any other failure undoes the batch, which is then run one by one.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, connections, transaction

from . import errors
from .clock import Clock
from .errors import Refused
from .metrics import Metrics
from .models import database
from .owner import AlreadyOwned
from .work import Group, Operation, Work

logger = logging.getLogger("emulator")

# What an operation fails with where the database is away, busy or somebody else's.
NOT_SERVED = (OperationalError, InterfaceError, AlreadyOwned)
LARGEST_BATCH = 200
MOST_WAITING = 10_000


@dataclass(slots=True)
class Outcome:
    """What became of one operation: a result or an error, and the work to follow."""

    result: Any = None
    error: BaseException | None = None
    work: Work | None = None


def commit_together(operations: Sequence[Operation], clock: Clock | None = None) -> list[Outcome]:
    """Run operations in one transaction, or one by one where one of them breaks it."""
    clock = clock or Clock()
    try:
        with transaction.atomic(using=database()):
            return _run(operations, clock)
    except Exception as error:
        _drop_if_broken()
        once = len(operations) == 1 and not isinstance(error, OperationalError | InterfaceError)
        if once or is_locked(error):  # each alone would wait for the lock again
            return [Outcome(error=error) for _ in operations]
    return _commit_each(operations, clock)


def is_locked(error: Exception) -> bool:
    """Say whether another program holds SQLite's file for longer than a statement waits."""
    return isinstance(error, OperationalError) and "locked" in str(error)


def unserved(error: Exception) -> Refused:
    """Return one of NOT_SERVED as clients are told of it."""
    return errors.store_busy() if is_locked(error) else errors.store_unavailable()


def _commit_each(operations: Sequence[Operation], clock: Clock) -> list[Outcome]:
    try:
        connections[database()].ensure_connection()
    except Exception as error:
        # Without a database every one of them would wait for the same time-out.
        return [Outcome(error=error) for _ in operations]
    return [_commit_alone(operation, clock) for operation in operations]


def _commit_alone(operation: Operation, clock: Clock) -> Outcome:
    try:
        with transaction.atomic(using=database()):
            return _run([operation], clock, again=True)[0]
    except Exception as error:
        _drop_if_broken()
        return Outcome(error=error)


def _drop_if_broken() -> None:
    connection = connections[database()]
    if not connection.is_usable():
        connection.close()


def _run(operations: Sequence[Operation], clock: Clock, again: bool = False) -> list[Outcome]:
    """Run the single ones in their order, then those that go together, kind by kind.

    All wait for their answers, so any order is one in which their callers may have asked.
    """
    now = clock.now()
    works = [Work(now, again=again) for _ in operations]
    results: list[Any] = [None] * len(operations)
    kinds: dict[type[Group], list[int]] = {}
    for at, operation in enumerate(operations):
        if isinstance(operation, Group):
            kinds.setdefault(type(operation), []).append(at)
        else:
            results[at] = _result(operation, works[at])
    for kind, places in kinds.items():
        group: list[Any] = [(works[at], operations[at]) for at in places]
        for at, result in zip(places, kind.together(group), strict=True):
            results[at] = result
    return [_outcome(*each) for each in zip(results, works, strict=True)]


def _result(operation: Operation, work: Work) -> Any:
    try:
        return operation(work)
    except Refused as refused:
        return refused


def _outcome(result: Any, work: Work) -> Outcome:
    """Tell results from refusals, from which nothing follows."""
    return Outcome(error=result) if isinstance(result, Refused) else Outcome(result, work=work)


@dataclass(slots=True)
class _Job:
    operation: Operation
    answer: "asyncio.Future[Any]"
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
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
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
            if isinstance(operation, Group):
                operation.begin()
            job = _Job(operation, self._loop.create_future())
            self._jobs.put(job)
            return await job.answer

    async def close(self, seconds: float) -> None:
        """Finish what was given and end the thread; one that hangs is left after `seconds`."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, seconds)
        if self.alive:
            logger.warning("The database did not answer; what waited for it is not stored.")

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                outcomes = self._commit([job.operation for job in batch])
                self._failing = all(isinstance(each.error, NOT_SERVED) for each in outcomes)
                with contextlib.suppress(RuntimeError):  # left behind by a stop in haste
                    self._loop.call_soon_threadsafe(self._settle, batch, outcomes)
        finally:
            connections[database()].close()

    def _next_batch(self) -> list[_Job]:
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == LARGEST_BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._jobs.put(None)  # the end, to be met again once these are done
        return batch

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
        self._metrics.batch_sizes.observe(len(batch))
        for job, outcome in zip(batch, outcomes, strict=True):
            if outcome.work is not None:
                if outcome.work.created:
                    self._metrics.create_seconds.observe(time.monotonic() - job.given_at)
                self._follow(outcome.work)
            if isinstance(job.operation, Group):
                job.operation.settled()
        for job, outcome in zip(batch, outcomes, strict=True):
            if job.answer.done():  # the caller was cancelled; the commit stands
                continue
            if outcome.error is not None:
                job.answer.set_exception(outcome.error)
            else:
                job.answer.set_result(outcome.result)
