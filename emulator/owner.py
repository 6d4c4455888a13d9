"""The database as a whole: it is made ready, and held, for two emulators would send all twice."""

import fcntl
from pathlib import Path
from typing import IO

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from .models import database

# Any constant will do; PostgreSQL keeps advisory locks apart by database.
_ADVISORY_KEY = 0x434C5441534B53


class AlreadyOwned(Exception):
    """Another emulator works on this database."""


class Owner:
    """Holds the database for this process: a lock file beside SQLite's, a lock in PostgreSQL."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def hold(self) -> None:
        """Take the lock on the calling thread's connection, or raise AlreadyOwned.

        To be called again on every new connection: PostgreSQL drops the lock with the session.
        """
        connection = connections[database()]
        if in_memory():
            return
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_KEY])
                if not cursor.fetchone()[0]:
                    raise AlreadyOwned(f"database {connection.settings_dict['NAME']}")
        elif self._file is None:
            self._file = _locked(f"{connection.settings_dict['NAME']}.lock")

    def release(self) -> None:
        """Give the lock file up; PostgreSQL's lock ends with its connection."""
        if self._file is not None:
            self._file.close()
            self._file = None


def make_folder() -> None:
    """Make the folder of SQLite's file, which SQLite itself does not."""
    connection = connections[database()]
    if connection.vendor == "sqlite" and not in_memory():
        Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)


def migrate() -> None:
    """Bring the tables up to date, on a connection of the calling thread."""
    connection = connections[database()]
    try:
        executor = MigrationExecutor(connection)
        ours = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "emulator"]
        if executor.migration_plan(ours):  # the command takes its time to find nothing to do
            call_command("migrate", "emulator", database=database(), verbosity=0, skip_checks=True)
    finally:
        connection.close()


def in_memory() -> bool:
    """Say whether the database is SQLite's in memory, which only this process can see."""
    connection = connections[database()]
    return connection.vendor == "sqlite" and "memory" in str(connection.settings_dict["NAME"])


def _locked(path: str) -> IO[str]:
    file = open(path, "a")  # noqa: SIM115  held open for as long as the lock
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise AlreadyOwned(path) from None
    return file
