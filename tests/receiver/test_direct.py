"""The short way of a delivery: which requests take it, and what becomes of them there."""

import asyncio
import re

import pytest

from receiver import answers, environ
from receiver.answers import Answer
from receiver.delivery import Delivery
from receiver.direct import LARGEST_BODY, Direct
from receiver.front import Front
from receiver.headers import header_list
from receiver.refusals import Reason
from tests.receiver.connection import request, speak


class Committer:
    """Stores deliveries in a list, and says so at once; or raises what it is told to."""

    def __init__(self):
        self.kept, self.refused, self.answer, self.error = [], [], None, None

    def give(self, delivery: Delivery, done):
        if self.error:
            raise self.error
        self.kept.append(delivery)
        delivery.event.pk, delivery.answer = len(self.kept), self.answer
        asyncio.get_running_loop().call_soon(done, None)

    def count(self, environ, refused):
        self.refused.append(refused.reason)


class Application:
    """A front whose usual way only says that it was taken."""

    def __init__(self):
        self.committer = Committer()
        self.at_once = Direct(self.committer, alone=False)

    async def __call__(self, scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": b"usual"})


@pytest.fixture(autouse=True)
def no_caller(settings):
    settings.RECEIVER_AUTH = "off"


@pytest.mark.parametrize(
    "sent",
    [
        request(),
        request(b"", length=False),
        request(method=b"PUT", path=b"/receive/a%20b?c=d"),
        request(path=b"/"),
        request(b"x" * LARGEST_BODY),
    ],
)
def test_a_delivery_takes_the_short_way(sent):
    application = Application()
    said = speak(application, sent)
    assert said.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n")
    assert b"\r\ncontent-length: 19\r\n" in said
    assert said.endswith(b"\r\n\r\nStored as event 1.\n")
    (delivery,) = application.committer.kept
    assert delivery.body == sent.partition(b"\r\n\r\n")[2]
    assert delivery.event.path.encode() in sent


@pytest.mark.parametrize(
    "sent",
    [
        request(method=b"HEAD"),
        request(b"5\r\nHello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked", length=False),
        request(b"Hello", b"Expect: 100-continue"),
        request(b"Hello", b"Connection: upgrade", b"Upgrade: websocket"),
        request(b"x" * (LARGEST_BODY + 1)),
        request(path=b"/events/"),
        request(method=b"GET", path=b"/"),
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request().replace(b"localhost", b"elsewhere"),
    ],
)
def test_whatever_is_unusual_takes_the_usual_way(sent):
    application = Application()
    assert b" 202 " in speak(application, sent)
    assert not application.committer.kept


def test_refusals_take_the_usual_way(settings):
    settings.RECEIVER_AUTH = "verify"
    application = Application()
    assert b" 202 " in speak(application, request())
    assert b" 202 " in speak(application, request(b"", b"Authorization: Bearer a.b.c"))


def test_the_front_offers_the_short_way():
    front = Front(Application(), alone=False)
    assert isinstance(front.at_once, Direct)


@pytest.mark.parametrize("at", [10, 60, -1])
def test_a_delivery_in_pieces_is_one(at):
    application, sent = Application(), request(b"0123456789")
    assert b"Stored as event 1." in speak(application, sent[:at], sent[at:])
    assert application.committer.kept[0].body == b"0123456789"


def test_those_who_come_together_are_answered_in_turn():
    application = Application()
    said = speak(application, request(b"1") + request(b"2", path=b"/events/") + request(b"3"))
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"202", b"202"]


def test_a_body_that_ends_early_is_refused_and_counted():
    application = Application()
    said = speak(application, request(b"0123456789")[:-1])
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in said
    assert application.committer.refused == [Reason.TRUNCATED]
    assert not application.committer.kept


def test_a_body_that_is_never_sent_is_cut_off():
    application = Application()
    assert speak(application, request(b"0123456789")[:-1], end=False).startswith(b"HTTP/1.1 400 ")
    assert application.committer.refused == [Reason.TRUNCATED]


@pytest.mark.parametrize("status", [200, 204, 205, 304, 599])
def test_a_rule_s_answer_keeps_the_connection_in_step(status):
    application = Application()
    application.committer.answer = Answer(status, b"", (("Retry-After", "7"),))
    said = speak(application, request(), request())
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"%d" % status] * 2
    assert said.count(b"retry-after: 7\r\n") == 2
    assert said.count(b"content-length: 0\r\n") == (0 if status in (204, 304) else 2)


def test_a_rule_may_answer_late_or_not_at_all():
    application = Application()
    application.committer.answer = Answer(503, b"late", (), delay=0.05)
    said = speak(application, request())
    assert said.startswith(b"HTTP/1.1 503 ")
    assert said.endswith(b"\r\n\r\nlate")
    application.committer.answer = Answer(200, b"", (), drop=True)
    assert speak(application, request()) == b""


def test_a_mistake_of_ours_is_500(caplog):
    application = Application()
    application.committer.error = ZeroDivisionError()
    said = speak(application, request())
    assert said.startswith(b"HTTP/1.1 500 ")
    assert b"connection: close" in said
    assert "ZeroDivisionError" in caplog.text


def test_without_room_it_is_503():
    from receiver.committer import Busy

    application = Application()
    application.committer.error = Busy()
    said = speak(application, request())
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5\r\n" in said
    assert said.endswith(answers.STORE_AWAY.body)


def scope(*headers):
    return {
        "method": "POST",
        "path": "/receive",
        "raw_path": b"/receive",
        "query_string": b"",
        "headers": list(headers),
    }


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr(environ, "_kept", {})
    return environ._kept


def test_what_comes_again_is_read_once_and_secrets_are_not_kept(kept):
    headers = [
        (b"user-agent", b"Google-Cloud-Tasks"),
        (b"authorization", b"Bearer s3cret"),
        (b"x-api-key", b"s3cret"),
        (b"referer", b"http://x/?token=s3cret"),
        (b"x-cloudtasks-taskname", b"1"),
        (b"x-long", b"x" * 300),
        (b"x-odd", b"\xff"),
        (b"content-type", b""),
    ]
    first, again = (environ.environ_of(scope(*headers)) for _ in range(2))
    assert first == again
    assert list(kept) == [(b"user-agent", b"Google-Cloud-Tasks")]
    assert "s3cret" not in str(header_list(first))
    slow = {key: value for key, value in first.items() if not key.startswith("receiver.")}
    assert header_list(first) == header_list(slow)


def test_a_header_that_comes_twice_is_one(kept):
    found = environ.environ_of(scope((b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")))
    assert found["HTTP_X_A"] == "1,3"
    assert header_list(found) == [("X-A", "1,3"), ("X-B", "2")]


def test_no_more_is_kept_than_there_is_room_for(kept, monkeypatch):
    monkeypatch.setattr(environ, "_MOST_KEPT", 2)
    for number in range(5):
        assert environ.environ_of(scope((b"x-a", b"%d" % number)))["HTTP_X_A"] == str(number)
    assert len(kept) <= 2
