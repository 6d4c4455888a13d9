"""One request, sent by the sender itself: the sentences that say why there was no answer."""

import asyncio
import contextlib
import socket
import threading
from datetime import timedelta

import pytest

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


def test_each_attempt_has_a_connection_of_its_own(key, target):
    async def main():
        sender = Sender(Targets(), Minter(key, "http://issuer"))
        try:
            return [await sender.send(order(target.url)) for _ in range(2)], kept(sender)
        finally:
            await sender.close()

    def kept(sender):
        return sum(map(len, sender._session.connector._conns.values()))

    answers, left = asyncio.run(main())
    assert [answer.status for answer in answers] == [200, 200]
    assert left == 0


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
