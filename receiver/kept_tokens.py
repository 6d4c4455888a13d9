"""Tokens whose signature was checked: a sender uses one for many deliveries.

Only what cannot change is kept: what the token says, and the key that it was checked with. Times,
settings and the issuer's keys are looked at again for every request.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

MOST = 1024


@dataclass(frozen=True, slots=True)
class Token:
    """A token's header and claims; `pem` is the key that its signature matches, "" unchecked.

    `claimed` are the account and the audience as they may be saved.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    claimed: tuple[str, str]
    pem: str = ""


class KeptTokens:
    """At most `most` tokens by their SHA-256, the least used forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tokens: OrderedDict[bytes, Token] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, token: str) -> Token | None:
        """Return what is known of a token."""
        key = _key(token)
        with self._lock:
            if found := self._tokens.get(key):
                self._tokens.move_to_end(key)
            return found

    def keep(self, token: str, known: Token) -> None:
        """Keep a token that was admitted; others could push these out."""
        with self._lock:
            self._tokens[_key(token)] = known
            if len(self._tokens) > self._most:
                self._tokens.popitem(last=False)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
