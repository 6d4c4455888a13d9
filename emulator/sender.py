"""One HTTP request as Cloud Tasks sends it, and what came back."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import aiohttp
from django.utils import timezone
from yarl import URL

from . import app_engine
from .headers import without
from .reasons import explain
from .sending import MOST_REDIRECTS, Sending, redirected, retry_after
from .targets import CheckedResolver, TargetRefused, Targets
from .text import as_text
from .tokens import Minter
from .urls import encoded
from .work import Order

MOST_BODY = 64 * 1024
SHORTEST_REST = 0.005  # seconds
LONGEST_REST = 0.5
_LARGEST_LINE = 256 * 1024
_MOST_HEADERS = 10_000
MASK = "[masked]"
_SECRET = {"authorization", "proxy-authorization", "cookie"}
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NO_DEFAULTS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass
class Answer:
    """A target's response, or in `error` a sentence that says why there is none."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    ended_at: datetime = field(default_factory=timezone.now)
    retry_after: timedelta = timedelta(0)  # where that is honoured

    @property
    def succeeded(self) -> bool:
        """Only a 2xx is a success: a redirect or a 304 is not."""
        return self.status is not None and 200 <= self.status <= 299


def recorded_headers(order: Order) -> list[tuple[str, str]]:
    """Return the headers of one attempt for the record, with what lets its reader in masked."""
    return [(as_text(key), as_text(_masked(key, value))) for key, value in order.headers.items()]


def _masked(key: str, value: str) -> str:
    if key.lower() not in _SECRET:
        return value
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {MASK}" if rest else MASK


@lru_cache(256)
def target_url(url: str) -> URL:
    """Return the URL as given, with what may not stand in one encoded.

    Raises ValueError for a broken escape, which CreateTask accepts and no request can carry.
    """
    if _BAD_ESCAPE.search(url):
        raise ValueError("it holds a % that starts no escape")
    return URL(encoded(url), encoded=True)


class RestedConnector(aiohttp.TCPConnector):
    """Keeps connections, but uses none again that has only just brought an answer.

    Many servers close after an answer without saying so; a request that meets that close would use
    up an attempt. It comes at once, or where a server keeps connections, after more than a second.
    """

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if should_close or protocol.should_close:
            super()._release(key, protocol, should_close=should_close)
        else:
            self._loop.call_later(SHORTEST_REST, super()._release, key, protocol)


class Sender:
    """Keeps the connections to targets; to be made and closed on the event loop."""

    def __init__(self, targets: Targets, minter: Minter, sending: Sending | None = None) -> None:
        self._targets = targets
        self._minter = minter
        self._sending = sending or Sending()
        self._session = aiohttp.ClientSession(
            connector=RestedConnector(
                limit=0,
                resolver=CheckedResolver(targets),
                use_dns_cache=False,
                keepalive_timeout=LONGEST_REST,
                ssl=self._sending.tls(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            skip_auto_headers=_NO_DEFAULTS,
            # The status decides, whatever else the target has to say.
            max_line_size=_LARGEST_LINE,
            max_field_size=_LARGEST_LINE,
            max_headers=_MOST_HEADERS,
        )
        # aiohttp would send all but POST and PATCH twice where the connection just closes.
        self._session._retry_connection = False

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def send(self, order: Order) -> Answer:
        """Send one attempt and wait for its answer, at most until its deadline; never raises."""
        try:
            url = self._address(order)
            async with asyncio.timeout(order.deadline.total_seconds()):
                return await self._exchange(order, url)
        except TargetRefused as refused:
            return Answer(error=str(refused))
        except TimeoutError:
            seconds = f"{order.deadline.total_seconds():g}"
            return Answer(error=f"No answer within the dispatch deadline of {seconds} s.")
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            return Answer(error=explain(error))

    def _address(self, order: Order) -> str:
        if not order.app_engine:
            return order.url
        try:
            return app_engine.address(self._sending.app_engine, order.app_engine, order.url)
        except LookupError as unknown:
            raise TargetRefused(unknown.args[0]) from None

    async def _exchange(self, order: Order, url: str) -> Answer:
        headers = order.headers
        if order.credentials:
            headers = headers | {"Authorization": self._minter.authorization(order.credentials)}
        method, body = order.method, order.body or None
        for _ in range(1 + MOST_REDIRECTS):
            self._targets.check_url(url)
            async with self._session.request(
                method, target_url(url), headers=headers, data=body, allow_redirects=False
            ) as response:
                following = self._following(order, response, url, method)
                if following is None:
                    return await self._answer(response)
            headers = headers if _same_origin(url, following[0]) else _for_others(headers)
            body = body if following[1] == method else None
            url, method = following
        return Answer(error=f"The target redirected more than {MOST_REDIRECTS} times.")

    def _following(
        self, order: Order, response: aiohttp.ClientResponse, url: str, method: str
    ) -> tuple[str, str] | None:
        if not self._sending.follow_redirects or order.app_engine:  # never there, as documented
            return None
        return redirected(url, method, response.status, response.headers.get("Location"))

    async def _answer(self, response: aiohttp.ClientResponse) -> Answer:
        body = await _at_most(response.content, MOST_BODY)
        if not response.content.at_eof():
            response.close()
        headers = [(as_text(k), as_text(v)) for k, v in response.headers.items()]
        answer = Answer(response.status, headers, body)
        if self._sending.honour_retry_after:
            answer.retry_after = retry_after(response.headers.get("Retry-After"), answer.ended_at)
        return answer


def _same_origin(url: str, other: str) -> bool:
    return URL(url).origin() == URL(other).origin()


def _for_others(headers: dict[str, str]) -> dict[str, str]:
    """Leave out what only the task's own target may see."""
    return without(without(headers, "authorization"), "cookie")


async def _at_most(stream: aiohttp.StreamReader, most: int) -> bytes:
    parts, room = [], most
    while room and (part := await stream.read(room)):
        parts.append(part)
        room -= len(part)
    return b"".join(parts)
