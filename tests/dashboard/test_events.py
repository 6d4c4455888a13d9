"""The list of events, live, and one event: whatever bytes came."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import cache
from receiver.models import Event, Refusal
from tests.dashboard.conftest import allow, make_event, make_sent

pytestmark = pytest.mark.django_db
SCRIPTED = re.compile("(?i)javascript:|//|data:")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</pre></textarea></title><svg/onload=alert(1)>",
    "<div hx-get=/admin/ hx-trigger=load>",
    "{{ 7*7 }}{% now 'Y' %}",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "&lt;b&gt;&#60;",
    "\u202egnp.exe\u2066",
    "a\0b\x1b[31mred",
    "\ud83d",
    "\u2028\u2029",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
]


def ids(answer) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr id="event-(\d+)"', answer.content.decode())]


# The list ---------------------------------------------------------------------------------
def test_the_list_shows_events_newest_first_with_links(admin_client):
    make_event("old", preview='{"a": 1}')
    new = make_event("new", status=503, retry_count=2)
    answer = admin_client.get("/events/")
    page = answer.content.decode()
    assert ids(answer) == [new.pk, new.pk - 1]
    assert f'href="/events/{new.pk}/">new</a>' in page
    assert "{&quot;a&quot;: 1}" in page
    assert "Failed" in page
    assert '<td class="n wide">3</td>' in page


def test_no_event_at_all_says_the_first_step(admin_client):
    page = admin_client.get("/events/").content.decode()
    assert "Nothing has arrived yet" in page
    assert 'href="/enqueue/"' in page


def test_filters_are_exact_and_kept_in_the_links(admin_client):
    wanted = make_event("a", queue="emails", status=500)
    make_event("a", queue="emails")
    make_event("ab", queue="emails", status=500)
    make_event("a", status=500)
    answer = admin_client.get("/events/?show=failed&queue=emails&task=a")
    assert ids(answer) == [wanted.pk]
    assert "show=succeeded&amp;queue=emails&amp;task=a" in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "show=nonsense",
        "before=x",
        "before=-1",
        "before=99999999999999999999999",
        "task=" + "x" * 5000,
        "queue=%ff",
    ],
)
def test_a_nonsense_query_is_no_error(admin_client, query):
    assert admin_client.get(f"/events/?{query}").status_code == 200
    assert admin_client.get(f"/events/rows/?{query}").status_code in (200, 204)


def test_pages_go_by_key_and_meet_without_gap_or_double(admin_client):
    Event.objects.bulk_create(
        Event(method="POST", path="/", received_at=datetime.now(UTC)) for _ in range(120)
    )
    seen, url = [], "/events/"
    while url:
        answer = admin_client.get(url)
        seen += ids(answer)
        older = re.search(r'id="older" href="([^"]+)"', answer.content.decode())
        url = "/events/" + older[1].replace("&amp;", "&") if older else ""
    assert seen == sorted((e.pk for e in Event.objects.all()), reverse=True)
    assert "OFFSET" not in str(connection.queries)


@pytest.mark.parametrize(
    "path", ["/events/", "/events/?show=failed&queue=q", "/events/?show=refusals"]
)
def test_a_page_costs_the_same_queries_however_many_rows(admin_client, path):
    def cost():
        cache.clear()
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert admin_client.get(path).status_code == 200
        return len(found)

    make_event("first", queue="q", status=500)
    Refusal.objects.create(reason="host", minute=datetime.now(UTC), count=1)
    few = cost()
    for n in range(60):
        make_event(f"t{n}", queue="q", status=500)
        moment = datetime.now(UTC) - timedelta(minutes=n)
        Refusal.objects.create(reason="missing", minute=moment, count=1)
    assert cost() == few <= 12


def test_a_list_never_loads_bodies(admin_client, django_assert_max_num_queries):
    make_event()
    with CaptureQueriesContext(connection) as found:
        admin_client.get("/events/")
    rows = [q["sql"] for q in found if '"receiver_event"."preview"' in q["sql"]]
    assert len(rows) == 1
    assert '"receiver_event"."body",' not in rows[0]
    assert '"headers"' not in rows[0]


# Live -------------------------------------------------------------------------------------
def poller(answer) -> str:
    return re.search(r'hx-get="(/events/rows/[^"]*)"', answer.content.decode())[1].replace(
        "&amp;", "&"
    )


def test_a_poll_brings_each_new_row_once_and_moves_on(admin_client):
    make_event("first")
    cursor = poller(admin_client.get("/events/"))
    assert admin_client.get(cursor).status_code == 204
    new = [
        make_event("b", received_at=datetime.now(UTC)).pk,
        make_event("c", received_at=datetime.now(UTC)).pk,
    ]
    answer = admin_client.get(cursor)
    assert ids(answer) == new[::-1]
    assert answer["X-New-Rows"] == "2"
    assert 'hx-swap-oob="true"' in answer.content.decode()
    assert admin_client.get(poller(answer)).status_code == 204


def test_an_event_committed_late_under_a_lower_id_is_not_missed(admin_client):
    first = make_event("a")
    late = make_event("late", received_at=datetime.now(UTC))
    make_event("early", received_at=datetime.now(UTC))
    Event.objects.filter(pk=late.pk).delete()
    answer = admin_client.get("/events/")
    assert ids(answer) == [late.pk + 1, first.pk]
    make_event("late", id=late.pk, received_at=datetime.now(UTC))
    answer = admin_client.get(poller(answer))
    assert ids(answer) == [late.pk]
    assert admin_client.get(poller(answer)).status_code == 204


def test_a_straggler_is_not_missed_because_a_slow_upload_was_stored_after_it(admin_client):
    late = make_event("late").pk
    Event.objects.filter(pk=late).delete()
    old = datetime.now(UTC) - timedelta(minutes=5)
    Event.objects.bulk_create(Event(method="POST", path="/", received_at=old) for _ in range(120))
    answer = admin_client.get("/events/")
    assert admin_client.get(poller(answer)).status_code == 204
    make_event("late", id=late)
    answer = admin_client.get(poller(answer))
    assert ids(answer) == [late]
    assert admin_client.get(poller(answer)).status_code == 204


def test_after_a_burst_no_row_comes_twice(admin_client):
    make_event("first")
    for count in (70, 160, 600):
        Event.objects.bulk_create(Event(method="POST", path="/") for _ in range(count))
        answer = admin_client.get("/events/")
        assert admin_client.get(poller(answer)).status_code == 204
        one = make_event("one").pk
        assert ids(admin_client.get(poller(answer))) == [one]


def test_a_cursor_stays_short_and_nonsense_in_it_is_no_error(admin_client):
    Event.objects.bulk_create(Event(method="POST", path="/") for _ in range(600))
    assert len(poller(admin_client.get("/events/"))) < 180
    for seen in ("zz", "f" * 500, "-1", "", "1,2"):
        answer = admin_client.get(f"/events/rows/?after={Event.objects.first().pk - 1}&seen={seen}")
        assert len(ids(answer)) == 1


def test_a_poll_respects_the_filters(admin_client):
    cursor = poller(admin_client.get("/events/?show=failed&queue=emails"))
    make_event("x", queue="emails")
    make_event("y", status=500)
    answer = admin_client.get(cursor)
    assert (answer.status_code, ids(answer)) == (200, [])  # no row, but the cursor moves on
    assert "X-New-Rows" not in answer
    cursor = poller(answer)
    assert admin_client.get(cursor).status_code == 204
    wanted = make_event("z", queue="emails", status=500)
    assert ids(admin_client.get(cursor)) == [wanted.pk]


def test_more_than_a_page_of_news_takes_the_place_of_the_rows(admin_client):
    cursor = poller(admin_client.get("/events/"))
    made = [make_event(f"t{n}").pk for n in range(60)]
    answer = admin_client.get(cursor)
    assert (answer.status_code, answer["HX-Reswap"]) == (200, "innerHTML")
    assert answer["X-New-Rows"] == "50+"
    assert ids(answer) == made[:-52:-1]  # one more than a page: `Older` has something to lead to
    assert admin_client.get(poller(answer)).status_code == 204
    after = make_event("after").pk
    assert ids(admin_client.get(poller(answer))) == [after]


def test_the_newest_page_is_made_once_for_all_who_look(
    admin_client, client, newcomer, django_assert_num_queries
):
    allow(newcomer, "receiver.view_event")
    cursor = poller(admin_client.get("/events/"))
    for n in range(60):
        make_event(queue=f"q{n % 2}", preview="secret")
    assert "secret" in admin_client.get(cursor).content.decode()
    with django_assert_num_queries(3):  # session, user, what is new
        assert "secret" in admin_client.get(cursor).content.decode()
    assert "secret" not in client.get(cursor).content.decode()  # who may not see bodies
    chosen = poller(admin_client.get("/events/?queue=q1"))
    make_event("other", queue="q1")
    assert len(ids(admin_client.get(chosen))) == 1


def test_a_short_live_list_has_its_older_link_ready_but_hidden(admin_client):
    make_event(queue="q")
    page = admin_client.get("/events/?queue=q").content.decode()
    assert re.search(r'<nav class="pager"[^>]* hidden>', page)
    assert re.search(r'id="older" href="\?queue=q" data-page="50" hidden', page)
    assert 'id="older"' not in admin_client.get("/events/?before=999999").content.decode()


def test_a_poll_is_one_query_beside_the_session(admin_client, django_assert_num_queries):
    cursor = poller(admin_client.get("/events/"))
    with django_assert_num_queries(3):
        admin_client.get(cursor)


def test_an_older_page_is_not_live(admin_client):
    make_event()
    assert "poller" not in admin_client.get("/events/?before=999999").content.decode()


# Refusals ---------------------------------------------------------------------------------
def test_refusals_are_counted_by_reason_and_shown_as_claims(admin_client):
    now = datetime.now(UTC)
    Refusal.objects.create(reason="audience", minute=now, count=3, task="t-1", audience="https://x")
    Refusal.objects.create(reason="missing", minute=now, count=4)
    page = admin_client.get("/events/?show=refusals").content.decode()
    assert "<b>4</b> No token" in page
    assert "Token for another audience" in page
    assert "nothing of that is verified" in page
    assert "https://x" in page
    assert "Refusals <em>7</em>" in page


# One event --------------------------------------------------------------------------------
def test_an_event_shows_body_headers_caller_and_attempts(admin_client):
    now = datetime.now(UTC)
    first = make_event("t-1", status=503, received_at=now - timedelta(seconds=40))
    event = make_event(
        "t-1",
        received_at=now - timedelta(seconds=10),
        body=b'{"order": 1}',
        body_size=12,
        content_type="application/json",
        retry_count=1,
        previous_response=503,
        caller_audience="http://localhost:8080",
        eta=now - timedelta(seconds=12),
    )
    sent = make_sent("t-1")
    page = admin_client.get(f"/events/{event.pk}/").content.decode()
    assert '<span class="nt">"order"</span>' in page
    assert "00000000  7b 22 6f 72" in page
    assert "<dt>Host</dt><dd>localhost</dd>" in page
    assert "Verified" in page
    assert "http://localhost:8080" in page
    assert "Attempt 1: answered 503 Service Unavailable" in page
    assert f'href="/events/{first.pk}/"' in page
    assert "30 s after the one before" in page
    assert f'href="/tasks/{sent.pk}/"' in page
    assert "2 s" in page


@pytest.mark.parametrize(
    ("check", "word", "claim"),
    [
        ("verified", "Verified", "as the verified caller states"),
        ("iam", "Claims only", "as the headers claim"),
        ("none", "Not checked", "as the headers claim"),
    ],
)
def test_the_page_says_verified_only_where_it_was(admin_client, check, word, claim):
    event = make_event(caller_check=check)
    page = admin_client.get(f"/events/{event.pk}/").content.decode()
    assert word in page
    assert claim in page
    assert (check == "verified") == (
        'icon" aria-hidden="true"><use href="#i-shield"/></svg>Verified' in page
    )


def test_a_reply_is_named_beside_the_answer_it_gave(admin_client):
    make_event(task="t", status=503, outcome="failed", reply_name="Fail <3> times")
    dropped = make_event(task="t", status=0, outcome="failed", reply_name="Drop")
    page = admin_client.get(f"/events/{dropped.pk}/").content.decode()
    assert "nothing: the connection was dropped" in page
    assert "<dt>By the reply</dt><dd>Drop</dd>" in page
    assert "answered 503 Service Unavailable" in page
    assert "By the reply: Fail &lt;3&gt; times" in page
    assert "connection dropped" in page


def test_a_missing_event_is_404(admin_client):
    for path in ("/events/99/", "/events/99/body/", f"/events/{10**30}/"):
        assert admin_client.get(path).status_code == 404


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 20, b"x" * 70_000, b"[" * 60_000])
def test_any_body_can_be_looked_at_and_downloaded_exactly(admin_client, body):
    event = make_event(body=body, body_size=len(body))
    assert admin_client.get(f"/events/{event.pk}/").status_code == 200
    file = admin_client.get(f"/events/{event.pk}/body/")
    assert file.content == body
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Disposition"] == f'attachment; filename="event-{event.pk}.bin"'
    assert file["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert file["X-Content-Type-Options"] == "nosniff"


# Hostile content --------------------------------------------------------------------------
class Shape(HTMLParser):
    """Every element of a page with the names of its attributes, and the links it makes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.links = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.add((tag, *sorted(name for name, _ in attributes)))
        self.links |= {v for n, v in attributes if n in ("href", "src", "action", "hx-get") and v}


