"""Many events in one INSERT, written as the two drivers like it: a third of what the ORM costs."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from django.db import connection, models

from .models import Event

Prepare = Callable[[Any], Any] | None
_AS_THEY_ARE = (models.CharField, models.TextField, models.IntegerField)


def insert(events: Sequence[Event]) -> None:
    """Insert events inside the caller's transaction and set their keys."""
    sql, columns = _statement(connection.vendor)
    rows = [
        tuple(
            prepare(getattr(event, name)) if prepare else getattr(event, name)
            for name, prepare in columns
        )
        for event in events
    ]
    for event, key in zip(events, _run(sql, rows), strict=True):
        event.pk = key
        event._state.adding = False


@cache
def _statement(vendor: str) -> tuple[str, list[tuple[str, Prepare]]]:
    """Return the INSERT and, by column, what makes a value of the model one of the database."""
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quote(Event._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608
    if vendor == "postgresql":
        sql += " RETURNING id"
    return sql, [(field.attname, _prepare(field)) for field in fields]


def _prepare(field: Any) -> Prepare:
    if isinstance(field, _AS_THEY_ARE):
        return str if field.choices else None  # a choice is its text, not the enum's member
    return partial(_prepared, field)


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def _run(sql: str, rows: list[tuple[Any, ...]]) -> list[int]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _returned(cursor.cursor, sql, rows)
        cursor.executemany(sql, rows)
        # The transaction holds SQLite's only write lock, so that the keys follow one another.
        cursor.execute("SELECT last_insert_rowid()")
        last = int(cursor.fetchone()[0])
    return list(range(last - len(rows) + 1, last + 1))


def _returned(cursor: Any, sql: str, rows: list[tuple[Any, ...]]) -> list[int]:
    """Return the keys in the rows' order; psycopg sends them as one pipeline."""
    keys = []
    # Its own cursor is behind Django's back, which else names every error as Django does.
    with connection.wrap_database_errors:
        cursor.executemany(sql, rows, returning=True)
        for _ in rows:
            keys.append(int(cursor.fetchone()[0]))
            cursor.nextset()
    return keys
