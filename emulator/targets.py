"""Where requests may go: loopback, and the hosts that settings name. Everything else is refused.

A laptop's emulator would otherwise be a way for a queued URL into the local network or to a cloud
machine's metadata server. Names are resolved once, every address is checked, and the connection
goes to a checked address, so that a name cannot change its mind in between.
"""

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_PORTS = {"http": 80, "https": 443}


class TargetRefused(OSError):
    """The emulator does not send to this address; the message is a sentence for its user."""


class Targets:
    """The policy. `listed` holds hosts, or host:port, beside loopback."""

    def __init__(self, listed: Sequence[str] = ()) -> None:
        self._listed = {each.lower() for each in listed}

    def check_url(self, url: str) -> None:
        """Raise TargetRefused where the URL itself, or the address in it, is out of bounds."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme.lower(), 0)
        except ValueError as error:
            raise TargetRefused(f"The URL cannot be read: {error}.") from None
        if not host:
            raise TargetRefused("The URL has no host.")
        if "@" in parts.netloc:
            raise TargetRefused("A URL with a user name or password in it is not sent.")
        address = _literal(host)
        if address is not None:
            self.check_address(host, port, address)

    def check_address(self, host: str, port: int, address: Address) -> None:
        """Raise TargetRefused unless `address`, which is what `host` means, may be sent to."""
        reached = _embedded(address)
        if reached.is_loopback:
            return
        if reached.is_link_local or reached.is_multicast or reached.is_unspecified:
            raise TargetRefused(
                f"Requests to {reached} are never sent: no task target lives there."
            )
        if not self._is_listed(host, port):
            raise TargetRefused(
                f"Requests to {host} are not sent: the emulator sends to this machine and to the "
                "hosts in EMULATOR_TARGETS."
            )

    def _is_listed(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return bool(self._listed & {host.lower(), shown.lower(), f"{shown}:{port}".lower()})


class CheckedResolver(AbstractResolver):
    """Resolves for aiohttp and hands out checked addresses only."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`; raises TargetRefused if one is out of bounds."""
        results = await self._resolver.resolve(host, port, family)
        for result in results:
            address = ipaddress.ip_address(result["host"].partition("%")[0])
            self._targets.check_address(host, port, address)
        return results

    async def close(self) -> None:
        """Nothing is held."""


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
