"""The receiver while its store is away, or while it is told to stop: nothing answered is lost."""

import re
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest

from tests.processes import eventually
from tests.receiver.server import Server, received

REQUEST = (
    b"POST /receive HTTP/1.1\r\nHost: localhost\r\nX-CloudTasks-TaskName: %s\r\n"
    b"Content-Length: 4\r\n\r\nbody"
)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def server(started):
    """A running server, which the test may stop."""
    yield started
    if not started.process.running:
        started.start()


@contextmanager
def locked(server):
    """Hold what the receiver needs in order to write."""
    if server.database.url:
        with psycopg.connect(server.database.url) as connection:
            connection.execute("LOCK TABLE receiver_event IN ACCESS EXCLUSIVE MODE")
            yield
    else:
        with closing(sqlite3.connect(server.folder / "db.sqlite3")) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.rollback()


def deliver(server, name=b"t"):
    return server.speak(REQUEST % name)


def test_a_locked_store_is_503_and_heals(server):
    assert deliver(server).startswith(b"HTTP/1.1 200")
    with locked(server):
        answer = deliver(server).lower()
        assert answer.startswith(b"http/1.1 503 ")
        assert b"retry-after: 5\r\n" in answer
        with server.connect() as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert received(connection).startswith(b"HTTP/1.1 200")
    eventually(lambda: deliver(server).startswith(b"HTTP/1.1 200"), 5)


def test_a_lost_connection_costs_no_delivery(server):
    if not server.database.url:
        pytest.skip("SQLite has no connection to lose")
    before = server.last_id()
    for _ in range(3):
        assert deliver(server).startswith(b"HTTP/1.1 200")
        server.database.disconnect()
    assert deliver(server).startswith(b"HTTP/1.1 200")
    kept = server.rows("SELECT count(*) FROM receiver_event WHERE id > ?", [before])
    assert kept == [(4,)]


def test_a_database_that_went_away_is_503_and_heals(server):
    if not server.database.url:
        pytest.skip("SQLite's file does not go away")
    assert deliver(server).startswith(b"HTTP/1.1 200")
    server.database.admit(False)
    assert deliver(server).startswith(b"HTTP/1.1 503")
    server.database.admit(True)
    eventually(lambda: deliver(server).startswith(b"HTTP/1.1 200"), 5)


class Load(threading.Thread):
    """Delivers numbered tasks until it is told to end; keeps what was answered 200."""

    def __init__(self, server, label):
        super().__init__(daemon=True)
        self.server, self.label, self.acknowledged = server, label, set()
        self.told = threading.Event()

    def run(self):
        number = 0
        while not self.told.is_set():
            number += 1
            name = b"%s-%d" % (self.label, number)
            answer = b""
            with self.server.connect() as connection, suppress(OSError):
                connection.sendall(REQUEST % name)
                answer = received(connection)
            if answer.startswith(b"HTTP/1.1 200") and answer.endswith(b".\n"):
                self.acknowledged.add(name.decode())


def test_sigterm_under_load_loses_nothing_that_was_answered(server):
    idle = server.connect()
    idle.sendall(REQUEST % b"idle")
    assert received(idle).startswith(b"HTTP/1.1 200")
    loads = [Load(server, b"%d" % number) for number in range(4)]
    for load in loads:
        load.start()
    eventually(lambda: all(len(load.acknowledged) > 5 for load in loads))
    began = time.monotonic()
    assert server.process.stop() == 0
    assert time.monotonic() - began < 8
    output = server.process.output
    idle.close()
    server.start()  # who connected meanwhile is served by the next
    for load in loads:
        load.told.set()
        load.join(30)
    acknowledged = set().union(*(load.acknowledged for load in loads))
    kept = {name for (name,) in server.rows("SELECT task FROM receiver_event")}
    assert acknowledged <= kept
    assert "Traceback" not in output


def test_a_request_under_way_is_answered_before_the_end(server):
    with server.connect() as connection:
        request = REQUEST % b"slow"
        connection.sendall(request[:-2])
        # What is sent later is accepted later, so that the first is being read by now.
        assert deliver(server).startswith(b"HTTP/1.1 200")
        stopping = threading.Thread(target=server.process.stop)
        stopping.start()
        eventually(lambda: not accepts(server))
        connection.sendall(request[-2:])
        answer = received(connection)
        stopping.join()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer.lower()
    assert server.process.wait() == 0
    found = re.search(rb"event (\d+)\.", answer)[1]
    assert server.event(found)["body"] == b"body"


def accepts(server):
    """Say whether a request is still answered."""
    try:
        with server.connect() as connection:
            connection.settimeout(0.3)
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return bool(connection.recv(100))
    except OSError:
        return False
