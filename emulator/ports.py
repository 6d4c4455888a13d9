"""Opening the two ports, with one sentence where that cannot be done."""

import socket
from typing import Any


class StartFailed(Exception):
    """The emulator cannot start; the message is one sentence for its user."""


def url_host(host: str) -> str:
    """Write an address as URLs do: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def open_socket(host: str, port: int, option: str) -> socket.socket:
    """Return a listening socket; raises StartFailed, naming `option` as the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise StartFailed(
            f"Port {port} on {host} cannot be opened ({error.strerror or error}): is another "
            f"emulator running? Choose another port with {option}."
        ) from None


def bind_grpc(server: Any, host: str, port: int) -> int:
    """Let a gRPC server have its port and return the real one; raises StartFailed."""
    # gRPC reports a taken port as a wall of text on stderr, so a plain socket asks first.
    open_socket(host, port, "--port").close()
    try:
        return int(server.add_insecure_port(f"{url_host(host)}:{port}"))
    except RuntimeError as error:
        raise StartFailed(f"Port {port} on {host} cannot be opened: {error}") from None
