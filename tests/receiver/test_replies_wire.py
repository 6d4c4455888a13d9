"""Replies on the wire: what a rule says is what the sender gets, however many ask at once."""

import contextlib
import http.client
import threading
import time
from collections import Counter

import pytest

from tests.processes import eventually
from tests.receiver.server import Server, received

POST = b"POST /receive HTTP/1.1\r\nHost: localhost\r\nX-CloudTasks-TaskName: %s\r\n"


# Server starts gunicorn with two processes: rules are the database's, not a process's.
@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("replies"), "--workers", "2") as running:
        yield running


def add_rule(server, task, **fields):
    """Add a rule for one task, as a program does."""
    fields = {"name": f"for {task}", "task": task} | fields
    server.manage("shell", "-c", f"from receiver.models import Reply; Reply(**{fields!r}).save()")


def deliver(server, task, body=b"Hello"):
    """Send one request; returns the raw answer, empty where there was none."""
    with server.connect() as connection:
        connection.sendall(POST % task.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return received(connection)


def events(server, task):
    columns = "body, status, outcome, reply_name"
    sql = f"SELECT {columns} FROM receiver_event WHERE task = ? ORDER BY id"  # noqa: S608
    return [(bytes(body), *rest) for body, *rest in server.rows(sql, [task])]


def test_status_headers_and_body(server):
    add_rule(server, "teapot", status=418, headers="Retry-After: 7\nX-A: b c", body="schön")
    head, _, body = deliver(server, "teapot").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 418 ")
    lines = head.lower().split(b"\r\n")
    assert {b"retry-after: 7", b"x-a: b c", b"cache-control: no-store"} <= set(lines)
    assert body == "schön".encode()
    assert events(server, "teapot") == [(b"Hello", 418, "failed", "for teapot")]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_keeps_the_connection_in_step(server, status):
    task = f"empty-{status}"
    add_rule(server, task, status=status, times=1)
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    connection.auto_open = 0  # the second goes where the first went, or fails
    connection.connect()
    for expected in (status, 200):
        connection.request("POST", "/receive", b"x", {"X-CloudTasks-TaskName": task})
        answer = connection.getresponse()
        assert answer.status == expected
        assert bool(answer.read()) is (expected == 200)
    connection.close()


def test_a_line_break_in_a_header_that_no_form_has_seen(server):
    add_rule(
        server, "split", headers="X-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 999\nX-B: 2"
    )
    answer = deliver(server, "split")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"999" not in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_a_delay_comes_before_the_answer_and_after_the_row(server):
    add_rule(server, "slow", status=200, delay=2.5)
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(POST % b"slow" + b"Content-Length: 0\r\n\r\n")
        while not events(server, "slow"):
            assert time.monotonic() - began < 2.5
        assert received(connection).startswith(b"HTTP/1.1 200 OK")
    assert time.monotonic() - began >= 2.5


def test_many_delays_hold_up_nobody(server):
    """More than any pool of threads: each waits for itself alone."""
    add_rule(server, "crowd", status=200, delay=4)
    request = POST % b"crowd" + b"Content-Length: 0\r\n\r\n"
    began = time.monotonic()
    with contextlib.ExitStack() as opened:
        crowd = [opened.enter_context(server.connect()) for _ in range(120)]
        for connection in crowd:
            connection.sendall(request)
        eventually(lambda: len(events(server, "crowd")) == 120)
        assert deliver(server, "alone").startswith(b"HTTP/1.1 200 OK")
        assert time.monotonic() - began < 4
        for connection in crowd:
            assert received(connection).startswith(b"HTTP/1.1 200 OK")
    assert time.monotonic() - began < 8


def test_an_answer_to_head_has_the_rule_s_status_and_no_body(server):
    add_rule(server, "head", status=418, body="never sent", times=1)
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    connection.auto_open = 0
    connection.connect()
    for expected in (418, 200):
        connection.request("HEAD", "/receive", headers={"X-CloudTasks-TaskName": "head"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (expected, b"")
    connection.close()


def test_a_dropped_connection_has_no_answer_and_its_event(server):
    add_rule(server, "drop", drop=True)
    assert deliver(server, "drop") == b""
    assert events(server, "drop") == [(b"Hello", 0, "failed", "for drop")]
    assert deliver(server, "other").startswith(b"HTTP/1.1 200 OK")


def test_two_processes_never_give_more_answers_than_there_are_hits(server):
    add_rule(server, "race", status=503, times=37)
    statuses, barrier = Counter(), threading.Barrier(12)

    def work():
        connection = http.client.HTTPConnection(*server.address, timeout=30)
        barrier.wait(20)
        for _ in range(10):
            connection.request("POST", "/receive", b"x", {"X-CloudTasks-TaskName": "race"})
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] += 1
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == {503: 37, 200: 83}
    sql = "SELECT status, count(*) FROM receiver_event WHERE task = 'race' GROUP BY status"
    assert dict(server.rows(sql)) == {503: 37, 200: 83}
    assert server.rows("SELECT hits FROM receiver_reply WHERE task = 'race'") == [(37,)]


def test_a_server_that_ends_does_not_wait_for_a_delay(tmp_path):
    with Server(tmp_path, "--graceful-timeout", "2") as server:
        add_rule(server, "late", delay=60)
        with server.connect() as connection:
            connection.sendall(POST % b"late" + b"Content-Length: 0\r\n\r\n")
            eventually(lambda: events(server, "late"))
            began = time.monotonic()
            assert server.process.stop() == 0
            assert time.monotonic() - began < 10
            assert received(connection) == b""
        assert "Traceback" not in server.process.output
