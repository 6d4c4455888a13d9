"""What an admitted request becomes: a row, a log line, an answer."""

import hashlib
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection
from django.test import RequestFactory
from django.utils import timezone

from receiver import recorder, rows
from receiver.models import Event, Refusal
from receiver.views import is_delivery, receive
from tests.receiver.issuer import ACCOUNT, AUDIENCE

pytestmark = pytest.mark.django_db


def test_it_stores_logs_and_answers_a_delivery(client, issuer, caplog):
    caplog.set_level(logging.INFO, "receiver")
    token = issuer.token()
    body = '{\n "hello": "Wörld"}\n'.encode()
    answer = client.post(
        "/receive/orders?shard=7&token=s3cret",
        body,
        content_type="application/json",
        headers={
            "Authorization": f"Bearer {token}",
            "User-Agent": "Google-Cloud-Tasks",
            "X-CloudTasks-QueueName": "default",
            "X-CloudTasks-TaskName": "task-1",
            "X-CloudTasks-TaskRetryCount": "3",
            "X-CloudTasks-TaskExecutionCount": "2",
            "X-CloudTasks-TaskETA": "1666670855.3296249",
            "X-CloudTasks-TaskPreviousResponse": "503",
            "X-CloudTasks-TaskRetryReason": "",
            "X-Cloud-Trace-Context": f"{'ab' * 16}/1;o=1",
        },
    )

    event = Event.objects.get()
    assert answer.status_code == 200
    assert answer.content == f"Stored as event {event.pk}.\n".encode()
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert not answer.cookies

    assert abs(event.received_at - timezone.now()) < timedelta(seconds=10)
    assert event.source == Event.Source.CLOUD_TASKS
    assert (event.queue, event.task) == ("default", "task-1")
    assert (event.retry_count, event.attempt, event.execution_count) == (3, 4, 2)
    assert event.eta == datetime(2022, 10, 25, 4, 7, 35, 329625, tzinfo=UTC)
    assert event.lateness > 0
    assert (event.previous_response, event.retry_reason) == (503, "")
    assert (event.method, event.path) == ("POST", "/receive/orders")
    digest = hashlib.sha256(b"s3cret").hexdigest()[:8]
    assert event.query == f"shard=7&token=<masked, sha256 {digest}>"
    headers = dict(event.headers)
    token_digest = hashlib.sha256(token.encode()).hexdigest()[:8]
    assert headers["Authorization"] == f"Bearer <masked, sha256 {token_digest}>"
    assert headers["X-CloudTasks-TaskName"] == "task-1"
    assert headers["X-CloudTasks-TaskRetryReason"] == ""
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))
    assert token not in str(event.headers)
    assert event.content_type == "application/json"
    assert bytes(event.body) == body
    assert event.body_size == len(body)
    assert event.preview == '{ "hello": "Wörld"}'
    assert event.caller_account == ACCOUNT
    assert event.caller_audience == AUDIENCE
    assert event.caller_check == Event.Check.VERIFIED
    assert (event.status, event.outcome) == (200, Event.Outcome.SUCCEEDED)
    assert 0 < event.took_us < 10_000_000
    assert event.trace == "ab" * 16

    (line,) = [record for record in caplog.records if record.name == "receiver.events"]
    assert line.levelno == logging.INFO
    assert line.getMessage() == (r'Event Display received event: {\x0a "hello": "Wörld"}\x0a')
    assert line.fields == {
        "event_id": event.pk,
        "queue": "default",
        "task": "task-1",
        "body_size": len(body),
        "logging.googleapis.com/trace": f"projects/demo/traces/{'ab' * 16}",
    }
    assert not Refusal.objects.exists()
    assert issuer.fetches == 1


def test_the_tutorials_line(deliver, caplog):
    caplog.set_level(logging.INFO, "receiver")
    assert deliver(path="/", body=b"Hello World from Cloud Tasks").status_code == 200
    assert "Event Display received event: Hello World from Cloud Tasks" in caplog.messages


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/receive", "/receive/", "/receive/a/b", "/receive//"])
def test_every_method_and_path_is_recorded_never_redirected(open_receiver, client, method, path):
    assert client.generic(method, path).status_code == 200
    event = Event.objects.get()
    assert (event.method, event.path) == (method, path)


def test_an_unheard_of_method_is_recorded(open_receiver, client):
    assert client.generic("FOOBAR", "/receive", b"x").status_code == 200
    assert Event.objects.get().method == "FOOBAR"


def test_a_conditional_get_is_never_304(open_receiver, client):
    headers = {"If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT", "If-None-Match": "*"}
    assert client.get("/receive", headers=headers).status_code == 200


def test_the_same_delivery_twice_is_two_events(deliver):
    name = {"X-CloudTasks-TaskName": "same"}
    assert deliver(**name).status_code == deliver(**name).status_code == 200
    assert Event.objects.of_task("", "same").count() == 2


