"""Which rule answers which request: pure, nothing here asks the database.

Of the rules that match, the one with the lowest order has the first word, the older one where
two are equal; one that has no hits left, or whose chance says no, leaves it to the next.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from .models import Event, Reply


def like(pattern: str, text: str) -> bool:
    """Tell whether a text is a pattern's, in which `*` stands for any text, `/` included.

    Upper and lower case differ, and no other character has a meaning of its own.
    """
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *inner, last = others
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < len(first):
        return False
    at = len(first)
    for piece in inner:
        at = text.find(piece, at, end) + len(piece)
        if at < len(piece):
            return False
    return True


def matches(reply: Reply, event: Event) -> bool:
    """Tell whether a rule is meant for this request; what a rule leaves open matches all."""
    pairs = ((reply.queue, event.queue), (reply.path, event.path), (reply.task, event.task))
    return all(not pattern or like(pattern, text) for pattern, text in pairs) and (
        not reply.header_name or _has_header(reply, event.headers)
    )


def _has_header(reply: Reply, headers: Iterable[Iterable[str]]) -> bool:
    wanted = reply.header_name.lower()
    return any(
        name.lower() == wanted and (not reply.header_value or like(reply.header_value, value))
        for name, value in headers
    )


def choose(
    replies: Iterable[Reply], event: Event, taken: Counter[int], roll: Callable[[], float]
) -> Reply | None:
    """Return the rule that answers a request, None where the receiver answers as usual.

    `replies` come in their order; `taken` counts hits by key that are not in the rules yet;
    `roll` gives a number from 0 up to 1 for the rules that answer only a share.
    """
    for reply in replies:
        left = reply.left
        if left is not None and left <= taken[reply.pk]:
            continue
        if matches(reply, event) and (reply.percent >= 100 or roll() * 100 < reply.percent):
            return reply
    return None
