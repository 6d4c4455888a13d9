"""The receiver in production: an ASGI function in front of Django, which serves everything else.

Caller, body, row, commit, answer, in this order; a refused request costs no read of its body.
`at_once` is the short way for those that need no coroutine, where the server offers it.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from . import answers
from .answers import Answer
from .body import receive_body
from .caller import Caller, WouldWait, identify
from .committer import Busy, Committer
from .delivery import Delivery
from .direct import Direct, waited
from .environ import environ_of
from .hosts import check_host
from .refusals import Reason, Refused
from .routes import is_delivery

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Front:
    """Takes deliveries itself and hands every other request on; `alone` gives it all of `/`."""

    def __init__(self, pages: Application, *, alone: bool) -> None:
        self._pages, self._alone = pages, alone
        self._committer = Committer()
        self.at_once = Direct(self._committer, alone=alone)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        environ = environ_of(scope)
        if not is_delivery(scope["path"], environ, alone=self._alone):
            return await self._pages(scope, receive, send)
        answer = await self._take(scope, environ, receive)
        if not await waited(answer.delay) or answer.drop:
            return await drop(scope)
        await _send(answer, environ, send)

    def deliveries_wait(self) -> bool:
        """Tell whether deliveries are being stored: what can wait does then."""
        return self._committer.busy

    async def _take(self, scope: Scope, environ: dict[str, Any], receive: Receive) -> Answer:
        received_at = datetime.now(UTC)
        try:
            check_host(environ, scope)
            caller = await _caller(environ)
            length = environ.get("CONTENT_LENGTH")
            body = await receive_body(receive, length, settings.MAX_BODY_BYTES)
            if is_cut_off(scope):
                raise Refused(Reason.TRUNCATED)
        except Refused as refused:
            self._committer.count(environ, refused)
            return answers.refusal(refused.reason)
        delivery = Delivery(environ, body, caller, received_at)
        try:
            await self._committer.store(delivery)
        except Busy:
            return answers.STORE_AWAY
        return delivery.reply()

    async def _live(self, receive: Receive, send: Send) -> None:
        """Follow the server's start and stop: what still waits is written before the end."""
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await self._committer.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _caller(environ: dict[str, Any]) -> Caller:
    try:
        return identify(environ, at_once=True)
    except WouldWait:  # for the issuer, and the others must not wait with it
        return await asyncio.to_thread(identify, environ)


async def _send(answer: Answer, environ: dict[str, Any], send: Send) -> None:
    headers, body = _encoded(answer.headers), answer.body
    if environ["REQUEST_METHOD"] == "HEAD":
        body = b""
    elif answer.status not in (204, 304):  # RFC 9110: these announce no content
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=64)
def _encoded(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def is_cut_off(scope: Scope) -> bool:
    """Tell whether the client closed its side before the request was whole, as the server saw."""
    wire = scope.get("extensions", {}).get("receiver.wire")
    return wire is not None and wire.cut_off


async def drop(scope: Scope) -> None:
    """End the connection without an answer."""
    scope["extensions"]["receiver.wire"].drop()
    await asyncio.sleep(0)  # until the server knows, else it would send an answer of its own
