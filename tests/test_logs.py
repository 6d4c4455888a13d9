"""The log line in the cloud: one JSON object, whatever the body says, that Cloud Logging takes."""

import io
import json
import logging

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from config.logs import Handler, JsonFormatter, PlainFormatter
from receiver.checks import MOST_LOG_BODY_BYTES
from receiver.models import Event
from receiver.recorder import write_line

TRACE = "0af7651916cd43dd8448eb211c80319c"
LINE = "Event Display received event: "
# Cloud Logging drops what is longer.
MOST = 256 * 1024


def lines(caplog, body, **fields):
    """Return the line of an event in both formats."""
    caplog.set_level(logging.INFO, "receiver")
    caplog.clear()
    write_line(Event(pk=7, body=body, body_size=len(body), **fields))
    (record,) = caplog.records
    return PlainFormatter().format(record), JsonFormatter().format(record)


def test_the_line_of_an_event(caplog):
    plain, entry = lines(caplog, b"Hello", queue="default", task="t-1", trace=TRACE)
    assert plain == f"{LINE}Hello"
    assert json.loads(entry) == {
        "severity": "INFO",
        "message": f"{LINE}Hello",
        "event_id": 7,
        "queue": "default",
        "task": "t-1",
        "body_size": 5,
        "logging.googleapis.com/trace": f"projects/demo/traces/{TRACE}",
    }


def test_the_line_names_the_reply_that_answered(caplog):
    _, entry = lines(caplog, b"", status=503, reply_name='Fail "now"\n')
    assert json.loads(entry)["reply"] == 'Fail "now"\n'
    assert json.loads(entry)["status"] == 503
    assert "\n" not in entry


@pytest.fixture
def in_cloud(settings):
    settings.IN_CLOUD = True
    settings.RECEIVER_URL = "https://tasks.example.com/receive"


def test_the_line_in_the_cloud_shows_the_request_as_well(caplog, in_cloud):
    event = {"method": "POST", "path": "/receive/a", "query": "x=1", "status": 503}
    _, entry = lines(caplog, b"Hello", took_us=1500, **event)
    assert json.loads(entry)["httpRequest"] == {
        "requestMethod": "POST",
        "requestUrl": "https://tasks.example.com/receive/a?x=1",
        "requestSize": "5",
        "status": 503,
        "latency": "0.001500s",
    }


def test_a_dropped_connection_has_no_status(caplog, in_cloud):
    _, entry = lines(caplog, b"", method="PUT", path="/", status=0)
    shown = json.loads(entry)["httpRequest"]
    assert shown == {
        "requestMethod": "PUT",
        "requestUrl": "https://tasks.example.com/",
        "requestSize": "0",
    }


def record(level=logging.ERROR, **more):
    made = logging.LogRecord("django.request", level, "views.py", 1, "%s: %s", ("a", "b"), None)
    made.__dict__.update(more)
    return made


def test_a_page_s_trouble_names_its_request_and_trace(rf):
    request = rf.get(
        "/events/?secret=1", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    )
    entry = json.loads(JsonFormatter().format(record(request=request, status_code=500)))
    assert entry == {
        "severity": "ERROR",
        "message": "a: b",
        "logger": "django.request",
        "httpRequest": {"requestMethod": "GET", "requestUrl": "/events/", "status": 500},
        "logging.googleapis.com/trace": f"projects/demo/traces/{TRACE}",
    }


def test_a_trouble_without_a_request_is_as_it_was():
    entry = json.loads(JsonFormatter().format(record(request=object())))
    assert set(entry) == {"severity", "message", "logger"}


FORGED = b'{"severity":"EMERGENCY","logging.googleapis.com/trace":"x","message":"forged"}'


@how(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=500))
@example(FORGED)
@example(b'"}\n{"severity":"ALERT","message":"forged"}')
@example("\u2028\u2029\x85\u202e\x1b[2J\r\n\0".encode())
@example(b"\xff\xed\xa0\x80")
def test_any_body_is_one_line_and_one_value(caplog, body):
    plain, entry = lines(caplog, body)
    assert len(plain.splitlines()) == 1
    assert entry.isascii()
    assert len(entry.splitlines()) == 1
    found = json.loads(entry)
    assert (found["severity"], found["event_id"], found["body_size"]) == ("INFO", 7, len(body))
    assert found["message"] == plain
    assert plain.startswith(LINE)
    assert set(found) == {"severity", "message", "event_id", "queue", "task", "body_size"}


@pytest.mark.parametrize("unit", [b"\0", b"\xff", b'"', b"\\", "\u2028".encode(), "💚".encode()])
def test_the_longest_line_is_one_that_cloud_logging_takes(caplog, settings, unit):
    settings.LOG_BODY_BYTES = MOST_LOG_BODY_BYTES
    settings.IN_CLOUD = True
    body = unit * (10 * 1024 * 1024 // len(unit))
    long = {"method": "M" * 20, "path": "\u202e" * 2083, "query": '"' * 16384, "took_us": 2**31}
    plain, entry = lines(caplog, body, queue="q" * 100, task="t" * 500, trace=TRACE, **long)
    assert len(entry) < MOST
    assert plain.endswith(f"... ({len(body)} bytes)")


def test_lines_of_events_are_written_together_and_others_at_once():
    written = []

    class Stream(io.StringIO):
        def flush(self):
            written.append(self.getvalue())

    handler = Handler(Stream())
    handler.setFormatter(PlainFormatter())
    for name in ("receiver.events", "receiver.events", "receiver.trouble"):
        handler.handle(logging.makeLogRecord({"name": name, "msg": name, "levelname": "INFO"}))
    assert written == ["receiver.events\n" * 2 + "INFO receiver.trouble: receiver.trouble\n"]
    handler.handle(logging.makeLogRecord({"name": "receiver.events", "msg": "last"}))
    handler.flush()
    assert written[1].endswith("last\n")


def test_a_stream_that_is_closed_raises_nothing(monkeypatch, capsys):
    handler = Handler(io.StringIO())
    handler.stream.close()
    handler.handle(logging.makeLogRecord({"name": "receiver.events", "msg": "x"}))
    assert "ValueError" in capsys.readouterr().err
