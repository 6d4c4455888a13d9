"""Export: everything that matches, exact as NDJSON, safe for a spreadsheet as CSV."""

import base64
import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import event_export, event_pages
from receiver.models import Event
from tests.dashboard.conftest import allow, make_event

pytestmark = pytest.mark.django_db


def lines(client, query=""):
    answer = client.get(f"/events/export/ndjson/?{query}")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.getvalue().decode().splitlines()]


def table(client, query=""):
    answer = client.get(f"/events/export/csv/?{query}")
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))


def test_ndjson_is_exact(admin_client):
    text = make_event("text", body='{"a": "naïve\u202e\\u0000"}\r\n'.encode(), took_us=5)
    raw = make_event("raw", body=b"\x00\xff", headers=[["X", "1"], ["X", "2"]], reply_name="rule")
    first, second = lines(admin_client)
    assert first["id"] == raw.pk
    assert base64.b64decode(first["body_base64"]) == b"\x00\xff"
    assert "body" not in first
    assert first["headers"] == [["X", "1"], ["X", "2"]]
    assert (first["reply_name"], first["eta"]) == ("rule", None)
    assert second["body"].encode() == text.body
    assert second["received_at"] == text.received_at.isoformat()
    assert (second["took_us"], second["status"], second["task"]) == (5, 200, "text")
    assert set(event_export.COLUMNS) | {"body"} == set(second)


@pytest.mark.parametrize("microsecond", [0, 7, 120_000])
def test_an_instant_is_written_as_python_writes_it(admin_client, microsecond):
    instant = datetime(2026, 3, 29, 1, 2, 3, microsecond, UTC)
    make_event("due", received_at=instant, eta=instant)
    (row,), (cells,) = lines(admin_client), table(admin_client)
    assert row["received_at"] == row["eta"] == instant.isoformat()
    assert cells["received_at"] == cells["eta"] == instant.isoformat()


def test_the_file_is_never_shown_in_place(admin_client):
    answer = admin_client.get("/events/export/csv/")
    assert answer["Content-Disposition"].startswith('attachment; filename="events-')
    assert answer["Content-Disposition"].endswith('.csv"')
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.streaming


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", " =", "\uff1d", "\uff20"])
def test_no_cell_is_a_formula(admin_client, sign):
    make_event(f"{sign}1+1", body=f'{sign}HYPERLINK("http://x")'.encode(), path=f"{sign}p")
    (row,) = table(admin_client)
    assert row["task"] == f"'{sign}1+1"
    assert row["body"] == f'\'{sign}HYPERLINK("http://x")'
    assert row["path"] == f"'{sign}p"


def test_csv_keeps_lines_quotes_and_bytes_in_their_cell(admin_client):
    make_event("a", body=b'one,"two"\nthree', retry_count=2)
    make_event("b", body=b"\x00\xff")
    second, first = table(admin_client)
    assert first["body"] == 'one,"two"\nthree'
    assert second["body"] == r"\x00\xff"
    assert (first["retry_count"], first["eta"]) == ("2", "")
    assert json.loads(first["headers"])[0] == ["Host", "localhost"]


@pytest.mark.parametrize("query", ["", "q=needle", "q=status:200", "q=needle&queue=default"])
def test_everything_that_matches_comes_chunk_by_chunk(admin_client, monkeypatch, query):
    for module, name, value in [
        (event_export, "CHUNK", 7),
        (event_pages, "SCAN", 9),
        (event_pages, "MANY", 5),
    ]:
        monkeypatch.setattr(module, name, value)
    Event.objects.bulk_create(
        Event(body=b"needle", queue="default", headers=[], received_at=datetime.now(UTC))
        for _ in range(40)
    )
    every = list(Event.objects.order_by("-pk").values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as queries:
        assert [row["id"] for row in lines(admin_client, query)] == every
    assert "OFFSET" not in str(queries.captured_queries)
    make_event("other", body=b"else", queue="other", status=500)
    assert len(table(admin_client, query)) == (40 if query else 41)


def test_bodies_are_for_those_who_may_see_them(client, newcomer):
    make_event(body=b"secret")
    assert client.get("/events/export/csv/").status_code == 403
    allow(newcomer, "receiver.view_event")
    assert "body" not in table(client)[0]
    assert "body" not in lines(client)[0]
    assert b"secret" not in client.get("/events/export/csv/").getvalue()
    said = [entry.change_message for entry in LogEntry.objects.all()]
    assert said[-1] == "Exported as csv, without bodies: all events."


def test_an_export_is_in_the_log_with_what_was_asked(admin_client):
    lines(admin_client, "queue=emails&q=status:5xx+word")
    said = LogEntry.objects.get().change_message
    assert said == "Exported as ndjson, with bodies: queue=emails&q=status:5xx word."


def test_what_cannot_be_read_is_said_on_the_list(admin_client):
    answer = admin_client.get("/events/export/csv/?q=status:9xx", follow=True)
    assert "9xx is no status." in answer.content.decode()
    assert admin_client.get("/events/export/xml/").status_code == 404
    assert admin_client.post("/events/export/csv/").status_code == 405
