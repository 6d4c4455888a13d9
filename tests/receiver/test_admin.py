"""Events and refusals in the admin: to be looked at, not to be touched."""

from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver import text
from receiver.admin.facts import CappedPaginator
from receiver.models import Event, Refusal
from receiver.refusals import ANSWERS

EVENTS = "admin:receiver_event_changelist"
LIST = "/admin/receiver/event/"


@pytest.fixture
def event(db):
    return Event.objects.create(
        method="POST",
        path="/receive",
        queue="default",
        task="task-1",
        retry_count=1,
        headers=[["X-Evil", "<script>alert(1)</script>"]],
        body=b"<img src=x onerror=alert(1)>\nsecond line\x00",
        body_size=41,
        preview="<b>preview</b>",
    )


@pytest.fixture
def refusal(db):
    return Refusal.objects.create(reason="missing", minute=timezone.now(), count=7)


def page(admin_client, name, *args, **query):
    return admin_client.get(reverse(name, args=args), query)


def test_the_list_leaves_large_columns_in_the_database(admin_client, event):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = page(admin_client, EVENTS)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert "task-1" in html
    assert "&lt;b&gt;preview&lt;/b&gt;" in html
    reading = [query["sql"] for query in queries if '"receiver_event"."task"' in query["sql"]]
    assert reading
    for column in ("body", "headers"):
        assert not any(f'"receiver_event"."{column}"' in sql for sql in reading)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"q": "task-1"}, True),
        ({"q": "default"}, True),
        ({"q": "task"}, False),
        ({"q": "second"}, False),
        ({"outcome__exact": "succeeded"}, True),
        ({"outcome__exact": "failed"}, False),
        ({"source__exact": "pubsub"}, False),
        ({"caller_check__exact": "none"}, True),
    ],
)
def test_search_and_filters(admin_client, event, query, shown):
    answer = page(admin_client, EVENTS, **query)
    assert (f"/{event.pk}/change/" in answer.content.decode()) is shown


@pytest.mark.parametrize(
    "query", [{}, {"_facets": "True"}, {"o": "-11"}, {"outcome__exact": "succeeded"}]
)
def test_the_list_reads_a_page_by_key_and_counts_no_table(admin_client, event, query):
    with CaptureQueriesContext(connection) as queries:
        assert page(admin_client, EVENTS, **query).status_code == 200
    asked = [q["sql"] for q in queries if '"receiver_event"' in q["sql"]]
    counting = [sql for sql in asked if "COUNT(" in sql]
    assert all(f"LIMIT {CappedPaginator.CAP}" in sql for sql in counting)
    reading = [sql for sql in asked if sql not in counting]
    assert len(counting) == len(reading) == 1
    assert 'ORDER BY "receiver_event"."id" DESC' in reading[0]


class Tags(HTMLParser):
    """The elements of a page and their attributes' names, in order."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, *[name for name, _ in attrs]))


HOSTILE = [
    b"</pre></div><script>alert(1)</script>",
    b'"><img src=x onerror=alert(1)>',
    b"<!--",
    b"]]><svg/onload=alert(1)>",
    b"&lt;script&gt;&#60;b&#62;",
    b"{{ 7 * 7 }}{% now 'Y' %}",
    b"\x00\x1b[31m\xff\xfe",
    "\u202egnp.exe\u2066\u2028".encode(),
    b"\xed\xa0\x80",
]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from(HOSTILE), max_size=6).map(b"".join),
    )
)
def test_any_body_is_shown_as_inert_text(admin_client, event, body):
    change = reverse("admin:receiver_event_change", args=[event.pk])
    stored = {"preview": text.preview(body)}
    headers = [["X-Body", text.decoded(body)]]
    shown = {"path": text.decoded(body), "query": text.decoded(body), "reply_name": "<b>"}
    Event.objects.filter(pk=event.pk).update(body=b"", headers=[], preview="", path="/", query="")
    golden = [Tags(admin_client.get(url).content.decode()).found for url in (change, LIST)]
    Event.objects.filter(pk=event.pk).update(body=body, headers=headers, **stored, **shown)
    pages = [admin_client.get(url).content.decode() for url in (change, LIST)]
    assert [Tags(html).found for html in pages] == golden
    assert not any(set(html) & set("\x00\x1b\u202e\u2028\u2066") for html in pages)


def test_one_event_shows_everything_as_inert_text(admin_client, event):
    html = page(admin_client, "admin:receiver_event_change", event.pk).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;\nsecond line\\x00" in html
    assert "X-Evil: &lt;script&gt;" in html
    assert "<img src=x" not in html
    assert "<script>alert(1)" not in html
    assert 'name="_save"' not in html


def test_a_long_body_is_cut_with_a_notice(admin_client, event):
    Event.objects.filter(pk=event.pk).update(body=b"x" * 70_000 + b"the end")
    html = page(admin_client, "admin:receiver_event_change", event.pk).content.decode()
    assert "Cut: the first 65536 of 70007 bytes." in html
    assert "the end" not in html


@pytest.mark.parametrize("model", ["event", "refusal"])
def test_nothing_can_be_added_changed_or_deleted(admin_client, event, refusal, model):
    pk = {"event": event, "refusal": refusal}[model].pk
    assert page(admin_client, f"admin:receiver_{model}_add").status_code == 403
    assert page(admin_client, f"admin:receiver_{model}_delete", pk).status_code == 403
    change = reverse(f"admin:receiver_{model}_change", args=[pk])
    assert admin_client.post(change, {"task": "x"}).status_code == 403
    listed = reverse(f"admin:receiver_{model}_changelist")
    admin_client.post(listed, {"action": "delete_selected", "_selected_action": [pk]})
    assert Event.objects.count() == Refusal.objects.count() == 1


def test_refusals_are_listed(admin_client, refusal):
    html = page(admin_client, "admin:receiver_refusal_changelist").content.decode()
    assert "No token" in html


@pytest.mark.parametrize("reason", Refusal.Reason)
def test_a_refusal_says_its_cause_and_the_command_that_mends_it(admin_client, refusal, reason):
    Refusal.objects.filter(pk=refusal.pk).update(reason=reason)
    html = page(admin_client, "admin:receiver_refusal_change", refusal.pk).content.decode()
    mend = Refusal(reason=reason).mend
    for shown in (ANSWERS[reason][1], mend.text, mend.command):
        assert escape(shown) in html


def test_a_page_counts_no_further_than_its_cap(db, monkeypatch):
    Event.objects.bulk_create(Event(method="POST", path="/") for _ in range(12))
    monkeypatch.setattr(CappedPaginator, "CAP", 10)
    with CaptureQueriesContext(connection) as queries:
        assert CappedPaginator(Event.objects.order_by("-id"), 5).num_pages == 2
    assert "LIMIT 10" in queries[0]["sql"]


def test_events_name_themselves(event):
    assert str(event) == "task-1"
    assert str(Event(pk=7)) == "event 7"
