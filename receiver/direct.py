"""Deliveries that need no coroutine: the caller is known at once, and the body is not large.

Nearly all are such. What is not, and what is refused by its headers, is left to `front.py`.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from . import answers
from .answers import Answer
from .body import announced
from .caller import Caller, identify
from .committer import Busy, Committer
from .delivery import Delivery
from .environ import environ_of
from .hosts import check_host
from .kept_settings import kept_settings
from .refusals import Reason, Refused
from .routes import is_delivery

# More is read in parts, and not before the one who sends may be believed to send it.
LARGEST_BODY = 65536


class Exchange(Protocol):
    """What the server lends: the body once it is whole, and ways to end the request."""

    body: bytearray

    def answer(self, answer: Answer, /) -> None: ...
    def drop(self) -> None: ...
    def run(self, rest: Coroutine[Any, Any, None], /) -> None: ...


class Direct:
    """Takes deliveries for a committer; `alone` gives it all of `/`."""

    def __init__(self, committer: Committer, *, alone: bool) -> None:
        self._committer, self._alone = committer, alone

    def __call__(self, scope: Mapping[str, Any]) -> "Taken | None":
        """Return what takes a request whose headers are there, None where it goes its usual way."""
        received_at = datetime.now(UTC)
        try:
            environ = environ_of(scope)
            if not is_delivery(scope["path"], environ, alone=self._alone):
                return None
            check_host(environ, scope)
            length = announced(environ.get("CONTENT_LENGTH") or "0", kept_settings().max_body_bytes)
            if length > LARGEST_BODY:
                return None
            caller = identify(environ, at_once=True)
        except Exception:  # refused, or a mistake of ours: the usual way finds it again and says so
            return None
        return Taken(self._committer, environ, caller, received_at)


class Taken:
    """A request of a known caller whose body is on its way."""

    __slots__ = ("_caller", "_committer", "_environ", "_received_at")

    def __init__(
        self, committer: Committer, environ: dict[str, Any], caller: Caller, received_at: datetime
    ) -> None:
        self._committer, self._environ = committer, environ
        self._caller, self._received_at = caller, received_at

    def whole(self, exchange: Exchange) -> None:
        """Give the delivery to the committer, and answer once it is committed."""
        body = bytes(exchange.body)
        delivery = Delivery(self._environ, body, self._caller, self._received_at)

        def done(busy: Busy | None) -> None:
            _answer(answers.STORE_AWAY if busy else delivery.reply(), exchange)

        try:
            self._committer.give(delivery, done)
        except Busy as busy:
            done(busy)

    def broken(self, exchange: Exchange) -> None:
        """Count a body that ended early."""
        refused = Refused(Reason.TRUNCATED)
        self._committer.count(self._environ, refused)
        exchange.answer(answers.refusal(refused.reason))


def _answer(answer: Answer, exchange: Exchange) -> None:
    if answer.delay or answer.drop:
        exchange.run(_answer_late(answer, exchange))
    else:
        exchange.answer(answer)


async def _answer_late(answer: Answer, exchange: Exchange) -> None:
    if not await waited(answer.delay) or answer.drop:
        exchange.drop()
    else:
        exchange.answer(answer)


async def waited(seconds: float) -> bool:
    """Wait; return False where the server ended first."""
    try:
        await asyncio.sleep(seconds) if seconds else None
    except asyncio.CancelledError:
        return False
    return True
