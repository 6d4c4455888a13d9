"""The index that a search of bodies asks: filled when somebody searches, never by a delivery."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta

from django.db import OperationalError, connection, models, transaction
from django.db.models import BinaryField, Exists, OuterRef
from django.db.models.functions import Substr
from django.utils import timezone

from .. import text
from .event import Event, EventQuerySet
from .patience import wait_at_most

BITE = 200  # events a transaction: on SQLite a delivery waits for it
PAUSE = 0.01
LOCK_MS = 250
# With several writers an event may be committed after one with a higher id. A request takes 30 s
# at most, its transaction 40: what is older than this has no such latecomer before it any more.
LATE = timedelta(minutes=2)


class SearchTextManager(models.Manager["SearchText"]):
    """Fills the index and asks it."""

    def missing(self) -> EventQuerySet:
        """Events that are not in the index yet, found by key."""
        settled = SearchMark.objects.filter(pk=1).values_list("settled", flat=True).first() or 0
        there = SearchText.objects.filter(pk=OuterRef("pk"))
        return Event.objects.filter(~Exists(there), pk__gt=settled)

    def catch_up(self, seconds: float, patient: bool = False) -> bool:
        """Index events, the oldest first, for about so many seconds; True when none is left.

        Where somebody else does so, or the lock cannot be had in time, it is left to them.
        """
        until = time.monotonic() + seconds
        try:
            with nullcontext() if patient else wait_at_most(LOCK_MS):
                while left := self._bite():
                    if time.monotonic() > until:
                        return False
                    time.sleep(PAUSE)
        except OperationalError:
            return False
        return left is not None

    def has_index(self) -> bool:
        """Say whether the database has the index of three-letter pieces."""
        sql = "SELECT 1 FROM sqlite_master WHERE name = 'receiver_searchtext_data'"
        if connection.vendor == "postgresql":
            sql = "SELECT 1 FROM pg_indexes WHERE indexname = 'receiver_searchtext_trigrams'"
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone() is not None

    def _bite(self) -> int | None:
        """Index a few events; returns how many, None where somebody else is at it."""
        rows = self._rows()
        with transaction.atomic():
            mark = SearchMark.held()
            if mark is None:
                return None
            if rows:
                self._insert(rows)
            mark.settle(rows[-1][0] if rows else 0)
        return len(rows)

    def _rows(self) -> list[tuple[int, str]]:
        begin = Substr("body", 1, text.SEARCHED_BYTES, output_field=BinaryField())
        found = self.missing().order_by("pk").values_list("pk", begin)[:BITE]
        return [(pk, text.searchable(bytes(body or b""))) for pk, body in found]

    def _insert(self, rows: Sequence[tuple[int, str]]) -> None:
        # An event that has been deleted meanwhile must not come back by its text.
        sql = (
            "SELECT id FROM receiver_event WHERE id BETWEEN %s AND %s"
            " AND NOT EXISTS (SELECT 1 FROM receiver_searchtext WHERE rowid = id)"
        )
        if connection.vendor == "postgresql":
            sql += " FOR KEY SHARE"
        with connection.cursor() as cursor:
            cursor.execute(sql, [rows[0][0], rows[-1][0]])
            keys = {key for (key,) in cursor.fetchall()}
            # A row a statement and nothing but its values: after an INSERT that selects, SQLite
            # writes out a segment of the index, which it then spends itself on merging.
            sql = "INSERT INTO receiver_searchtext (rowid, text) VALUES (%s, %s)"
            cursor.executemany(sql, [row for row in rows if row[0] in keys])


class SearchText(models.Model):
    """What a search looks at of one event's body, in an index of three-letter pieces.

    On SQLite a table of FTS5, on PostgreSQL one with a pg_trgm index; without either a plain
    table, of which only the newest rows are looked through. The database deletes it with its event.
    """

    event = models.OneToOneField(
        Event, models.DO_NOTHING, primary_key=True, db_column="rowid", related_name="+"
    )
    text = models.TextField()

    objects = SearchTextManager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.text[:50]


class SearchMark(models.Model):
    """How far the index has come: a single row.

    Events up to `settled` are in it, and none can appear among them any more.
    """

    settled = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"settled up to {self.settled}"

    @classmethod
    def held(cls) -> "SearchMark | None":
        """Return the row, locked until the transaction ends; None where it is locked already."""
        rows = cls.objects.filter(pk=1)
        if connection.features.has_select_for_update:
            rows = rows.select_for_update(skip_locked=True)
        found = rows.first()
        if found is None:
            SearchMark.objects.bulk_create([SearchMark(pk=1)], ignore_conflicts=True)
            found = rows.first()
        return found

    def settle(self, last: int) -> None:
        """Move on to event `last`, or to the newest one for 0, which have all been indexed."""
        events = Event.objects.filter(pk__gt=self.settled)
        last = last or events.aggregate(last=models.Max("pk"))["last"] or self.settled
        if connection.vendor != "sqlite":  # whose one lock keeps keys in the order of commits
            young = events.filter(pk__lte=last, received_at__gte=timezone.now() - LATE)
            first = young.aggregate(first=models.Min("pk"))["first"]
            last = first - 1 if first else last
        if last > self.settled:
            self.settled = last
            self.save(update_fields=["settled"])
