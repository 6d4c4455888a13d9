"""The dry run: each row tried as it would be sent, what is wrong said beside its cause."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import batch_new, uploads
from dashboard.models import Batch, BatchRow, SentTask
from dashboard.row_check import RowCheck
from tests.dashboard.batches import ACCOUNT, FORM, URL, filled, make
from tests.dashboard.conftest import DEFAULT

pytestmark = pytest.mark.django_db


def drafts(batch):
    check = RowCheck(batch)
    rows = batch.rows.filter(state="left").order_by("number")
    return [check.draft(row.number, row.values)[0] for row in rows]


def faults(batch):
    return {row.number: row.faults for row in batch.rows.in_error()}


def test_a_csv_becomes_rows_that_are_sent_as_its_columns_say(admin_user):
    batch = make(
        user=admin_user,
        source="csv",
        pasted='city,at\n"São ""P""",2026\nBerlin,\nRome,1\n',
        url=URL + "/{{city|url}}?n={{n}}",
        headers="Content-Type: application/json\r\nX-Id: {{uuid}}",
        body='{"n": {{n}}, "city": {{city|json}}, "id": "{{uuid}}",\r\n"t": "{{time}}"}',
        zone="Europe/Berlin",
    )
    assert (batch.state, batch.total, batch.wrong, batch.good, batch.left) == (
        *(Batch.State.READY, 3, 0, 3, 3),
    )
    assert (batch.queue, batch.source, batch.columns, batch.created_by) == (
        *(DEFAULT, "csv", ["city", "at"], admin_user),
    )
    first, second, third = drafts(batch)
    key = batch.key(1)
    assert first.name == f"{DEFAULT}/tasks/{key}"
    assert len(key) == 32
    assert (first.url, second.url) == (URL + "/S%C3%A3o%20%22P%22?n=1", URL + "/Berlin?n=2")
    assert (first.method, first.account, first.audience) == (
        *("POST", ACCOUNT, "http://localhost:8080"),
    )
    assert first.headers == [("Content-Type", "application/json"), ("X-Id", batch.uuid(1))]
    body = json.loads(first.body)
    assert body["n"] == 1
    assert body["city"] == 'São "P"'
    assert body["id"] == batch.uuid(1) != batch.uuid(2)
    assert datetime.fromisoformat(body["t"]) > datetime.now(UTC) - timedelta(minutes=1)
    assert b"\r" not in first.body
    assert len({draft.name for draft in (first, second, third)}) == 3
    assert SentTask.objects.count() == 0


def test_jsonl_lines_say_what_is_theirs_and_the_form_the_rest():
    lines = [
        {"body": "{{n}} as it stands", "headers": {"A": "1"}, "name": "own"},
        {"url": "http://localhost:9/else"},
        {"queue": "other", "method": "put", "schedule-time": _ahead(1)},
    ]
    batch = make(source="jsonl", pasted="\n".join(map(json.dumps, lines)))
    own, elsewhere, other = drafts(batch)
    assert (own.body, own.headers, own.name) == (
        *(b"{{n}} as it stands", [("A", "1")], f"{DEFAULT}/tasks/own"),
    )
    assert (elsewhere.body, elsewhere.account, elsewhere.audience) == (b"row 2", "", "")
    assert (other.queue.endswith("/other"), other.method, other.account) == (True, "PUT", ACCOUNT)
    assert other.schedule_time > datetime.now(UTC)


def _ahead(hours):
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_errors_are_told_by_row_and_column_and_the_good_rows_stay():
    pasted = "url,name,when\n" + "\n".join(
        [
            f"{URL},a,",
            f"{URL},a,",
            "ftp://x,b b,yesterday",
            f"{URL},c",
            f"{URL},d,2020-01-01 00:00",
            f"{URL},e,",
        ]
    )
    batch = make(
        source="csv", pasted=pasted, url="{{url}}", name="{{name}}", schedule_time="{{when}}"
    )
    found = faults(batch)
    assert (batch.total, batch.wrong, batch.good) == (6, 4, 2)
    assert found[2] == [["name", "Row 1 has this name already, and a name is used once."]]
    assert [column for column, _ in found[3]] == ["url", "schedule_time", "name"]
    assert found[3][0] == ["url", "The URL must start with http:// or https://."]
    assert found[4] == [["", "Fields: 2; columns in the first line: 3."]]
    assert found[5] == [["schedule_time", "That is in the past: 2020-01-01 00:00:00 UTC."]]


def test_hidden_characters_of_a_row_are_kept_in_its_errors_as_any_database_takes_them():
    batch = make(source="jsonl", pasted='{"name": "a\\u0000\\ud800b", "queue": "\\ud800"}\n{}')
    assert all("\0" not in said and "\ud800" not in said for _, said in faults(batch)[1])
    assert [column for column, _ in faults(batch)[1]] == ["queue", "name"]
    assert batch.good == 1


