"""What is to be seen over HTTP: tasks, attempts, metrics, health."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from . import shown
from .answers import guarded, number_in
from .clock import Clock
from .committer import Committer
from .metrics import Metrics, exposition
from .reading import Reader

MOST_TASKS = 1000
MOST_ATTEMPTS = 200
LARGEST_KEY = 2**63 - 1
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Window:
    """The handlers that change nothing."""

    def __init__(
        self, committer: Committer, clock: Clock, metrics: Metrics, well: Callable[[], bool]
    ) -> None:
        self._committer = committer
        self._reader = Reader(committer, clock)
        self._clock = clock
        self._metrics = metrics
        self._well = well
        self._started = time.monotonic()

    def add_to(self, app: web.Application) -> None:
        """Add the paths."""
        app.router.add_get("/emulator/tasks", guarded(self.tasks))
        app.router.add_get("/emulator/tasks/attempts", guarded(self.attempts))
        app.router.add_get("/metrics", guarded(self.metrics))
        app.router.add_get("/health", self.health)

    async def tasks(self, request: web.Request) -> web.Response:
        """Answer a page of tasks, newest first."""
        operation = partial(
            shown.tasks,
            queue=request.query.get("queue", ""),
            state=request.query.get("state", ""),
            limit=number_in(request, "limit", 100, MOST_TASKS),
            before=_before(request),
        )
        return web.json_response(await self._reader.run(operation))

    async def attempts(self, request: web.Request) -> web.Response:
        """Answer a page of attempts, newest first."""
        operation = partial(
            shown.attempts,
            name=request.query.get("name", ""),
            queue=request.query.get("queue", ""),
            limit=number_in(request, "limit", 20, MOST_ATTEMPTS),
            before=_before(request),
        )
        return web.json_response(await self._reader.run(operation))

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer in Prometheus' text format."""
        depths = await self._reader.run(shown.depths)
        text = exposition(self._metrics, depths, self._clock.offset.total_seconds())
        return web.Response(body=text.encode(), headers={"Content-Type": PROMETHEUS})

    async def health(self, request: web.Request) -> web.Response:
        """Answer 200 while every part works and the database serves, 503 otherwise."""
        well, alive = self._well(), self._committer.alive
        state: dict[str, Any] = {
            "ok": well,
            "committer": "running" if alive else "dead",
            "uptime": round(time.monotonic() - self._started, 1),
            "in_flight": sum(self._metrics.in_flight.values()),
            "clock_offset": self._clock.offset.total_seconds(),
        }
        return web.json_response(state, status=200 if well else 503)


def _before(request: web.Request) -> int | None:
    if "before" not in request.query:
        return None
    return number_in(request, "before", 1, LARGEST_KEY)
