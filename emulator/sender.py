"""One HTTP request as Cloud Tasks sends it, and what came back."""

import asyncio
import os
import re
import string
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import aiohttp
from django.utils import timezone
from yarl import URL

from .models.task import NO_RESPONSE
from .targets import CheckedResolver, TargetRefused, Targets
from .tokens import Minter
from .work import Order

MOST_BODY = 64 * 1024
# Shorter than any server's own, so that a request never meets a connection just being closed.
KEEP_ALIVE_SECONDS = 1.0
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Reserved and unreserved characters of RFC 3986 stay; all others get encoded.
_LEGAL = string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%"
_OF_THE_CONNECTION = {
    "connection", "expect", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
MASK = "[masked]"
_SECRET = {"authorization", "proxy-authorization", "cookie"}
_NO_DEFAULTS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass
class Answer:
    """A target's response, or in `error` a sentence that says why there is none."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    ended_at: datetime = field(default_factory=timezone.now)

    @property
    def succeeded(self) -> bool:
        """Only a 2xx is a success: a redirect or a 304 is not."""
        return self.status is not None and 200 <= self.status <= 299


def request_headers(order: Order, authorization: str | None = None) -> dict[str, str]:
    """Return the headers of one attempt: the task's own, and those Cloud Tasks adds."""
    headers = {k: v for k, v in order.headers.items() if k.lower() not in _OF_THE_CONNECTION}
    if authorization is not None:
        headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}
        headers["Authorization"] = authorization
    headers["X-CloudTasks-QueueName"] = order.queue_id
    headers["X-CloudTasks-TaskName"] = order.task_id
    headers["X-CloudTasks-TaskRetryCount"] = str(order.retry_count)
    headers["X-CloudTasks-TaskExecutionCount"] = str(order.execution_count)
    headers["X-CloudTasks-TaskETA"] = eta(order.schedule_time)
    if order.retry_count:
        headers["X-CloudTasks-TaskPreviousResponse"] = str(order.previous_response or NO_RESPONSE)
        headers["X-CloudTasks-TaskRetryReason"] = ""
    return headers


def recorded_headers(order: Order) -> list[tuple[str, str]]:
    """Return the headers of one attempt for the record, with what lets its reader in masked."""
    headers = request_headers(order, "Bearer token" if order.credentials else None)
    return [(as_text(key), as_text(_masked(key, value))) for key, value in headers.items()]


def _masked(key: str, value: str) -> str:
    if key.lower() not in _SECRET:
        return value
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {MASK}" if rest else MASK


def eta(schedule_time: datetime) -> str:
    """Write a time as seconds since 1970 with as many digits as a double has (recorded)."""
    return f"{schedule_time.timestamp():.17g}"


def target_url(url: str) -> URL:
    """Return the URL as given, with what may not stand in one encoded.

    Raises ValueError for a broken escape, which CreateTask accepts and no request can carry.
    """
    if _BAD_ESCAPE.search(url):
        raise ValueError("it holds a % that starts no escape")
    return URL(quote(url, safe=_LEGAL), encoded=True)


class Sender:
    """Keeps the connections to targets; to be made and closed on the event loop."""

    def __init__(self, targets: Targets, minter: Minter) -> None:
        self._targets = targets
        self._minter = minter
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                resolver=CheckedResolver(targets),
                use_dns_cache=False,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,
            skip_auto_headers=_NO_DEFAULTS,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def send(self, order: Order) -> Answer:
        """Send one attempt and wait for its answer, at most until its deadline; never raises."""
        try:
            self._targets.check_url(order.url)
            async with asyncio.timeout(order.deadline.total_seconds()):
                return await self._exchange(order)
        except TargetRefused as refused:
            return Answer(error=str(refused))
        except TimeoutError:
            seconds = f"{order.deadline.total_seconds():g}"
            return Answer(error=f"No answer within the dispatch deadline of {seconds} s.")
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            return Answer(error=explain(error))

    async def _exchange(self, order: Order) -> Answer:
        authorization = self._minter.authorization(order.credentials) if order.credentials else None
        async with self._session.request(
            order.method,
            target_url(order.url),
            headers=request_headers(order, authorization),
            data=order.body or None,
            allow_redirects=False,
        ) as response:
            body = await _at_most(response.content, MOST_BODY)
            if not response.content.at_eof():
                response.close()
            headers = [(as_text(k), as_text(v)) for k, v in response.headers.items()]
            return Answer(response.status, headers, body)


async def _at_most(stream: aiohttp.StreamReader, most: int) -> bytes:
    parts, room = [], most
    while room and (part := await stream.read(room)):
        parts.append(part)
        room -= len(part)
    return b"".join(parts)


def as_text(value: str) -> str:
    """Make what came off the wire storable: neither database's text takes every string."""
    raw = value.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def explain(error: Exception) -> str:
    """Say in a sentence why a request got no answer."""
    cause = getattr(error, "os_error", None)
    if isinstance(cause, TargetRefused):
        return str(cause)
    if isinstance(error, aiohttp.InvalidURL | ValueError | TypeError):
        return as_text(f"The request cannot be made: {error}.")
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        reason = os.strerror(number) if number and number > 0 else error.os_error
        return f"Could not connect: {reason}."
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "The target closed the connection without an answer."
    return as_text(f"No answer that could be read: {error or type(error).__name__}.")
