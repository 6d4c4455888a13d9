"""How long work that can wait stands in line for SQLite's one lock: deliveries have it first."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def wait_at_most(milliseconds: int) -> Iterator[None]:
    """Give up on SQLite's lock after so long, by OperationalError; PostgreSQL has none."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
