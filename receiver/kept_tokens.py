"""Tokens whose signature was checked: a sender uses one for many deliveries.

Only what cannot change is kept: what the token says, and the key that it was checked with. Times,
settings and the issuer's keys are looked at again for every request.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

from .kept_settings import Kept
from .models import Event

MOST = 1024


class Caller(NamedTuple):
    """Who sent a request, and how that is known."""

    account: str = ""
    audience: str = ""
    check: Event.Check = Event.Check.NONE


class Token(NamedTuple):
    """A token's header and claims; `pem` is the key that its signature matches, "" unchecked.

    `claimed` are the account and the audience as they may be saved. `settings` are those by which
    it is `caller`'s from one instant to another (`valid`, seconds), wherever it is sent to; None
    where that depends on the request.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    claimed: tuple[str, str]
    pem: str = ""
    caller: Caller = Caller()
    valid: tuple[float, float] = (0.0, 0.0)
    settings: Kept | None = None


class KeptTokens:
    """At most `most` tokens by the SHA-256 of what carries them, the least used forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tokens: OrderedDict[bytes, Token] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, authorization: str) -> Token | None:
        """Return what is known of the token in a header's value."""
        key = _key(authorization)
        with self._lock:
            if found := self._tokens.get(key):
                self._tokens.move_to_end(key)
            return found

    def keep(self, authorization: str, known: Token) -> None:
        """Keep a token that was admitted; others could push these out."""
        key = _key(authorization)
        with self._lock:
            self._tokens[key] = known
            if len(self._tokens) > self._most:
                self._tokens.popitem(last=False)


def _key(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()
