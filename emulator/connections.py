"""Connections to targets: opened to checked addresses alone, and used again once they rested."""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from aiohappyeyeballs import start_connection

from .exchange import Exchange

SHORTEST_REST = 0.005  # seconds
LONGEST_REST = 0.5
_STAGGER = 0.25  # seconds until the next address is tried beside the one before


class Place(NamedTuple):
    """Where a connection leads: what a name must be verified as, and reached by."""

    tls: bool
    host: str
    port: int


class NoTls(Exception):
    """There is no TLS with a target; the cause says why."""


class Connections:
    """Keeps connections, but uses none again that has only just brought an answer.

    Many servers close after an answer without saying so; a request that meets that close would use
    up an attempt. It comes at once, or where a server keeps connections, after more than a second.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._make_tls = tls  # it reads every certificate of the system: not before it is needed
        self._resting: dict[Place, deque[Exchange]] = {}  # the longest at rest first
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, place: Place) -> Exchange | None:
        """Return a connection that has rested long enough, or None."""
        resting = self._resting.get(place)
        now = time.monotonic()
        while resting:
            if not resting[0].rested:
                return None
            exchange = resting.popleft()
            if exchange.usable and exchange.rests_since > now - LONGEST_REST:
                return exchange
            exchange.close()
        return None

    def give(self, place: Place, exchange: Exchange) -> None:
        """Keep a connection for the next request, or close it where none may follow."""
        if not exchange.usable:
            return exchange.close()
        exchange.rest(SHORTEST_REST)
        self._resting.setdefault(place, deque()).append(exchange)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(LONGEST_REST, self._sweep_up)

    async def open(self, place: Place, addresses: list[str]) -> Exchange:
        """Connect to one of these addresses, of which the first gets a start; raises OSError.

        NoTls where a connection is all that there is.
        """
        loop = asyncio.get_running_loop()
        connected = await start_connection(
            [_info(address, place.port) for address in addresses],
            happy_eyeballs_delay=_STAGGER,
            interleave=1,
        )
        try:
            context = self._tls if place.tls else None
            name = place.host.rstrip(".") if place.tls else None
            _, exchange = await loop.create_connection(
                Exchange, sock=connected, ssl=context, server_hostname=name
            )
        except BaseException as error:
            connected.close()
            if isinstance(error, ssl.SSLError):
                raise NoTls from error
            raise
        return exchange

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._make_tls()

    def close(self) -> None:
        """Close all that rest."""
        if self._sweep is not None:
            self._sweep.cancel()
        for resting in self._resting.values():
            for exchange in resting:
                exchange.close()
        self._resting.clear()

    def _sweep_up(self) -> None:
        """Close what has rested too long, and come again while something rests."""
        oldest = time.monotonic() - LONGEST_REST
        for place, resting in list(self._resting.items()):
            while resting and (not resting[0].usable or resting[0].rests_since <= oldest):
                resting.popleft().close()
            if not resting:
                del self._resting[place]
        again = asyncio.get_running_loop().call_later
        self._sweep = again(LONGEST_REST, self._sweep_up) if self._resting else None


def _info(address: str, port: int) -> tuple[int, int, int, str, tuple[str, int]]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
