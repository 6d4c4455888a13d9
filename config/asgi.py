"""The ASGI application that gunicorn serves: deliveries on the loop, Django's pages on threads.

Django stays behind WSGI: its own ASGI handler would change threads at every middleware, and start
one for each request, with a connection to the database of its own.
"""

from typing import Any

from a2wsgi import WSGIMiddleware
from django.conf import settings

from config import wsgi
from receiver.front import Front

THREADS = 16


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


def compose(surfaces: list[str]) -> Any:
    """Return the application of a process that serves these surfaces."""
    django: Any = wsgi.application
    pages: Any = WSGIMiddleware(django, workers=THREADS)
    if "receiver" not in surfaces:
        return Health(pages)
    return Front(Health(pages), alone="dashboard" not in surfaces)


application = compose(settings.SURFACES)