def filled(text: str, status: int = 500) -> Event:
    safe = text.replace("\0", "").replace("\ud83d", "")  # what no database column takes
    return make_event(
        safe,
        queue=safe[:100],
        status=status,
        method=safe[:20],
        path=f"/{safe}",
        query=safe,
        preview=safe,
        retry_reason=safe,
        trace=safe[:100],
        content_type=safe,
        caller_account=safe,
        caller_audience=safe,
        headers=json.loads(json.dumps([[safe, safe]])),
        body=json.dumps({text: text}).encode(),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_content_is_text_on_every_page(admin_client, cloud, text):
    pages = {}
    for content in ("plain", text):
        Event.objects.all().delete()
        cache.clear()
        pk = filled(content).pk
        for path in ("/events/", "/events/rows/?after=0", f"/events/{pk}/", "/"):
            answer = admin_client.get(path)
            assert answer.status_code == 200
            pages[content, path.replace(str(pk), "N")] = answer.content.decode()
    for (content, path), page in pages.items():
        if content == text:
            plain, hostile = Shape(pages["plain", path]), Shape(page)
            assert hostile.elements <= plain.elements
            assert not [url for url in hostile.links if SCRIPTED.match(url)]
            assert not re.search("[\0\x1b\u202e\u2066\u2028]", page)
