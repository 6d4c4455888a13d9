"""One request, sent by the sender itself: the sentences that say why there was no answer."""

import asyncio
import contextlib
import socket
import socketserver
import threading
import time
from datetime import timedelta

import pytest
import uvloop

from emulator.connections import SHORTEST_REST
from emulator.headers import request_headers
from emulator.sender import Answer, Sender
from emulator.targets import Targets
from emulator.tokens import Minter, SigningKey
from emulator.work import Order
from tests.emulator.conftest import NOW


def order(url, **fields):
    defaults = {
        "attempt": 1,
        "task": 1,
        "queue_id": "q",
        "task_id": "t",
        "method": "POST",
        "headers": {"User-Agent": "Google-Cloud-Tasks"},
        "body": b"",
        "credentials": None,
        "deadline": timedelta(seconds=5),
        "schedule_time": NOW,
        "dispatch_time": NOW,
        "retry_count": 0,
        "execution_count": 0,
        "previous_response": None,
        "forced": False,
    }
    return Order(url=url, **(defaults | fields))


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return SigningKey.kept(tmp_path_factory.mktemp("key") / "key.pem")


def send(key, an_order, sending=None):
    async def main():
        sender = Sender(Targets(), Minter(key, "http://issuer"), sending)
        try:
            return await sender.send(an_order)
        finally:
            await sender.close()

    return asyncio.run(main())


def test_an_answer_is_kept_whole(key, target):
    target.headers, target.body = {"X-Answer": "yes"}, b"\x00\xff"
    answer = send(key, order(target.url))
    assert (answer.status, answer.body, answer.error) == (200, b"\x00\xff", "")
    assert ("X-Answer", "yes") in answer.headers


def test_a_long_answer_is_cut_at_64_kib(key, target):
    target.body = b"x" * 200_000
    assert send(key, order(target.url)).body == b"x" * 65536


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:9/", "Could not connect: Connection refused."),
        (
            "http://127.0.0.1:9/%zz",
            "The request cannot be made: it holds a % that starts no ",
        ),
        ("http://127.0.0.1:x/", "The URL cannot be read: "),
        (
            "http://10.9.8.7/",
            "Requests to 10.9.8.7 are not sent: the emulator sends to this machine and to the "
            "hosts in EMULATOR_TARGETS.",
        ),
        ("http://169.254.169.254/", "Requests to 169.254.169.254 are never sent: "),
        ("http://0xa9fea9fe/", "Requests to 169.254.169.254 are never sent: "),
    ],
)
def test_why_nothing_was_sent(key, url, error):
    answer = send(key, order(url))
    assert answer.status is None
    assert not answer.succeeded
    assert answer.error.startswith(error)
    assert answer.error.endswith(".")


@pytest.fixture
def silent():
    """A listener that closes every connection without an answer, and the list of what it read."""
    got = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        got.append(connection.recv(65536))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", got
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_an_attempt_is_one_request(key, silent, method):
    url, got = silent
    answer = send(key, order(url, method=method))
    assert answer.error == "The target closed the connection without an answer."
    assert [each.split()[0].decode() for each in got] == [method]


@pytest.fixture
def answering():
    """Start a target that counts its connections and, if told to, closes after each answer."""
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(Answering(**how))


class Answering(socketserver.ThreadingTCPServer):
    """Answers 200 on every connection; one that `closes` does not say so before.

    What is `added` comes right behind each answer.
    """

    daemon_threads = True

    def __init__(self, closes=False, added=b""):
        super().__init__(("127.0.0.1", 0), Answers)
        self.closes, self.added, self.connections = closes, added, 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *exc):
        self.shutdown()
        super().__exit__(*exc)


class Answers(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.connections += 1
        while self.request.recv(65536):
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            self.request.sendall(answer + self.server.added)
            if self.server.closes:
                return


def send_in_turn(key, url, count, between, loop=asyncio.new_event_loop):
    """Send so many requests, with the coroutine function `between` awaited after each."""

    async def main():
        sender = Sender(Targets(), Minter(key, "http://issuer"))
        statuses = []
        try:
            for _ in range(count):
                statuses.append((await sender.send(order(url))).status)
                await between(sender._connections)
            return statuses
        finally:
            await sender.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())


async def at_once(connections):
    """Let the next one follow immediately."""


async def rested(connections):
    """Wait until a connection may be used again, or is gone."""
    async with asyncio.timeout(10):
        while any(tired(each) for resting in connections._resting.values() for each in resting):
            await asyncio.sleep(0.001)


def tired(exchange):
    return exchange.usable and not exchange.rested


def test_a_close_without_notice_uses_up_no_attempt(key, answering):
    target = answering(closes=True)
    assert send_in_turn(key, target.url, 30, at_once) == [200] * 30
    assert target.connections == 30


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_nor_does_one_that_came_while_the_loop_was_held_up(key, answering, loop):
    async def held_up(connections):
        time.sleep(2 * SHORTEST_REST)  # noqa: ASYNC251  as on a busy machine

    async def held_up_longer(connections):
        await held_up(connections)
        await asyncio.sleep(0)
        await held_up(connections)

    for between in (held_up, held_up_longer):
        target = answering(closes=True)
        assert send_in_turn(key, target.url, 10, between, loop) == [200] * 10
        assert target.connections == 10


def test_a_connection_that_has_rested_is_used_again(key, answering):
    target = answering(closes=False)
    assert send_in_turn(key, target.url, 5, rested) == [200] * 5
    assert target.connections == 1


def test_a_connection_that_was_closed_while_it_rested_is_not(key, answering):
    target = answering(closes=True)
    assert send_in_turn(key, target.url, 5, rested) == [200] * 5
    assert target.connections == 5


@pytest.mark.parametrize(
    "added", [b"HTTP/1.1 200 OK\r\nX-Half: ", b"HTTP/1.1 200 OK\r\n\r\n", b"nothing known"]
)
def test_what_comes_behind_an_answer_is_no_part_of_the_next(key, answering, added):
    target = answering(added=added)
    assert send_in_turn(key, target.url, 3, rested) == [200] * 3
    assert target.connections == 3


def test_a_deadline_is_named(key, target):
    target.otherwise = (200, 0.5)
    answer = send(key, order(target.url, deadline=timedelta(seconds=0.2)))
    assert answer.error == "No answer within the dispatch deadline of 0.2 s."


def test_a_header_that_cannot_be_sent_is_a_failure(key, target):
    answer = send(key, order(target.url, headers={"A": "b\r\nC: d"}))
    assert answer.error.startswith("The request cannot be made: ")
    assert target.requests == []


@pytest.mark.parametrize(
    ("status", "succeeded"),
    [
        (200, True),
        (204, True),
        (299, True),
        (199, False),
        (304, False),
        (400, False),
        (None, False),
    ],
)
def test_only_2xx_is_success(status, succeeded):
    assert Answer(status).succeeded is succeeded


@pytest.mark.parametrize(("previous", "says"), [(503, "503"), (0, "504"), (None, None)])
def test_a_retry_says_what_came_before_if_anything_did(previous, says):
    headers = request_headers(order("http://h/", retry_count=2, previous_response=previous))
    assert headers.get("X-CloudTasks-TaskPreviousResponse") == says
    assert headers["X-CloudTasks-TaskRetryReason"] == ""
