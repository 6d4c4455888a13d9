"""Before each answer the database has synced its log to the disk, seen by strace.

kill -9 cannot show it: what the kernel was given outlives a process, but not a loss of power.
"""

import time
from http.client import HTTPConnection

import pytest

from tests.faults.counts import FULL, ON_POSTGRESQL
from tests.faults.receiving import Receiver
from tests.faults.tracing import Strace

POSTS = 50
FAULTS = ["no_sync"] if ON_POSTGRESQL or not FULL else ["no_sync", "sync_at_checkpoints"]


def synced(folder, ground, posts, mutant=""):
    """Return how many of that many posts were answered after a sync of their own."""
    with Receiver(folder, ground, mutant=mutant) as receiver:
        writers = ground.cluster.pids if ground.cluster else [receiver.worker]
        trace = Strace(writers, receiver.folder / "trace", "-e", "trace=fsync,fdatasync")
        headers = {"Authorization": f"Bearer {receiver.token()}"}
        connection = HTTPConnection(*receiver.address, timeout=30)
        with trace:
            spans = [span(connection, headers) for _ in range(posts)]
        connection.close()
    syncs = trace.syncs("/pg_wal/" if ground.cluster else "db.sqlite3-wal")
    return sum(any(began <= at <= ended for at in syncs) for began, ended in spans)


def span(connection, headers):
    """Post once; return when it was sent and when its 200 was there."""
    began = time.time()
    connection.request("POST", "/receive", b"Hello", headers)
    with connection.getresponse() as answer:
        answer.read()
        ended = time.time()
    assert answer.status == 200
    return began, ended


def test_an_answer_comes_after_the_sync(tmp_path, ground, tell):
    found = synced(tmp_path, ground, POSTS)
    tell(f"{POSTS} posts under strace: {found} answered after a sync of the log")
    assert found == POSTS


@pytest.mark.parametrize("mutant", FAULTS)
def test_a_database_that_does_not_sync_is_found_out(tmp_path, ground, mutant):
    assert synced(tmp_path, ground, 20, mutant) < 20
