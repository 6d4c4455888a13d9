"""How a URL goes on the wire: pure rules, no Django, no HTTP client."""

import string
from urllib.parse import quote

# Reserved and unreserved characters of RFC 3986 stay; all others get encoded.
_LEGAL = string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%"


def encoded(url: str) -> str:
    """Return the URL as given, with what may not stand in one encoded."""
    return quote(url, safe=_LEGAL)
