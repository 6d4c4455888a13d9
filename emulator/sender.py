"""One HTTP request as Cloud Tasks sends it, and what came back."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import app_engine
from .clock import now
from .connections import Connections, NoTls
from .exchange import Exchange, NoAnswer, Response, request_bytes
from .headers import without
from .reasons import explain
from .sending import MOST_REDIRECTS, Sending, redirected, retry_after
from .targets import CheckedResolver, Destination, TargetRefused, Targets
from .text import as_text
from .tokens import Minter
from .work import Order

MASK = "[masked]"
_SECRET = {"authorization", "proxy-authorization", "cookie"}
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass
class Answer:
    """A target's response, or in `error` a sentence that says why there is none."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    ended_at: datetime = field(default_factory=now)
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


class Sender:
    """Keeps the connections to targets; to be made and closed on the event loop."""

    def __init__(self, targets: Targets, minter: Minter, sending: Sending | None = None) -> None:
        self._targets = targets
        self._minter = minter
        self._sending = sending or Sending()
        self._resolver = CheckedResolver(targets)
        make_tls = self._sending.tls
        if self._sending.target_ca:  # a file that cannot be read is to be told of at the start
            ready = make_tls()
            make_tls = lambda: ready  # noqa: E731
        self._connections = Connections(make_tls)

    async def close(self) -> None:
        """Close the connections."""
        self._connections.close()

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
        except (NoAnswer, NoTls, OSError, ValueError) as error:
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
        method, body = order.method, order.body
        for _ in range(1 + MOST_REDIRECTS):
            response = await self._ask(method, url, headers, body)
            following = self._following(order, response, url, method)
            if following is None:
                return self._answer(response)
            if not self._same_place(url, following[0]):
                headers = _for_others(headers)
            body = body if following[1] == method else b""
            url, method = following
        return Answer(error=f"The target redirected more than {MOST_REDIRECTS} times.")

    async def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Response:
        """Send one request to where its URL says, if it may go there, and return the answer."""
        to = self._targets.check_url(url)
        if _BAD_ESCAPE.search(to.path):  # CreateTask accepts it, and no request can carry it
            raise ValueError("it holds a % that starts no escape")
        request = request_bytes(method, to.path, to.authority, headers, body)
        exchange = self._connections.take(to.place) or await self._connect(to)
        try:
            return await exchange.perform(request, has_body=method != "HEAD")
        finally:
            self._connections.give(to.place, exchange)

    def _same_place(self, url: str, other: str) -> bool:
        return self._targets.check_url(url).place == self._targets.check_url(other).place

    async def _connect(self, to: Destination) -> Exchange:
        """Connect to the address that was checked."""
        if to.address is not None:
            addresses = [str(to.address)]
        else:
            addresses = await self._resolver.resolve(to.place.host, to.place.port)
        return await self._connections.open(to.place, addresses)

    def _following(
        self, order: Order, response: Response, url: str, method: str
    ) -> tuple[str, str] | None:
        if not self._sending.follow_redirects or order.app_engine:  # never there, as documented
            return None
        return redirected(url, method, response.status, response.header("location"))

    def _answer(self, response: Response) -> Answer:
        headers = [(as_text(k), as_text(v)) for k, v in response.headers]
        answer = Answer(response.status, headers, bytes(response.body))
        if self._sending.honour_retry_after:
            answer.retry_after = retry_after(response.header("retry-after"), answer.ended_at)
        return answer


def _for_others(headers: dict[str, str]) -> dict[str, str]:
    """Leave out what only the task's own target may see."""
    return without(without(headers, "authorization"), "cookie")
