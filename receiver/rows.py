"""Many events in one INSERT, written as the two drivers like it: a third of what the ORM costs."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from typing import Any

from django.db import connection, models

from .driver import first, spelled
from .models import Event

_AS_THEY_ARE = (
    *(models.CharField, models.TextField, models.IntegerField, models.BinaryField),
    models.ForeignKey,  # by its key
)
# Django lets psycopg prepare nothing, for poolers that part a connection by transactions; here one
# keeps it (docs/scale.md), and the server's time for an INSERT that is prepared is less than half.
# No other statement is run so often on one connection that it were prepared as well.
NOTHING_ELSE = 2**31
Columns = tuple[Callable[[Event], tuple[Any, ...]], list[tuple[int, Callable[[Any], Any]]]]


def insert(events: Sequence[Event]) -> None:
    """Insert events inside the caller's transaction and set their keys."""
    sql, (values, prepared) = _statement(connection.vendor)
    rows = []
    for event in events:
        row = [*values(event)]
        for position, prepare in prepared:
            row[position] = prepare(row[position])
        rows.append(row)
    for event, key in zip(events, _run(sql, rows), strict=True):
        event.pk = key
        event._state.adding = False


@cache
def _statement(vendor: str) -> tuple[str, Columns]:
    """Return the INSERT, what reads an event's values, and where which has to be prepared."""
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quote(Event._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608
    if vendor == "postgresql":
        sql += " RETURNING id"
    found = [(position, _prepare(field)) for position, field in enumerate(fields)]
    prepared = [(position, prepare) for position, prepare in found if prepare]
    return sql, (attrgetter(*(field.attname for field in fields)), prepared)


def _prepare(field: Any) -> Callable[[Any], Any] | None:
    """Return what makes a model's value one that the driver takes, None where it is one."""
    if isinstance(field, models.DateTimeField):
        if connection.vendor == "sqlite":
            return _sqlite_instant
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.JSONField):
        return _pairs_as_json
    if isinstance(field, _AS_THEY_ARE):
        return _text if field.choices else None
    return lambda value: field.get_db_prep_save(value, connection)


def _text(choice: str) -> str:
    """Return a choice's text, which an enum's member is not to a driver."""
    return choice if type(choice) is str else str(choice)


def _pairs_as_json(pairs: Sequence[tuple[str, str]]) -> str:
    return f"[{', '.join([_pair_as_json(name, value) for name, value in pairs])}]"


@lru_cache(maxsize=1024)
def _pair_as_json(name: str, value: str) -> str:
    return f"[{encode_basestring_ascii(name)}, {encode_basestring_ascii(value)}]"


def _sqlite_instant(value: datetime | None) -> Any:
    if value and value.tzinfo is UTC:
        return value.isoformat(" ")[:-6]  # as Django writes it, without its detours
    return connection.ops.adapt_datetimefield_value(value)


def _run(sql: str, rows: list[list[Any]]) -> list[int]:
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            raw.prepare_threshold = NOTHING_ELSE
            return _returned(raw.cursor(), sql, rows)
        raw.executemany(spelled(sql, "sqlite"), rows)
    # The transaction holds SQLite's only write lock, so that the keys follow one another.
    last = int(first("SELECT last_insert_rowid()")[0])
    return list(range(last - len(rows) + 1, last + 1))


def _returned(cursor: Any, sql: str, rows: list[list[Any]]) -> list[int]:
    """Return the keys in the rows' order; psycopg prepares the INSERT and sends a pipeline."""
    cursor.executemany(sql, rows, returning=True)
    keys = []
    for _ in rows:
        keys.append(int(cursor.fetchone()[0]))
        cursor.nextset()
    return keys
