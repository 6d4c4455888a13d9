"""What testers do to the emulator over HTTP: wait, reset, turn the clock, hold, deliver again."""

import asyncio
import random
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web

from . import control
from .answers import body_of, failure, flag_in, guarded, seconds_in, text_in
from .clock import Clock, TurnRefused
from .committer import Committer
from .dispatcher import Dispatcher
from .errors import invalid
from .idle import Idleness

WAIT_SECONDS = 30.0
REAL_TIME = timedelta(0)


class Control:
    """The handlers; everything they change, the committer's operations change."""

    def __init__(self, committer: Committer, dispatcher: Dispatcher, clock: Clock) -> None:
        self._committer = committer
        self._dispatcher = dispatcher
        self._clock = clock
        self._held = dispatcher.held
        self._idle = Idleness(committer, dispatcher.changes, dispatcher.held)
        self._turning = asyncio.Lock()

    def add_to(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/emulator/idle", guarded(self.idle))
        app.router.add_get("/emulator/clock", guarded(self.clock))
        app.router.add_post("/emulator/clock", guarded(self.turn_clock))
        app.router.add_post("/emulator/reset", guarded(self.reset))
        app.router.add_post("/emulator/tasks/redeliver", guarded(self.redeliver))
        app.router.add_post("/emulator/hold", guarded(self.hold))
        app.router.add_post("/emulator/release", guarded(self.release))

    async def idle(self, request: web.Request) -> web.Response:
        """Answer when nothing is due or under way, or 408 with what is left."""
        queue, scheduled = request.query.get("queue", ""), flag_in(request, "scheduled")
        try:
            async with asyncio.timeout(seconds_in(request, "timeout", WAIT_SECONDS)):
                await self._idle.wait(queue, scheduled)
        except TimeoutError:
            left = [asdict(each) for each in await self._idle.left(queue, scheduled)]
            if left:
                return failure(408, "DEADLINE_EXCEEDED", "Not idle yet.", idle=False, left=left)
        return web.json_response({"idle": True})

    async def clock(self, request: web.Request) -> web.Response:
        """Answer what time it is here and how far that is ahead."""
        return web.json_response(
            {
                "now": self._clock.now().isoformat(),
                "offset": self._clock.offset.total_seconds(),
            }
        )

    async def turn_clock(self, request: web.Request) -> web.Response:
        """Turn the clock; answers as `clock` does, and what is due by then goes out."""
        body = await body_of(request)
        async with self._turning:
            await self._turn(await self._wanted(body))
        return await self.clock(request)

    async def _wanted(self, body: dict[str, Any]) -> timedelta:
        match body:
            case {"advance": bool()}:  # which Python takes for a number
                pass
            case {"advance": int(seconds) | float(seconds), **rest} if not rest:
                return self._clock.ahead(seconds)
            case {"to": str(text), **rest} if not rest:
                return self._clock.until(_instant(text))
            case {"next": True, **rest} if not rest:
                due = await self._committer.run(control.next_due)
                if due is None:
                    raise TurnRefused("No task waits in a queue that runs.")
                return max(self._clock.offset, self._clock.offset + (due - self._clock.now()))
            case {"resume": True, **rest} if not rest:
                return REAL_TIME
        raise invalid('Say one of "advance": seconds, "to": time, "next": true, "resume": true.')

    async def _turn(self, offset: timedelta) -> None:
        before = self._clock.offset
        turn = partial(control.turn, clock=self._clock, before=before, offset=offset)
        await self._committer.run(turn)

    async def reset(self, request: web.Request) -> web.Response:
        """Forget; a reset of everything also lets held queues go and brings the clock back."""
        queue = request.query.get("queue", "")
        operation = partial(control.reset, queue=queue, queues=flag_in(request, "queues"))
        keys = await self._committer.run(partial(control.queue_keys, queue=queue))
        resting = keys - self._held  # what is to be forgotten goes out no more
        self._held |= resting
        try:
            forgotten = await self._committer.run(operation)
        finally:
            self._held -= resting
            for key in resting:
                self._dispatcher.wake(key)
        if not queue:
            self._held.clear()
            async with self._turning:
                await self._turn(REAL_TIME)
        return web.json_response(forgotten)

    async def redeliver(self, request: web.Request) -> web.Response:
        """Send a task's request once more."""
        name = text_in(await body_of(request), "name")
        sent = await self._committer.run(partial(control.redeliver, name=name))
        return web.json_response({"name": sent})

    async def hold(self, request: web.Request) -> web.Response:
        """Let a queue collect what is due."""
        queue = text_in(await body_of(request), "queue")
        self._held.add(await self._committer.run(partial(control.queue_key, queue=queue)))
        return web.json_response({"queue": queue, "held": True})

    async def release(self, request: web.Request) -> web.Response:
        """Deliver what was held, one after the other where an order is asked for, and go on."""
        body = await body_of(request)
        queue = text_in(body, "queue")
        key = await self._committer.run(partial(control.queue_key, queue=queue))
        delivered = []
        if "order" in body:
            names = await self._ordered(queue, body["order"])
            self._held.add(key)
            delivered = [name for name in names if await self._deliver(name)]
        self._held.discard(key)
        self._dispatcher.wake(key)
        return web.json_response({"queue": queue, "held": False, "delivered": delivered})

    async def _ordered(self, queue: str, order: Any) -> list[str]:
        due: list[str] = await self._committer.run(partial(control.due_names, queue=queue))
        match order:
            case "reverse":
                return due[::-1]
            case "random":
                return random.sample(due, len(due))
            case list() if all(isinstance(name, str) for name in order):
                return [name if "/" in name else f"{queue}/tasks/{name}" for name in order]
        raise invalid('order must be "reverse", "random" or a list of task names.')

    async def _deliver(self, name: str) -> bool:
        """Send one task and wait for its end; says whether it was there to be sent."""
        order = await self._committer.run(partial(control.send_now, name=name))
        if order is not None:
            await self._dispatcher.launch(order)
        return order is not None


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = datetime.min
    if instant.tzinfo is None:
        raise invalid(f"{text!r} is no RFC 3339 time with its zone.")
    return instant
