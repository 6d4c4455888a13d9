"""Acts on many events: counted first, asked about, done once, in the log, out of the tallies."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.db import OperationalError
from django.utils import timezone

from dashboard import counts, event_deletion, event_pages, many, rollup
from dashboard.models import SentTask, Tally
from dashboard.views import events_many
from receiver.models import Event, SearchText
from tests.dashboard.conftest import allow, make_event

pytestmark = pytest.mark.django_db


def order(answer) -> str:
    return re.search(r'name="order" value="([^"]+)"', answer.content.decode())[1]


def ask(client, act: str, query: str = "", **chosen):
    answer = client.post(f"/events/many/{query}", {"act": act, **chosen})
    assert answer.status_code == 200
    return answer


def confirm(client, answer, query: str = ""):
    return client.post(f"/events/many/{query}", {"order": order(answer)})


def logged() -> list[str]:
    return list(LogEntry.objects.order_by("id").values_list("change_message", flat=True))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?queue=emails&show=failed", ["Outcome: Failed", "Queue: emails"]),
        ("?q=queue%3Aemails+status%3A503", ["Search: queue:emails status:503"]),
        ("?q=need%C3%AFe&period=1h", ["Search: needïe", "Received in the last: hour"]),
    ],
)
def test_all_that_match_are_counted_asked_about_and_deleted(admin_client, query, words):
    body = b'{"a": "Need\\u00efe"}'
    for n in range(3):
        make_event(f"t{n}", queue="emails", status=503, body=body)
    kept = make_event("kept", queue="else")
    SearchText.objects.catch_up(5)
    answer = ask(admin_client, "delete", query, scope="all")
    page = answer.content.decode()
    assert "<b>3</b> of all that match can be deleted." in page
    for line in words:
        assert f"<li>{line}</li>" in page
    assert "<li>t2</li>" in page
    assert Event.objects.count() == 4
    page = confirm(admin_client, answer, query).content.decode()
    assert "<b>3</b> of 3 deleted. That is all." in page
    assert list(Event.objects.values_list("pk", flat=True)) == [kept.pk]
    assert list(SearchText.objects.values_list("pk", flat=True)) == [kept.pk]
    assert logged() == [f"3 events deleted: {'; '.join(words)}."]
    assert LogEntry.objects.get().action_flag == DELETION


def test_the_ticked_alone_are_deleted(admin_client):
    rows = [make_event(f"t{n}") for n in range(3)]
    page = admin_client.get("/events/").content.decode()
    assert f'form="many" name="pk" value="{rows[0].pk}"' in page
    answer = ask(admin_client, "delete", pk=[rows[0].pk, rows[2].pk])
    assert "<b>2</b> of the ticked can be deleted." in answer.content.decode()
    confirm(admin_client, answer)
    assert Event.objects.get() == rows[1]
    assert logged() == ["2 events deleted: the ticked."]


def test_what_came_after_the_question_stays(admin_client):
    make_event("old")
    answer = ask(admin_client, "delete", "?queue=default", scope="all")
    new = make_event("new")
    page = confirm(admin_client, answer, "?queue=default").content.decode()
    assert "It was 1 when you were asked; now it is 2." in page
    assert Event.objects.count() == 2
    answer = ask(admin_client, "delete", "?q=task:old", scope="all")
    confirm(admin_client, answer, "?q=task:old")
    assert Event.objects.get() == new


def test_deletion_goes_in_slices_each_done_once(admin_client, monkeypatch):
    monkeypatch.setattr(many, "SLICE", 0)
    monkeypatch.setattr(event_deletion, "BITE", 2)
    for n in range(5):
        make_event(f"t{n}")
    first = confirm(admin_client, ask(admin_client, "delete", scope="all"))
    assert "<b>2</b> of 5 deleted" in first.content.decode()
    assert 'hx-trigger="load delay:100ms"' in first.content.decode()
    assert [event.task for event in Event.objects.order_by("pk")] == ["t2", "t3", "t4"]
    monkeypatch.setattr(many, "SLICE", 60)
    last = confirm(admin_client, first).content.decode()
    assert "<b>5</b> of 5 deleted. That is all." in last
    assert "sent twice" in confirm(admin_client, first).content.decode()
    assert logged() == ["5 events deleted: all."]


def test_tallies_follow_and_nothing_is_counted_twice(admin_client):
    now = timezone.now().replace(second=30)
    for n in range(40):
        at = now - timedelta(minutes=3 * n)
        make_event(f"t{n}", received_at=at, queue="ab"[n % 2], status=200 + 300 * (n % 4 == 0))
    while rollup.advance():
        pass
    confirm(admin_client, ask(admin_client, "delete", "?q=queue:a", scope="all"), "?q=queue:a")
    for seconds in Tally.SPANS:
        tallies = Tally.objects.filter(seconds=seconds)
        assert {tally.queue for tally in tallies} == {"b"}
        assert sum(tally.count for tally in tallies) == 20
        assert sum(sum(tally.took.values()) for tally in tallies) == 0
    assert counts.events_by_outcome() == {"all": "20", "succeeded": "20", "failed": "0"}


def test_a_busy_database_is_said_and_it_can_go_on(admin_client, monkeypatch):
    make_event()
    answer = ask(admin_client, "delete", scope="all")

    def busy(keys):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(event_deletion, "_bite", busy)
        answer = confirm(admin_client, answer)
    assert "The database is busy: go on in a while." in answer.content.decode()
    assert Event.objects.exists()
    assert "<b>1</b> of 1 deleted" in confirm(admin_client, answer).content.decode()


def test_events_are_sent_again_once_each(admin_client, cloud):
    for n in range(2):
        make_event(f"t{n}", body=b"\xff\x00", body_size=2)
    odd = make_event("odd", method="TRACE")
    answer = ask(admin_client, "again", scope="all")
    assert "<b>3</b> of all that match can be sent again." in answer.content.decode()
    assert not cloud.create_task.called
    page = confirm(admin_client, answer).content.decode()
    assert "<b>2</b> of 3 sent again, <b>1</b> not." in page
    assert f"{odd}</span>: A task&#x27;s method is one of" in page
    confirm(admin_client, answer)
    assert cloud.create_task.call_count == SentTask.objects.count() == 2
    assert {bytes(sent.body) for sent in SentTask.objects.all()} == {b"\xff\x00"}
    assert [text[:19] for text in logged()] == ["Sent again as event"] * 2


def test_too_many_and_too_slow_are_refused(admin_client, monkeypatch):
    for _ in range(4):
        make_event(headers=[["X-Shard", "7"]])
    monkeypatch.setattr(many, "MOST", 3)
    monkeypatch.setattr("dashboard.views.many.MOST", 3)
    monkeypatch.setattr(events_many, "MOST", 3)
    query = "?q=header:x-shard"
    answer = ask(admin_client, "delete", query, scope="all")
    assert "More than 3 match." in answer.content.decode()
    assert "Delete: " not in answer.content.decode()
    assert confirm(admin_client, answer, query).status_code == 200
    monkeypatch.setattr(event_pages, "SCAN", 1)
    monkeypatch.setattr(events_many, "LONG", -1)
    answer = admin_client.post(
        f"/events/many/{query}", {"act": "delete", "scope": "all"}, follow=True
    )
    assert "looking through all events takes too long" in answer.content.decode()
    assert Event.objects.count() == 4
    assert logged() == []


def test_nothing_is_meant_by_a_search_that_finds_nothing_or_cannot_be_read(admin_client):
    make_event()
    for query, said in (
        ("?q=absent", "Nothing matches any more."),
        ("?q=status:9xx", "9xx is no status."),
    ):
        chosen = {"act": "delete", "scope": "all"}
        page = admin_client.post(f"/events/many/{query}", chosen, follow=True).content.decode()
        assert said in page
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("act", "permissions"),
    [
        ("delete", ["receiver.delete_event"]),
        ("again", ["receiver.view_body", "dashboard.add_senttask"]),
    ],
)
def test_each_act_has_its_permissions_also_when_it_is_confirmed(
    client, newcomer, cloud, act, permissions
):
    make_event()
    allow(newcomer, "receiver.view_event")
    page = client.get("/events/").content.decode()
    assert re.findall(r'name="act" value="(\w+)"', page) == ["compare"]
    for permission in permissions:
        answer = client.post("/events/many/", {"act": act, "scope": "all"})
        assert answer.status_code == 403
        assert permission in answer.content.decode()
        allow(newcomer, permission)
    assert f'name="act" value="{act}"' in client.get("/events/").content.decode()
    signed = ask(client, act, scope="all")
    newcomer.user_permissions.remove(
        newcomer.user_permissions.get(codename=permissions[-1].partition(".")[2])
    )
    assert confirm(client, signed).status_code == 403
    assert (Event.objects.count(), logged()) == (1, [])


def test_words_are_no_way_around_the_permission_for_bodies(client, newcomer):
    make_event(body=b"secret")
    allow(newcomer, "receiver.view_event", "receiver.delete_event")
    chosen = {"act": "delete", "scope": "all"}
    page = client.post("/events/many/?q=secret", chosen, follow=True).content.decode()
    assert "lacks the permission receiver.view_body" in page
    assert Event.objects.exists()


def test_two_that_are_ticked_are_compared(client, newcomer):
    a, b, c = (make_event(f"t{n}", headers=[["X-N", str(n)]]) for n in range(3))
    allow(newcomer, "receiver.view_event")
    answer = client.post("/events/many/", {"act": "compare", "pk": [b.pk, a.pk]})
    assert answer["Location"] == f"/tasks/diff/?a={a.pk}&b={b.pk}"
    assert "X-N" in client.get(answer["Location"]).content.decode()
    for ticked in ([], [a.pk], [a.pk, b.pk, c.pk]):
        answer = client.post("/events/many/", {"act": "compare", "pk": ticked}, follow=True)
        assert "Tick the two events" in answer.content.decode()


def test_an_event_is_compared_with_the_attempt_before_it(admin_client):
    first, second, other = make_event("a"), make_event("a"), make_event("b")
    page = admin_client.get(f"/events/{second.pk}/").content.decode()
    assert f'href="/tasks/diff/?a={first.pk}&amp;b={second.pk}"' in page
    page = admin_client.get(f"/events/{first.pk}/").content.decode()
    assert f'href="/tasks/diff/?a={second.pk}&amp;b={first.pk}"' in page
    assert "/tasks/diff/" not in admin_client.get(f"/events/{other.pk}/").content.decode()


def test_what_differs_of_two_bodies_is_for_those_who_may_see_them(client, newcomer):
    a, b = make_event("a", body=b"secret one"), make_event("a", body=b"secret two")
    allow(newcomer, "receiver.view_event")
    path = f"/tasks/diff/?a={a.pk}&b={b.pk}"
    page = client.get(path).content.decode()
    assert "secret" not in page
    assert "lacks the permission receiver.view_body" in page
    allow(newcomer, "receiver.view_body")
    assert "secret two" in client.get(path).content.decode()
