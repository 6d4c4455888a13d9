"""Words to be found in bodies: asked of the index, or of a body itself where it is not in there."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import BinaryField
from django.db.models.functions import Substr

from .. import text
from .event import Event, EventQuerySet
from .search_text import SearchText

PLAIN = 20_000  # texts that are looked through at a time where no index helps
# FTS5 needs three characters in a row that are no signs of a pattern, pg_trgm three of a word.
_PIECES = {"sqlite": re.compile(r"[^*?\[]{3}"), "postgresql": re.compile(r"\w{3}")}


@dataclass(frozen=True)
class Span:
    """Which ids to look at, those between `above` and `below`, and from which end."""

    above: int = 0
    below: int = 2**63 - 1
    down: bool = True  # the newest first

    def cut(self, most: int) -> "Span":
        """Return the beginning of it: so many ids from the first event on, or all there are."""
        first = Event.objects.order_by("-pk").values_list("pk", flat=True)
        last, least = first.first() or 0, first.reverse().first() or 0
        if self.down:
            above = min(self.below, last + 1) - most - 1
            return replace(self, above=above) if above >= max(self.above, least) else self
        below = max(self.above, least - 1) + most + 1
        return replace(self, below=below) if below <= min(self.below, last) else self

    def until(self, last: int) -> "Span":
        """Return the beginning of it, with `last` as the last id."""
        return replace(self, above=last - 1) if self.down else replace(self, below=last + 1)

    def border(self, whole: "Span") -> int | None:
        """Return the id beyond which to go on where this is a beginning of `whole`, else None."""
        if self == whole:
            return None
        return self.above + 1 if self.down else self.below - 1

    @property
    def order(self) -> str:
        return "-pk" if self.down else "pk"


@dataclass(frozen=True)
class Words:
    """What a body must have, and must not have; each as `text.spelled` writes it."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @classmethod
    def of(cls, wanted: Iterable[str], unwanted: Iterable[str] = ()) -> "Words":
        """Make them of words as they were typed; what is blank says nothing."""
        return cls(*(tuple(filter(None, map(text.spelled, some))) for some in (wanted, unwanted)))

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted)

    def are_in(self, body: bytes) -> bool:
        """Look at a body itself."""
        found = text.searchable(body)
        return all(word in found for word in self.wanted) and not any(
            word in found for word in self.unwanted
        )

    def read(self, events: EventQuerySet) -> list[int]:
        """Return which of these events have them, in their order, by reading each body."""
        begin = Substr("body", 1, text.SEARCHED_BYTES, output_field=BinaryField())
        rows = events.values_list("pk", begin)
        return [pk for pk, body in rows if self.are_in(bytes(body or b""))]

    def among(self, ids: Sequence[int]) -> set[int]:
        """Return which of these ids have them, by their texts in the index."""
        if not ids:
            return set()
        marks = ", ".join(["%s"] * len(ids))
        # With a sign before it no index is asked, once for each id.
        where, values = self._where("+text" if connection.vendor == "sqlite" else "text")
        return set(_ids(f"rowid IN ({marks}) AND {where}", [*ids, *values]))

    def indexed(self, span: Span, limit: int) -> tuple[list[int], Span]:
        """Return up to `limit` ids that have them, in order, and the span that was looked at.

        It is the whole span where the index helps with one of the words, else its beginning.
        """
        if not self._indexable():
            span = span.cut(PLAIN)
        where, values = self._where("text")
        order = f"ORDER BY rowid {'DESC' if span.down else 'ASC'} LIMIT {limit:d}"
        where = f"{where} AND rowid > %s AND rowid < %s {order}"
        return _ids(where, [*values, span.above, span.below]), span

    def _indexable(self) -> bool:
        pieces = _PIECES[connection.vendor]
        return any(map(pieces.search, self.wanted)) and SearchText.objects.has_index()

    def _where(self, column: str) -> tuple[str, list[Any]]:
        sqlite = connection.vendor == "sqlite"
        test, pattern = ("GLOB", _glob) if sqlite else ("LIKE", _like)
        # FTS5 crashes on a pattern that is too short for it beside another: it must not be asked.
        short = [sqlite and not _PIECES["sqlite"].search(word) for word in self.wanted]
        wanted = [f"{'+text' if each else column} {test} %s" for each in short]
        unwanted = [f"{column} NOT {test} %s"] * len(self.unwanted)
        words = [*self.wanted, *self.unwanted]
        return " AND ".join(wanted + unwanted) or "1 = 1", [pattern(word) for word in words]


def _ids(where: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rowid FROM receiver_searchtext WHERE {where}", values)  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def _glob(word: str) -> str:
    return "*" + re.sub(r"[*?\[]", r"[\g<0>]", word) + "*"


def _like(word: str) -> str:
    return "%" + re.sub(r"[%_\\]", r"\\\g<0>", word) + "%"