def test_spread_over_time_each_row_is_due_later():
    batch = make(every="2", pace="minute", schedule_time=_ahead(1))
    first, second, third = (draft.schedule_time for draft in drafts(batch))
    assert third - second == second - first == timedelta(seconds=30)
    assert timedelta(minutes=59) < first - datetime.now(UTC) < timedelta(minutes=61)
    at_once = make(every="50", pace="ms", submission="2")
    assert at_once.every == 0.05
    at_once.start()
    assert drafts(at_once)[0].schedule_time == at_once.started_at
    assert drafts(at_once)[2].schedule_time == at_once.started_at + timedelta(seconds=0.1)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"count": ""}, "count", "How many tasks?"),
        ({"count": "0"}, "count", "greater than or equal to 1"),
        ({"count": "10001"}, "count", "One batch has at most 10,000 tasks."),
        ({"source": "xml"}, "source", "Select a valid choice"),
        ({"source": "csv"}, "file", "Choose a file, or paste its lines below."),
        ({"source": "csv", "pasted": "a"}, "pasted", "There is no row in it."),
        ({"source": "csv", "pasted": "a\n1", "body": "{{b}}"}, "body", "Nothing fills {{b}}"),
        ({"every": "0"}, "every", "A number above 0"),
        ({"every": "-1"}, "every", "A number above 0"),
        ({"every": "nan"}, "every", "Enter a number"),
        ({"every": "x"}, "every", "Enter a number"),
        ({"every": "0.001", "pace": "hour"}, "every", "in more than 30 days"),
        ({"pace": "year"}, "pace", "Select a valid choice"),
        ({"body": "\0"}, "body", "Null characters"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_at_its_field(fields, field, sentence):
    form = filled(**fields)
    assert sentence in form.errors[field][0]


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"url": "nowhere"}, "url", "The URL must start with"),
        ({"queue": "a b"}, "queue", "A queue's name has"),
        ({"headers": "Host: x"}, "headers", "Line 1: Host is set by Cloud Tasks itself."),
        ({"method": "GET", "body": "x"}, "body", "A GET has no body"),
        ({"method": "BREW"}, "method", "A task's method is one of"),
        ({"account": "me"}, "account", "A service account looks like"),
        ({"name": "same"}, None, ""),
        ({"schedule_time": "soon"}, "schedule_time", "Write a time as"),
        ({"headers": "X: é"}, "headers", "Line 1: a value has only ASCII"),
    ],
)
def test_what_no_row_can_mend_is_said_at_the_field_and_nothing_is_stored(fields, field, sentence):
    form = filled(**fields)
    assert form.is_valid(), form.errors
    batch, _ = batch_new.make(form, None)
    if field is None:  # the first row has the name that all of them want
        assert (batch.good, batch.wrong) == (1, 2)
        return
    assert batch is None
    assert sentence in form.errors[field][0]
    assert Batch.objects.count() == BatchRow.objects.count() == 0


def test_a_token_goes_only_to_our_receiver_where_tasks_go_to_google(settings):
    settings.CLOUD_TASKS_ENDPOINT = ""
    form = filled(source="csv", pasted="url\nhttps://evil.example/\n", url="{{url}}")
    assert form.is_valid()
    assert batch_new.make(form, None) == (None, False)
    assert "A token goes only to" in form.errors["account"][0]


def test_what_our_receiver_would_refuse_is_not_sent(settings):
    settings.MAX_BODY_BYTES = 100
    batch = make(source="csv", pasted=f"a\n{'x' * 101}\nok\n", body="{{a}}")
    assert faults(batch) == {1: [["body", "101 bytes; the receiver takes 100."]]}


def test_the_bodies_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(batch_new, "BODIES", 2**20)
    form = filled(count="20", body="x" * 100_000)
    assert batch_new.make(form, None) == (None, False)
    assert form.errors["body"] == [
        "By row 11 the bodies are more than 1 MiB altogether, the most of one batch."
    ]
    assert Batch.objects.count() == 0


def test_a_form_that_comes_twice_is_one_batch():
    batch = make()
    assert make() == batch
    assert Batch.objects.count() == 1
    assert batch.rows.count() == 3


def test_a_mended_form_replaces_its_own_dry_run():
    batch = make(count="2")
    mended = make(count="4")
    assert mended != batch
    assert list(Batch.objects.all()) == [mended]
    assert BatchRow.objects.count() == 4


def test_a_form_of_a_batch_that_was_begun_becomes_another_only_when_pressed_again():
    batch = make()
    batch.start()
    form = filled(count="4")
    assert batch_new.make(form, None) == (None, False)
    assert "has been used for batch" in form.non_field_errors()[0]
    assert form.data["submission"] != FORM["submission"]
    again = filled(**form.data)
    another, is_new = batch_new.make(again, None)
    assert is_new
    assert another != batch
    assert Batch.objects.count() == 2


def test_what_half_an_upload_left_is_read_anew():
    batch = make()
    Batch.objects.filter(pk=batch.pk).update(state="reading")
    assert make() == batch  # it may still be at it
    long_ago = batch.created_at - timedelta(minutes=5)
    Batch.objects.filter(pk=batch.pk).update(created_at=long_ago)
    assert make() != batch
    assert [one.state for one in Batch.objects.all()] == ["ready"]


def test_the_most_rows_are_read(settings):
    batch = make(count=str(uploads.ROWS))
    assert batch.good == BatchRow.objects.count() == uploads.ROWS
