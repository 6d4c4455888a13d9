"""Secrets in headers and query strings, replaced before anything is saved.

The first 8 digits of the SHA-256 stay, so that two requests can be told to carry the same one.
Bodies are not masked.
"""

import hashlib
import re
from functools import lru_cache
from urllib.parse import unquote_plus

_NAME = re.compile(
    r"(^|-)(auth|authorization|authentication|cookie|set-cookie|dpop|pass|otp|pw)$"
    r"|token|secret|(api|access|private|service|auth|subscription|functions|customer|master"
    r"|encryption)-?key|passw|passphrase|pwd|signature|assertion"
    r"|credential|csrf|session|hmac|jwt|client-principal|client-cert$",
    re.IGNORECASE,
)
# Google's and Azure's usual names of a key in a URL, too short to look for inside others.
_PARAMETERS = {"key", "sig", "code", "sid"}
_SCHEME = re.compile(r"(?i:bearer|basic|digest|negotiate) +(?=\S)")
_USER_INFO = re.compile(r"(?<=://)[^/?#@\s]*:[^/?#@\s]*(?=@)")


def masked_header(name: str, value: str) -> str:
    """Return a header's value as it may be saved; the scheme of an Authorization stays."""
    if not is_secret(name):
        return masked_url(value)
    scheme = _SCHEME.match(value) if name.lower().endswith("authorization") else None
    start = scheme.end() if scheme else 0
    return value[:start] + masked(value[start:])


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Tell whether what a header or parameter of this name says is a secret."""
    return _NAME.search(name) is not None


def masked_url(url: str) -> str:
    """Return a URL (or any text) with the secrets of what follows its `?` masked."""
    if "=" not in url and "@" not in url:
        return url
    start, hash_mark, fragment = url.partition("#")
    path, mark, query = start.partition("?")
    path = _USER_INFO.sub(lambda found: masked(found[0]), path)
    return path + mark + masked_query(query) + hash_mark + masked_query(fragment)


def masked_query(query: str) -> str:
    """Return a query string with the values of secret parameters masked."""
    return re.sub(r"([^&;=?#]+)=([^&;#]*)", _parameter, query) if "=" in query else query


def masked(value: str) -> str:
    """Return what stands for a secret; an empty value hides nothing."""
    if not value:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"<masked, sha256 {digest[:8]}>"


def _parameter(match: re.Match[str]) -> str:
    name = unquote_plus(match[1]).strip().replace("_", "-")
    secret = name.lower() in _PARAMETERS or is_secret(name)
    return f"{match[1]}={masked(match[2])}" if secret else match[0]
