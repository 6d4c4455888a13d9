"""Whatever is sent is stored: any bytes, types, paths and headers, on either database."""

import json
import logging
from urllib.parse import unquote_to_bytes

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from receiver import text
from receiver.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_receiver")]

# Any bytes a WSGI server may hand over as a header's value, in the way it hands them over.
latin = st.binary(max_size=60).map(lambda data: data.decode("latin-1"))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.binary(max_size=3000),
    content_type=latin,
    path=st.binary(max_size=60),
    query=latin,
    values=st.lists(latin, max_size=5),
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS", "X"]),
)
@example(b"\x00", "\x00", b"\x00\xff", "\x00=\xff", ["\x00\xed\xa0\x80"], "POST")
@example(b'{"a":"\\u0000\\ud800"}', "application/json", b"/", "", [], "POST")
@example(b"[" * 2000, "application/json", b"%", "", [], "POST")
def test_any_request_is_stored_as_it_came(caplog, body, content_type, path, query, values, method):
    caplog.set_level(logging.INFO, "receiver")
    caplog.clear()
    answer = Client(enforce_csrf_checks=True).generic(
        method,
        "/receive",
        body,
        content_type="",
        PATH_INFO=(b"/receive/" + path).decode("latin-1"),
        QUERY_STRING=query,
        CONTENT_TYPE=content_type,
        CONTENT_LENGTH=str(len(body)),
        **{f"HTTP_X_VALUE_{number}": value for number, value in enumerate(values)},
    )
    assert answer.status_code == 200
    event = Event.objects.latest("id")
    assert bytes(event.body) == body
    assert event.body_size == len(body)
    assert event.method == method
    if path.isascii():
        assert unquote_to_bytes(event.path) == b"/receive/" + path
    assert event.content_type == text.from_wsgi(content_type)
    if "=" not in query:
        assert event.query == text.from_wsgi(query)
    headers = dict(event.headers)
    for number, value in enumerate(values):
        if "=" not in value:
            assert headers[f"X-Value-{number}"] == text.from_wsgi(value)
    lines = [record for record in caplog.records if record.name == "receiver.events"]
    assert len(lines) == 1
    assert len(lines[0].getMessage().splitlines()) == 1
    assert json.loads(json.dumps(lines[0].fields))["event_id"] == event.pk


HOSTILE = [
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\x1b[2J\r\nInjected: 1",
    "\u202e\u2028\u2066",
    "x" * 100_000,
    "9" * 100_000,
    "٣" * 600,
    "2147483648",
    "-1",
    "1e400",
    "NaN",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "%s%n",
    "../../etc/passwd",
]
PLACES = [
    "CONTENT_TYPE",
    "QUERY_STRING",
    "RAW_URI",
    "REQUEST_METHOD",
    "HTTP_USER_AGENT",
    "HTTP_AUTHORIZATION",
    "HTTP_X_CLOUDTASKS_QUEUENAME",
    "HTTP_X_CLOUDTASKS_TASKNAME",
    "HTTP_X_CLOUDTASKS_TASKRETRYCOUNT",
    "HTTP_X_CLOUDTASKS_TASKEXECUTIONCOUNT",
    "HTTP_X_CLOUDTASKS_TASKETA",
    "HTTP_X_CLOUDTASKS_TASKPREVIOUSRESPONSE",
    "HTTP_X_CLOUDTASKS_TASKRETRYREASON",
    "HTTP_X_CLOUD_TRACE_CONTEXT",
    "HTTP_TRACEPARENT",
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value[:12]))
def test_hostile_text_anywhere_poisons_nothing(client, value, caplog):
    for place in PLACES:
        answer = client.generic("POST", "/receive", b"exact", content_type="", **{place: value})
        assert answer.status_code == 200, place
        assert bytes(Event.objects.latest("id").body) == b"exact"
    # As it is, not as an envelope with nothing but the body.
    assert "envelope" not in caplog.text
    assert not Event.objects.filter(headers=[]).exists()
