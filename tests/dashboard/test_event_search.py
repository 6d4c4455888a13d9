"""Searching events: by words of the body, by fields, by time, page by page."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection

from dashboard import cache, event_pages, narrow
from dashboard.models import Batch
from receiver.models import Event, SearchText, Words, words
from tests.dashboard.conftest import allow, make_event, make_sent

pytestmark = pytest.mark.django_db


def found(client, **query):
    """Return the tasks on the page, newest first."""
    answer = client.get(f"/events/?{urlencode(query)}")
    assert answer.status_code == 200
    return [event.task for event in answer.context.get("rows", [])]


@pytest.fixture
def some(admin_client):
    """Four events, and a client to look for them."""
    make_event("a", body=b'{"name": "na\\u00efve", "total": 1.50}', queue="emails")
    make_event(
        "b",
        body="NAÏVE, 100% sure: [a*b?]".encode(),
        status=503,
        path="/receive/b",
        headers=[["X-Shard", "7"], ["X-Note", "a_b%"]],
    )
    make_event("c", body=b"x" * 9000 + b" naive", source="pubsub", caller_account="else@x")
    make_event("d", body=b"\x00\xff", status=429, headers=[["X-Shard", "71"]])
    sent = [make_sent("a"), make_sent("d"), make_sent("e")]
    Batch.objects.create(id=7, submission="7", source="csv").tasks.add(*sent)
    return admin_client


@pytest.mark.parametrize(
    ("typed", "tasks"),
    [
        ("naïve", "ba"),
        ("NAÏV", "ba"),
        (r"na\u00efve", "ba"),
        ("naive", ""),  # of a body the beginning is searched
        ("xxx", "c"),
        ("naïve 100%", "b"),
        ("-naïve", "dc"),
        ("naïve -sure", "a"),
        ('"total": 1.50', "a"),
        ('"total":1.50', "a"),
        ("1.5", "a"),
        ('"[a*b?]"', "b"),
        ("[a*b?]", "b"),
        ("a*b", "b"),
        ("axb", ""),
        ("a_b", ""),
        (r"\x00\xff", "d"),
        ("%", "b"),  # too short for an index of three letters
        ("absent", ""),
        ("queue:emails", "a"),
        ("queue:e*", "a"),
        ("-queue:emails", "dcb"),
        ("queue:emails queue:default", "dcba"),
        ("task:b", "b"),
        ("task:b* naïve", "b"),
        ("batch:7", "da"),
        ("batch:7 status:429", "d"),
        ("batch:7 naïve", "a"),
        ("-batch:7", "cb"),
        ("batch:8", ""),
        ("status:503", "b"),
        ("status:5xx", "b"),
        ("status:5xx status:429", "db"),
        ("-status:200", "db"),
        ("outcome:failed", "db"),
        ("outcome:failed naïve", "b"),
        ("source:pubsub", "c"),
        ("account:else@x", "c"),
        ("account:tasks@*", "dba"),
        ("path:/receive/*", "b"),
        ("path:/receive", "dca"),
        ("header:x-shard", "db"),
        ("header:X-SHARD=7", "b"),
        ("header:x-shard=7*", "db"),
        ("header:x-note=A_B%", "b"),
        ("header:x-note=a_c%", ""),
        ("header:x-note=a%", ""),
        ("-header:x-shard", "ca"),
        ("header:x-shard naïve", "b"),
    ],
)
@pytest.mark.parametrize("indexed", [True, False])
def test_what_is_found(some, typed, tasks, indexed, monkeypatch):
    if not indexed:  # the newest events are found before they are indexed
        monkeypatch.setattr(type(SearchText.objects), "catch_up", lambda *args: False)
    assert "".join(found(some, q=typed)) == tasks


def test_the_events_of_a_large_batch_are_found_by_its_tasks(some, monkeypatch):
    monkeypatch.setattr(narrow, "MANY", 1)
    assert found(some, q="batch:7") == ["d", "a"]
    assert found(some, q="batch:7 status:429") == ["d"]


def test_without_a_trigram_index_the_newest_are_looked_through(some, monkeypatch):
    monkeypatch.setattr(type(SearchText.objects), "has_index", lambda self: False)
    monkeypatch.setattr(words, "PLAIN", 2)
    answer = some.get("/events/?q=na%C3%AFve")
    assert [event.task for event in answer.context["rows"]] == []
    assert "Look further" in answer.content.decode()
    older = re.search(r'id="older" href="([^"]+)"', answer.content.decode())[1]
    rows = some.get("/events/" + older.replace("&amp;", "&")).context["rows"]
    assert [event.task for event in rows] == ["b", "a"]


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize(
    "typed", ["", "needle", "-else", "status:200", "needle status:200", "needle queue:default"]
)
def test_pages_meet_without_gap_or_double_both_ways(admin_client, monkeypatch, typed, up):
    """With every limit so low that each is met: 30 events match of 120."""
    for module, name, value in [
        (event_pages, "SCAN", 33),
        (event_pages, "SIFT", 20),
        (event_pages, "MANY", 7),
        (narrow, "MANY", 7),
    ]:
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr("dashboard.views.events.PAGE", 9)
    odd = {"body": b"else", "status": 500, "queue": "other"}
    Event.objects.bulk_create(
        Event(**({"body": b"needle", "queue": "default", "headers": []} | (odd if n % 4 else {})))
        for n in range(120)
    )
    SearchText.objects.catch_up(30)
    every = Event.objects.filter(queue="default") if typed else Event.objects.all()
    seen, url = [], "/events/?" + urlencode({"q": typed} | ({"last": 1} if up else {}))
    for _ in range(60):
        if not url:
            break
        answer = admin_client.get(url)
        ids = [event.pk for event in answer.context["rows"]]
        if up and answer.context["first"]:  # the first page is whole, whatever was seen before
            ids = [pk for pk in ids if not seen or pk > max(seen)]
        seen += sorted(ids, reverse=not up)
        link = answer.context["newer" if up else "older"]
        url = f"/events/?{link}" if link else ""
    assert seen == sorted((event.pk for event in every), reverse=not up)


def test_a_rare_queue_is_found_among_many_of_a_common_word(admin_client, monkeypatch):
    monkeypatch.setattr(event_pages, "MANY", 5)
    wanted = make_event("wanted", queue="rare", body=b"common")
    for n in range(20):
        make_event(f"t{n}", body=b"common")
    assert found(admin_client, q="common", queue="rare") == [wanted.task]


def test_times_from_the_box_and_beside_it(admin_client):
    now = datetime.now(UTC)
    for hours in (50, 26, 2, 0):
        make_event(f"h{hours}", received_at=now - timedelta(hours=hours, minutes=5))
    assert found(admin_client, period="24h") == ["h0", "h2"]
    assert found(admin_client, q="after:48h before:1h") == ["h2", "h26"]
    since = (now - timedelta(hours=27)).isoformat(timespec="seconds").replace("+00:00", "")
    until = (now - timedelta(hours=2)).isoformat(timespec="seconds").replace("+00:00", "Z")
    assert found(admin_client, **{"from": since}) == ["h0", "h2", "h26"]
    assert found(admin_client, **{"from": since, "to": until}) == ["h2", "h26"]
    assert found(admin_client, **{"from": "2020-01-01", "to": "2020-01-02"}) == []


def test_what_cannot_be_read_is_said_beside_the_box_and_kept(admin_client):
    make_event()
    page = admin_client.get("/events/?q=status:9xx+word&queue=default").content.decode()
    assert "9xx is no status." in page
    assert 'aria-invalid="true"' in page
    assert 'value="status:9xx word"' in page
    assert 'id="rows"' not in page
    page = admin_client.get("/events/?from=soon").content.decode()
    assert "soon is no time." in page
    assert admin_client.get("/events/rows/?after=0&q=%22").status_code == 204


def test_tabs_count_what_was_chosen_and_never_further_than_the_cap(admin_client, monkeypatch):
    def counts(query):
        cache.clear()
        tabs = admin_client.get(f"/events/?{query}").context["tabs"]
        return [tab["count"] for tab in tabs]

    for n in range(6):
        make_event(f"t{n}", queue="emails", status=500 if n < 2 else 200)
    make_event("x")
    assert counts("") == ["7", "5", "2", "0"]
    assert counts("queue=emails") == ["6", "4", "2", "0"]
    assert counts("queue=emails&show=failed&period=1h") == ["6", "4", "2", "0"]
    assert counts("q=hello") == ["", "", "", "0"]
    monkeypatch.setattr("dashboard.counts.CAP", 3)
    assert counts("queue=emails&period=1h") == ["3+", "4+", "", "0"]


def test_queues_are_offered_to_choose_from(admin_client):
    for queue in ("b", "a", "b", "", "<script>"):
        make_event(queue=queue)
    assert Event.objects.queues(10) == ["<script>", "a", "b"]
    page = admin_client.get("/events/?queue=gone").content.decode()
    select = page[page.index('id="filter-queue"') :]
    offered = re.findall(r'<option value="([^"]*)"( selected)?>[^<]*</option>', select)
    assert offered[:4] == [("", ""), ("a", ""), ("b", ""), ("gone", " selected")]


def test_a_poll_brings_what_matches_and_looks_at_each_event_once(admin_client):
    def poller(answer):
        link = re.search(r'hx-get="(/events/rows/[^"]*)"', answer.content.decode())[1]
        return link.replace("&amp;", "&")

    make_event("old", body=b"needle")
    cursor = poller(admin_client.get("/events/?q=needle"))
    assert admin_client.get(cursor).status_code == 204
    make_event("else", body=b"else")
    answer = admin_client.get(cursor)
    assert '<tr id="event' not in answer.content.decode()
    assert admin_client.get(poller(answer)).status_code == 204
    make_event("new", body=b'{"a": "Needle"}')
    answer = admin_client.get(poller(answer))
    assert answer["X-New-Rows"] == "1"
    assert ">new</a>" in answer.content.decode()


def test_a_search_that_is_behind_says_so(admin_client, monkeypatch):
    make_event(body=b"needle")
    monkeypatch.setattr(type(SearchText.objects), "catch_up", lambda *args: False)
    page = admin_client.get("/events/?q=needle").content.decode()
    assert "Not every event is indexed yet" in page
    assert 'id="behind"' not in admin_client.get("/events/").content.decode()


def test_sqlite_asks_the_index_for_the_words(admin_client):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads a table of five rows")
    with connection.cursor() as cursor:
        where, values = Words.of(["needle"])._where("text")
        cursor.execute(
            f"EXPLAIN QUERY PLAN SELECT rowid FROM receiver_searchtext WHERE {where}"  # noqa: S608
            " AND rowid < 9 ORDER BY rowid DESC",
            values,
        )
        plan = str(cursor.fetchall())
    assert "VIRTUAL TABLE INDEX" in plan
    assert "G0" in plan
    assert "TEMP B-TREE" not in plan


def test_words_are_for_those_who_may_see_bodies(client, newcomer):
    event = make_event(body=b"secret", status=503)
    allow(newcomer, "receiver.view_event")
    for typed in ("secret", "absent", "-secret", "status:503 secret"):
        for path in ("/events/", "/events/export/ndjson/"):
            answer = client.get(path, {"q": typed}, follow=True)
            assert "lacks the permission receiver.view_body" in answer.content.decode(), typed
            assert f"event-{event.pk}" not in answer.content.decode()
        assert client.get("/events/rows/", {"q": typed, "after": "0"}).status_code == 204
    assert found(client, q="status:503") == ["abc"]
    assert "Text of the body" not in client.get("/events/").content.decode()
    allow(newcomer, "receiver.view_body")
    assert found(client, q="secret") == ["abc"]


@pytest.mark.parametrize("typed", ["<p v-html=alert(1)>", "ab long-enough", "long-enough ab"])
def test_a_short_word_beside_a_long_one_is_no_crash_of_the_index(admin_client, typed):
    made = make_event("both", body=f"ab {typed} cd".encode())
    answer = admin_client.get("/events/", {"q": typed})
    assert answer.status_code == 200
    assert f"/events/{made.pk}/" in answer.content.decode()