def test_a_multipart_form_keeps_its_bytes(open_receiver, client):
    body = b"--x\r\nbroken multipart"
    answer = client.post("/receive", body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 200
    assert bytes(Event.objects.get().body) == body


def test_a_body_over_djangos_own_limit_is_kept(open_receiver, client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    body = bytes(range(256)) * 4096
    assert client.post("/receive", body, content_type="").status_code == 200
    assert bytes(Event.objects.get().body) == body


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("POST", {}, True),
        ("PUT", {}, True),
        ("PATCH", {}, True),
        ("DELETE", {}, True),
        ("GET", {}, False),
        ("HEAD", {}, False),
        ("OPTIONS", {}, False),
        ("GET", {"X-CloudTasks-QueueName": "q"}, True),
        ("GET", {"X-CloudScheduler": "true"}, True),
        ("GET", {"Authorization": "Bearer x.y.z"}, True),
        ("GET", {"Authorization": "Basic eDp5"}, False),
        # What a person's proxy into a private service adds.
        ("GET", {"X-Serverless-Authorization": "Bearer x.y.z"}, False),
        ("HEAD", {"X-CloudTasks-TaskName": "t"}, True),
        ("OPTIONS", {"X-CloudTasks-TaskName": "t"}, True),
        ("FOOBAR", {}, True),
    ],
)
def test_what_at_the_root_is_the_receivers(method, headers, expected):
    assert is_delivery(RequestFactory().generic(method, "/", headers=headers)) is expected


class Failing:
    """Makes the next inserts of events fail, as a database does."""

    def __init__(self, monkeypatch, *errors):
        self.errors = list(errors)
        self.insert = rows.insert
        monkeypatch.setattr(rows, "insert", self)

    def __call__(self, events):
        if self.errors:
            raise self.errors.pop(0)
        self.insert(events)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("gone")])
def test_no_database_is_503_and_never_200(deliver, monkeypatch, error, caplog):
    caplog.set_level(logging.INFO, "receiver")
    Failing(monkeypatch, error)
    answer = deliver()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer["Cache-Control"] == "no-store"
    assert not Event.objects.exists()
    assert not any("Event Display" in message for message in caplog.messages)
    assert deliver().status_code == 200


def test_what_cannot_be_stored_at_all_is_500(deliver, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "receiver")
    Failing(monkeypatch, DataError("bad"), DataError("worse"))
    assert deliver().status_code == 500
    assert not Event.objects.exists()
    assert not any("Event Display" in message for message in caplog.messages)


def test_a_database_that_goes_away_at_the_envelope_is_503(deliver, monkeypatch):
    Failing(monkeypatch, DataError("bad"), OperationalError("gone"))
    assert deliver().status_code == 503
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_envelope_keeps_the_exact_body_where_a_text_column_fails(deliver, monkeypatch):
    built = recorder.build

    def poisoned(*args):
        event = built(*args)
        event.trace = "\ud800"  # neither database takes it
        return event

    monkeypatch.setattr(recorder, "build", poisoned)
    assert deliver(body=b"\x00kept", **{"X-CloudTasks-TaskName": "t"}).status_code == 200
    event = Event.objects.get()
    assert bytes(event.body) == b"\x00kept"
    assert (event.task, event.method, event.headers) == ("t", "POST", [])
    assert event.caller_check == Event.Check.VERIFIED


def test_a_mistake_of_ours_in_reading_labels_loses_no_body(deliver, monkeypatch):
    def fail(environ):
        raise ZeroDivisionError

    monkeypatch.setattr(recorder, "labels", fail)
    assert deliver(body=b"kept").status_code == 200
    assert bytes(Event.objects.get().body) == b"kept"


@pytest.mark.django_db(transaction=True)
def test_200_comes_after_the_commit_in_autocommit(deliver, monkeypatch):
    seen = []
    answered = recorder.write_line

    def look(event):
        seen.append((connection.in_atomic_block, connection.get_autocommit()))
        answered(event)

    monkeypatch.setattr(recorder, "write_line", look)
    assert deliver().status_code == 200
    assert seen == [(False, True)]


def test_a_failing_log_changes_nothing(deliver, monkeypatch):
    def fail(*args, **kwargs):
        raise BrokenPipeError

    monkeypatch.setattr(recorder.log, "info", fail)
    assert deliver().status_code == 200
    assert Event.objects.count() == 1


def test_a_body_that_must_not_reach_the_log(deliver, settings, caplog):
    caplog.set_level(logging.INFO, "receiver")
    settings.LOG_BODY_BYTES = 0
    deliver(body=b"private")
    assert "Event Display received event: ... (7 bytes)" in caplog.messages
    assert "private" not in caplog.text


def test_a_long_body_is_cut_in_the_log_alone(deliver, settings, caplog):
    caplog.set_level(logging.INFO, "receiver")
    settings.LOG_BODY_BYTES = 5
    deliver(body=b"0123456789")
    assert "Event Display received event: 01234... (10 bytes)" in caplog.messages
    assert bytes(Event.objects.get().body) == b"0123456789"


def test_no_caller_check_believes_no_claims(client, issuer, settings):
    settings.RECEIVER_AUTH = "off"
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    assert client.post("/receive", b"", content_type="", headers=headers).status_code == 200
    event = Event.objects.get()
    assert event.caller_check == Event.Check.NONE
    assert event.caller_account == event.caller_audience == ""
    assert issuer.fetches == 0


@pytest.mark.django_db
def test_an_answer_to_head_has_no_body(open_receiver):
    # Straight from the view: the test client would cut a body off by itself.
    answer = receive(RequestFactory().head("/receive"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert Event.objects.get().method == "HEAD"
