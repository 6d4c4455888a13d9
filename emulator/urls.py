"""How a URL goes on the wire: pure rules, no Django, no HTTP client."""

import re
import string
from urllib.parse import quote

from yarl import URL

# Reserved and unreserved characters of RFC 3986 stay; all others get encoded.
_LEGAL = string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%"
# A part of the inside of a regular expression: characters of a path that need no second look.
PLAIN = re.escape(string.ascii_letters + string.digits + "-._~:/[]@!$&'()*+,;=%")
_FINE = re.compile(f"[{re.escape(_LEGAL)}]*")
_HOST = re.compile(r"([^:/?#]+://(?:[^/?#]*@)?)([^/?#@:\[\]\\]+)(.*)", re.DOTALL)


def encoded(url: str) -> str:
    """Return the URL as given, with what may not stand in one encoded; a host's name as in DNS."""
    if _FINE.fullmatch(url):
        return url
    parts = None if url.isascii() else _HOST.fullmatch(url)
    if parts is not None:
        url = parts[1] + _in_dns(parts[2]) + parts[3]
    return quote(url, safe=_LEGAL)


def _in_dns(host: str) -> str:
    """Write a name of other letters as DNS has it; what is no name stays."""
    try:
        return URL.build(scheme="http", host=host).raw_host or host
    except ValueError:
        return host
