"""Ways in which a store is away for a while, each a context manager.

A full disk comes in two ways, because neither needs the right to mount a small one: a limit on the
worker's file sizes, which cuts a write in half as a real end of the disk does (SQLite then says
"disk I/O error"), and ENOSPC put by strace in place of every write ("database or disk is full").
"""

import resource
import sqlite3
import time
from contextlib import ExitStack, contextmanager, suppress

import psycopg

from tests.faults.tracing import Strace

QUIET = 20  # looks at a full PostgreSQL
ROOM = 64 * 1024
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@contextmanager
def locked(receiver):
    """Another program holds SQLite's lock."""
    other = sqlite3.connect(receiver.folder / "db.sqlite3", timeout=30, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def no_room(receiver):
    """No file can grow past a size that the database has already."""
    pid = receiver.worker
    _, hard = before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def disk_full(receiver):
    """Every write of SQLite meets a full disk."""
    inject = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=ENOSPC"]
    with Strace([receiver.worker], receiver.folder / "full", *inject):
        yield


@contextmanager
def frozen(receiver):
    """PostgreSQL's processes stand still; its connections stay open."""
    receiver.ground.cluster.freeze()
    yield
    receiver.ground.cluster.thaw()


@contextmanager
def no_connection_left(receiver):
    """Others use every connection that PostgreSQL allows, those of the receiver too."""
    url = receiver.ground.cluster.url("postgres")
    with ExitStack() as others:
        first = others.enter_context(psycopg.connect(url, autocommit=True))
        quiet = 0
        while quiet < QUIET:  # one that is cut off is not gone at once
            with suppress(psycopg.OperationalError):
                others.enter_context(psycopg.connect(url))
                quiet = 0
                continue
            cut_off = first.execute(CUT_OFF, [receiver.database.name]).fetchall()
            quiet = 0 if cut_off else quiet + 1
            time.sleep(0.01)
        yield
