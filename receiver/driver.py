"""The two databases' drivers, asked directly: Django's way costs a short statement's time again.

What they raise is raised as Django's errors.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from django.db import connection, transaction


@contextmanager
def group() -> Iterator[None]:
    """Run a block in a transaction of its own, or in a savepoint where one is open."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors:
        # A read that turns into a write would fail at once on SQLite instead of waiting.
        raw.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
        try:
            yield
            raw.execute("COMMIT")
        except BaseException:
            _roll_back(raw)
            raise


def _roll_back(raw: Any) -> None:
    with suppress(Exception):
        raw.rollback()
        return
    connection.close()  # whatever state it is in


def first(sql: str, params: Sequence[Any] = ()) -> Any:
    """Return the first row that a query with %s for its values finds, or None."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.connection.execute(spelled(sql, connection.vendor), params).fetchone()


@lru_cache(maxsize=16)
def spelled(sql: str, vendor: str) -> str:
    """Return a statement with a driver's own sign for a value."""
    return sql.replace("%s", "?") if vendor == "sqlite" else sql
