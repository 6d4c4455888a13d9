"""Pages of lists: tokens that name the last key seen, and a cap on the bytes of one answer."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Any

from . import errors

# A channel made by hand takes at most 4 MiB a message; this leaves room for the rest of it.
MOST_BYTES = 4 * 1024 * 1024 - 64 * 1024

# Longer than any of ours: what is cut is no base64 or no JSON any more.
LONGEST_TOKEN = 4096


def page_token(owner: str, last: str) -> str:
    """Return the opaque token for what follows `last` in the list of `owner`."""
    return base64.urlsafe_b64encode(json.dumps([owner, last]).encode()).decode()


def last_seen(owner: str, token: str) -> str:
    """Return the key a token names ("" for no token); raises Refused for a foreign token."""
    if not token:
        return ""
    try:
        of, last = json.loads(base64.urlsafe_b64decode(token[:LONGEST_TOKEN].encode()))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise errors.page_token_invalid() from None
    if of != owner or not isinstance(last, str):
        raise errors.page_token_invalid()
    return last


def page_size(asked: int, most: int) -> int:
    """Return how many to answer: `most` unless fewer were asked for; raises Refused below 0."""
    if asked < 0:
        raise errors.page_size_negative()
    return min(asked or most, most)


def within_bytes(messages: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield (key, message) pairs while they fit one answer, and the first in any case."""
    room = MOST_BYTES
    for key, message in messages:
        size = message.ByteSize() + 6  # and the tag and length it gets inside the list
        if size > room and room < MOST_BYTES:
            return
        room -= size
        yield key, message
