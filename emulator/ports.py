"""Opening the two ports, with one sentence where that cannot be done."""

import socket


class StartFailed(Exception):
    """The emulator cannot start; the message is one sentence for its user."""


def url_host(host: str) -> str:
    """Write an address as URLs do: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def loopback(host: str) -> str:
    """Return the address at which this machine reaches what listens on `host`, as URLs have it."""
    return "[::1]" if host == "::1" else "127.0.0.1"


def open_socket(host: str, port: int, option: str) -> socket.socket:
    """Return a listening socket; raises StartFailed, naming `option` as the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=512, dualstack_ipv6=both)
    except OSError as error:
        raise StartFailed(
            f"Port {port} on {host} cannot be opened ({error.strerror or error}): is another "
            f"emulator running? Choose another port with {option}."
        ) from None
