"""Sends what is due: a runner for each queue, and the requests that are on their way."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .clock import Clock
from .committer import Committer
from .idle import Changes
from .metrics import Metrics
from .models import Task
from .reports import Report
from .runner import Permit, Runner
from .sender import Answer, Sender
from .together import NOT_SERVED
from .upkeep import clamp_retries, recover
from .work import Order, Work

logger = logging.getLogger("emulator")

CLOCK_CHECK_SECONDS = 1.0
JUMP_SECONDS = 2.0
RETRY_REPORT_SECONDS = 1.0


class Dispatcher:
    """Owns every coroutine that dispatches. `follow` is told of each committed operation's work."""

    def __init__(self, clock: Clock | None = None, metrics: Metrics | None = None) -> None:
        self.changes = Changes()
        self.held: set[int] = set()  # queues that dispatch nothing until they are released
        self._clock = clock or Clock()
        self._metrics = metrics or Metrics()
        self._committer: Committer
        self._sender: Sender
        self._runners: dict[int, tuple[Runner, asyncio.Task[None]]] = {}
        self._names: dict[str, Runner] = {}
        self._requests: dict[asyncio.Task[None], int] = {}  # with the primary key of the task
        self._open = False

    async def start(self, committer: Committer, sender: Sender) -> None:
        """Begin to dispatch what the database holds."""
        self._committer, self._sender, self._open = committer, sender, True
        waiting = Task.objects.waiting().order_by().values_list("queue", flat=True).distinct()
        for queue in await committer.run(lambda work: list(waiting)):
            self._run(queue)

    def follow(self, work: Work) -> None:
        """Do what follows from a commit: wake queues, send what RunTask ordered."""
        for order in work.orders:
            self.launch(order)
        for order, permit in work.permitted:
            permit.used = True
            self.launch(order, permit.runner)
        for queue in work.altered:
            self._run(queue)
        for queue, instant in work.due.items():
            if queue in self._runners:
                self._runners[queue][0].expect(instant)
            else:  # its first task
                self._run(queue)
        if not work.quiet:
            self.changes.tell()

    def permit(self, queue_name: str) -> Permit | None:
        """Return room for an attempt of a task about to be created, where a queue has some."""
        runner = self._names.get(queue_name)
        return runner.permit() if runner and self._open else None

    def wake(self, queue: int) -> None:
        """Look again at a queue, if it is there."""
        if queue in self._runners:
            self._runners[queue][0].wake()

    @property
    def in_flight(self) -> frozenset[int]:
        """The primary keys of the tasks whose attempts are under way here."""
        return frozenset(self._requests.values())

    async def watch_clock(self) -> None:
        """Put retries right whenever the wall clock has jumped against the monotonic one."""
        offset = time.time() - time.monotonic()
        while True:
            await asyncio.sleep(CLOCK_CHECK_SECONDS)
            before, offset = offset, time.time() - time.monotonic()
            if abs(offset - before) > JUMP_SECONDS:
                logger.warning("The clock jumped by %.0f s.", offset - before)
                await self._put_right()

    async def _put_right(self) -> None:
        try:
            await self._insist(clamp_retries)
        except Exception:
            logger.exception("Retries could not be put right after the jump.")
        for runner, _ in self._runners.values():
            runner.wake()

    async def stop(self, grace: float) -> None:
        """Claim nothing more and wait up to `grace` seconds for the requests on their way.

        What does not end in time is cut off, marked so, and due again at the next start.
        """
        self._open = False
        for runner, _ in self._runners.values():
            runner.stop()
        until, claiming = time.monotonic() + grace, [task for _, task in self._runners.values()]
        if claiming:  # their last claims may launch requests still
            await asyncio.wait(claiming, timeout=grace)
        if self._requests:
            await asyncio.wait(self._requests, timeout=max(0.0, until - time.monotonic()))
        cut_off = bool(self._requests)
        left = [task for task in (*claiming, *self._requests) if not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if cut_off:
            await self._interrupt()

    async def _interrupt(self) -> None:
        try:
            await self._committer.run(recover)
        except Exception as error:  # the next start does the same
            logger.warning("Marking the attempts that were cut off failed: %s", error)

    def _run(self, queue: int) -> None:
        """Wake a queue's runner, or start one."""
        if queue in self._runners:
            self._runners[queue][0].wake()
        elif self._open:
            runner = Runner(
                queue, self._committer, self.launch, self._clock, self.held, self._names
            )
            task = asyncio.create_task(runner.run())
            self._runners[queue] = runner, task
            task.add_done_callback(lambda _: self._forget(queue))

    def _forget(self, queue: int) -> None:
        runner, _ = self._runners.pop(queue)
        for name in [name for name, each in self._names.items() if each is runner]:
            del self._names[name]

    def launch(self, order: Order, runner: Runner | None = None) -> asyncio.Task[None]:
        """Send an attempt that has been opened; the task returned ends with it."""
        late = (order.dispatch_time - order.schedule_time).total_seconds()
        self._metrics.started(order.queue_name, None if order.forced or order.extra else late)
        request = asyncio.create_task(self._deliver(order, runner))
        self._requests[request] = order.task
        request.add_done_callback(self._requests.pop)
        return request

    async def _deliver(self, order: Order, runner: Runner | None) -> None:
        try:
            started = time.monotonic()
            answer = await self._sender.send(order)
            answer.ended_at = self._clock.now()
            seconds = time.monotonic() - started
            self._metrics.answered(order.queue_name, answer.status, seconds)
            verdict = await self._record(order, answer)
            if logger.isEnabledFor(logging.INFO):
                logger.info("%s", line(order, answer, verdict, seconds))
        finally:
            self._metrics.ended(order.queue_name)
            if runner is not None:
                runner.release()

    async def _record(self, order: Order, answer: Answer) -> str:
        try:
            return await self._insist(Report(order, answer))
        except Exception:
            logger.exception("An answer could not be stored; its status alone is.")
            bare = Answer(answer.status, error="The answer could not be stored.")
            bare.ended_at = answer.ended_at
            return await self._insist(Report(order, bare))

    async def _insist(self, operation: Any) -> Any:
        """Run an operation that must not be lost, again and again while the database is away."""
        while True:
            try:
                return await self._committer.run(operation)
            except NOT_SERVED as error:
                logger.warning("Recording an attempt failed, trying again: %s", error)
                await asyncio.sleep(RETRY_REPORT_SECONDS)


def line(order: Order, answer: Answer, verdict: str, seconds: float) -> str:
    """Describe one attempt in one line."""
    what = f"{order.queue_id}/{order.task_id} #{order.retry_count + 1} {order.method} {order.url!a}"
    return f"{what} -> {answer.status or answer.error} in {seconds * 1000:.0f} ms, {verdict}"


async def every(seconds: float, job: Callable[[], Awaitable[None]]) -> None:
    """Run the coroutine function `job` now and then; what fails is logged and tried next time."""
    while True:
        try:
            await job()
        except Exception:
            logger.exception("Upkeep failed; it is tried again.")
        await asyncio.sleep(seconds)
