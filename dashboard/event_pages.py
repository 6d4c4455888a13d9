"""Pages of events that match: by key, each at a bounded cost, however many events there are."""

from collections.abc import Iterable
from dataclasses import dataclass

from receiver.models import SearchText, Span, Words

from .narrow import MANY, Narrowed

SCAN = 50_000  # events that are looked through at a time where no index knows what is asked
SIFT = 2_000  # of them, where the text of each has to be looked at
TAIL = 1_000  # newest events that are read themselves where the index has not come so far
SLICE = 0.3  # seconds that a search may spend on the index


@dataclass(frozen=True)
class Found:
    """Ids in the order that was asked for; `border` is where to go on, None at the end."""

    ids: list[int]
    border: int | None = None


def find(narrowed: Narrowed, words: Words, span: Span, limit: int) -> Found:
    """Return up to `limit` events of a span that have the fields and the words.

    Fewer, with a border, where so much has been looked through that a page has to end.
    """
    by = _by_words if words.wanted else _by_sifting if words else _by_fields
    found = by(narrowed, words, span, limit)
    if len(found.ids) > limit:
        return Found(found.ids[:limit], found.ids[limit - 1])
    return found


def looked(found: Found, limit: int) -> bool:
    """Say whether a page ends before it is full: so much was looked through, and there is more."""
    return found.border is not None and len(found.ids) < limit


def index_is_behind(words: Words) -> bool:
    """Index a little before a search for words; True where older events are not in there yet."""
    return bool(words) and not SearchText.objects.catch_up(SLICE)


def _by_fields(narrowed: Narrowed, words: Words, span: Span, limit: int) -> Found:
    looked = span.cut(SCAN) if narrowed.scans else span
    return Found(_ids(narrowed, looked, limit + 1), looked.border(span))


def _by_sifting(narrowed: Narrowed, words: Words, span: Span, limit: int) -> Found:
    looked = span.cut(SIFT)
    ids = _ids(narrowed, looked, SIFT)
    return Found(_having(words, ids, looked), looked.border(span))


def _by_words(narrowed: Narrowed, words: Words, span: Span, limit: int) -> Found:
    most = MANY if narrowed.anything else limit
    ids, looked = words.indexed(span, most + 1)
    if len(ids) > most:
        few = [] if narrowed.scans else _ids(narrowed, span, MANY + 1)
        if narrowed.anything and not narrowed.scans and len(few) <= MANY:
            return Found(_having(words, few, span))
        looked = looked.until(ids[-1])
    ids = [*ids, *_tail(words, looked)]
    if narrowed.anything:
        ids = list(narrowed.events.filter(pk__in=ids).values_list("pk", flat=True))
    return Found(sorted(set(ids), reverse=span.down), looked.border(span))


def _ids(narrowed: Narrowed, span: Span, limit: int) -> list[int]:
    rows = narrowed.events.filter(pk__gt=span.above, pk__lt=span.below).order_by(span.order)
    return list(rows.values_list("pk", flat=True)[:limit])


def _having(words: Words, ids: Iterable[int], span: Span) -> list[int]:
    ids = list(ids)
    there = words.among(ids) | set(_tail(words, span))
    return [pk for pk in ids if pk in there]


def _tail(words: Words, span: Span) -> list[int]:
    """Return which of the newest events, not indexed yet, have the words: they are read."""
    rows = SearchText.objects.missing().filter(pk__gt=span.above, pk__lt=span.below)
    return words.read(rows.order_by("-pk")[:TAIL])
