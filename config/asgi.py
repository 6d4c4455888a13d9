"""The ASGI application that gunicorn serves: deliveries on the loop, Django's pages on threads.

Django stays behind WSGI: its own ASGI handler would change threads at every middleware, and start
one for each request, with a connection to the database of its own.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from a2wsgi import WSGIMiddleware
from django.conf import settings

from config import wsgi
from receiver.front import Front

THREADS = 16
# Of these, for the polls of live pages, however many are open: each that computes takes its share
# of the one core from the deliveries.
POLLING = 2
GIVE_WAY = 1.0  # seconds that a poll waits for deliveries at most
SHARE = 0.05  # of a thread's time that polls take while deliveries come


class Health:
    """Answers `/health` by itself: neither the database nor a free thread is needed for it."""

    def __init__(self, rest: Any) -> None:
        self._rest = rest

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/health":
            return await self._rest(scope, receive, send)
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"3")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok\n"})


class Pages:
    """Django on threads: the polls of live pages share a few, and give way to deliveries."""

    def __init__(self, django: Any) -> None:
        self._django = django
        self._polls = WSGIMiddleware(self._poll, workers=POLLING)
        self._rest = WSGIMiddleware(django, workers=THREADS - POLLING)
        self._last = threading.local()
        self.deliveries_wait: Callable[[], bool] = lambda: False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self._polls if is_poll(scope) else self._rest)(scope, receive, send)

    def _poll(self, environ: Any, start_response: Any) -> Any:
        self._give_way(getattr(self._last, "took", 0.0))
        began = time.monotonic()
        try:
            return self._django(environ, start_response)
        finally:
            self._last.took = time.monotonic() - began

    def _give_way(self, took: float) -> None:
        """Wait for a moment without deliveries; while they come, rest after each poll as well."""
        end = time.monotonic() + GIVE_WAY
        rested = time.monotonic() + took * (1 / SHARE - 1)
        came = False
        while (now := time.monotonic()) < end and (
            self.deliveries_wait() or (came and now < rested)
        ):
            came = True
            time.sleep(0.01)


def is_poll(scope: Any) -> bool:
    """Tell whether a page asks by itself: htmx says who asks."""
    return scope.get("method") == "GET" and (b"hx-request", b"true") in scope["headers"]


def compose(surfaces: list[str]) -> Any:
    """Return the application of a process that serves these surfaces."""
    django: Any = wsgi.application
    pages = Pages(django)
    if "receiver" not in surfaces:
        return Health(pages)
    front = Front(Health(pages), alone="dashboard" not in surfaces)
    pages.deliveries_wait = front.deliveries_wait
    return front


application = compose(settings.SURFACES)
