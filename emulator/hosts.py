"""Which Host the HTTP port answers to: a pure rule against names that are made to point here.

A page of evil.test can have its own name resolve to 127.0.0.1, and its browser then sees one site:
no foreign Origin is sent, and the answers can be read. What gives it away is the name in Host. So
answered are addresses, and names that nobody can register; others are for the settings to list.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

_NEVER_PUBLIC = (".localhost", ".internal", ".cluster.local")
ANY = "*"


def is_ours(host: str | None, listed: Collection[str]) -> bool:
    """Say whether a Host header may be answered; `listed` holds names, or "*" for all.

    A name without a dot is a machine's own or a container's, as in a compose file.
    """
    if host is None or ANY in listed:  # no browser leaves it out
        return True
    name = name_in(host)
    if _is_address(name) or name in {each.lower() for each in listed}:
        return True
    return bool(name) and ("." not in name or name.endswith(_NEVER_PUBLIC))


def name_in(host: str) -> str:
    """Return the name in `name:port`, in small letters and without a final dot; "" for nonsense."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0] if ":" in name else name)
    except ValueError:
        return False
    return True
