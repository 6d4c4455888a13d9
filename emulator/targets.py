"""Where requests may go: loopback, and the hosts that settings name. Everything else is refused.

A laptop's emulator would otherwise be a way for a queued URL into the local network or to a cloud
machine's metadata server. Only listed names are looked up at all; every address is checked, and the
connection goes to a checked address, so that a name cannot change its mind in between.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from .connections import Place
from .urls import PLAIN, encoded

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_PORTS = {"http": 80, "https": 443}
_LOCALHOST = ("127.0.0.1", "::1")
LOOKUP_SECONDS = 10.0


class TargetRefused(OSError):
    """The emulator does not send to this address; the message is a sentence for its user."""


class Destination(NamedTuple):
    """A URL as it is requested: where, the address if the host is one, and the first two lines."""

    place: Place
    address: Address | None
    path: str  # with the query
    authority: str  # what Host says


class Targets:
    """The policy. `listed` holds hosts, or host:port, beside loopback."""

    def __init__(self, listed: Sequence[str] = ()) -> None:
        self._listed = {each.lower() for each in listed}
        self._check_literal = lru_cache(256)(self.check_address)

    def check_url(self, url: str) -> Destination:
        """Raise TargetRefused where the URL itself, or the address in it, is out of bounds."""
        destination = _read(url)
        if destination.address is not None:
            place = destination.place
            self._check_literal(place.host, place.port, destination.address)
        return destination

    def check_address(self, host: str, port: int, address: Address) -> None:
        """Raise TargetRefused unless `address`, which is what `host` means, may be sent to."""
        reached = _embedded(address)
        if reached.is_loopback:
            return
        if reached.is_link_local or reached.is_multicast or reached.is_unspecified:
            raise TargetRefused(
                f"Requests to {reached} are never sent: no task target lives there."
            )
        self.check_name(host, port)

    def check_name(self, host: str, port: int) -> None:
        """Raise TargetRefused unless the settings list `host`."""
        if not self._is_listed(host, port):
            raise TargetRefused(
                f"Requests to {host} are not sent: the emulator sends to this machine and to the "
                "hosts in EMULATOR_TARGETS."
            )

    def _is_listed(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return bool(self._listed & {host.lower(), shown.lower(), f"{shown}:{port}".lower()})


class CheckedResolver:
    """Finds the addresses of hosts and hands out checked ones only.

    A name is looked up once at a time, on a thread of its own: a slow one delays nobody else.
    """

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._lookups: dict[str, asyncio.Future[list[str]]] = {}

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host`; raises TargetRefused if one is out of bounds."""
        if _is_localhost(host):
            return list(_LOCALHOST)
        addresses = _spelled_out(host)
        if not addresses:
            self._targets.check_name(host, port)
            addresses = await self._look_up(host)
        for address in addresses:
            self._targets.check_address(host, port, ipaddress.ip_address(address.partition("%")[0]))
        return addresses

    async def _look_up(self, host: str) -> list[str]:
        if host not in self._lookups:
            self._lookups[host] = lookup = asyncio.get_running_loop().create_future()
            lookup.add_done_callback(lambda done: self._forget(host, done))
            threading.Thread(target=_find, args=(host, lookup), daemon=True).start()
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                return await asyncio.shield(self._lookups[host])
        except TimeoutError:
            raise OSError(f"no address of {host} within {LOOKUP_SECONDS:g} s") from None

    def _forget(self, host: str, lookup: "asyncio.Future[list[str]]") -> None:
        del self._lookups[host]
        if not lookup.cancelled():
            lookup.exception()  # seen, also when nobody waits for it any more


def _is_localhost(host: str) -> bool:
    """Say whether a name is loopback by RFC 6761, whatever a resolver makes of it."""
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def _spelled_out(host: str) -> list[str]:
    """Return the address that `host` spells in some way (127.1, 0x7f000001), asking no one."""
    try:
        return _getaddrinfo(host, socket.AI_NUMERICHOST)
    except OSError:
        return []


def _find(host: str, lookup: "asyncio.Future[list[str]]") -> None:
    tell = lookup.get_loop().call_soon_threadsafe
    with contextlib.suppress(RuntimeError):  # the emulator may have stopped meanwhile
        try:
            tell(lookup.set_result, _getaddrinfo(host, socket.AI_ADDRCONFIG))
        except (OSError, UnicodeError) as error:
            tell(lookup.set_exception, OSError(f"{host} has no address ({error})"))


def _getaddrinfo(host: str, flags: int) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return [str(address[0]) for *_, address in found]


# Nearly every URL: a name or IPv4, nothing to encode, nobody before an @.
_PLAIN = re.compile(
    rf"(https?)://([0-9a-z.-]+)(?::([1-5][0-9]{{4}}|[1-9][0-9]{{0,3}}))?(/[{PLAIN}]*)"
)


@lru_cache(256)
def _read(url: str) -> Destination:
    """Take a URL apart; raises TargetRefused where it is none to send to."""
    if plain := _PLAIN.fullmatch(url):
        scheme, host, port, path = plain.groups()
        return _destination(scheme, host, int(port or _PORTS[scheme]), path)
    try:
        parts = urlsplit(encoded(url))  # what is sent, not what was written
        scheme, host = parts.scheme.lower(), parts.hostname or ""
        port = parts.port or _PORTS.get(scheme, 0)
    except ValueError as error:
        raise TargetRefused(f"The URL cannot be read: {error}.") from None
    if not host:
        raise TargetRefused("The URL has no host.")
    if "@" in parts.netloc:
        raise TargetRefused("A URL with a user name or password in it is not sent.")
    return _destination(
        scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    )


def _destination(scheme: str, host: str, port: int, path: str) -> Destination:
    shown = f"[{host}]" if ":" in host else host.removesuffix(".")
    authority = shown if port == _PORTS.get(scheme) else f"{shown}:{port}"
    return Destination(Place(scheme == "https", host, port), _literal(host), path, authority)


@lru_cache(256)
def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback or int(address) == 0:
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and (address in _NAT64 or address in _COMPATIBLE):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
