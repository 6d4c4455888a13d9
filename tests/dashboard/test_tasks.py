"""What was sent and what became of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from dashboard import cache
from dashboard.errors import NotFound, Refused, UnknownOutcome, Unreachable
from dashboard.models import SentTask
from dashboard.refresh import refresh
from receiver.models import Refusal
from tests.dashboard.conftest import DEFAULT, make_event, make_sent, make_task

pytestmark = pytest.mark.django_db
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")


def state(sent: SentTask) -> tuple[str, bool]:
    sent.refresh_from_db()
    return sent.state, bool(sent.ended_at)


# Refreshing -------------------------------------------------------------------------------
def test_a_task_that_is_there_is_remembered_with_its_counts(cloud):
    sent, moment = make_sent(), datetime(2026, 11, 24, 12, tzinfo=UTC)
    cloud.get_task.side_effect = lambda name: make_task(
        name, dispatch_count=3, response_count=3, last_attempt_at=moment, last_attempt_text="no"
    )
    assert refresh([sent]) == ""
    assert state(sent) == ("retrying", False)
    assert (sent.dispatch_count, sent.response_count) == (3, 3)
    assert (sent.last_attempt_at, sent.last_attempt_text) == (moment, "no")
    assert sent.seen_at


def test_a_task_that_is_gone_with_a_success_is_done(cloud):
    sent = make_sent()
    make_event(retry_count=2)
    cloud.get_task.side_effect = GONE
    refresh([sent])
    assert state(sent) == ("done", True)
    assert sent.dispatch_count == 3


def test_events_of_an_earlier_task_with_the_same_name_do_not_count(cloud):
    sent = make_sent()
    make_event(received_at=datetime.now(UTC) - timedelta(hours=2))
    make_event(queue="another")
    cloud.get_task.side_effect = GONE
    refresh([sent])
    assert state(sent) == ("not arrived", True)


def test_a_finished_task_is_not_asked_about(cloud):
    sent = make_sent(state="done", ended_at=datetime.now(UTC))
    refresh([sent])
    assert not cloud.get_task.called


def test_when_cloud_tasks_is_away_the_events_still_count_and_it_is_asked_once(cloud):
    cloud.get_task.side_effect = Unreachable("away")
    arrived, waiting = make_sent("a"), make_sent("b")
    make_event("a", received_at=datetime.now(UTC))
    assert refresh([arrived, waiting]) == "away"
    assert cloud.get_task.call_count == 1
    assert state(arrived) == ("done", True)
    assert state(waiting) == ("waiting", False)


def test_when_cloud_tasks_is_away_a_state_stays_as_it_was(cloud):
    cloud.get_task.side_effect = Unreachable("away")
    soon = datetime.now(UTC) + timedelta(hours=1)
    tasks = [make_sent(name, state="retrying", next_attempt_at=soon) for name in ("a", "b")]
    refresh(tasks)
    assert [state(sent) for sent in tasks] == [("retrying", False)] * 2


def test_when_cloud_tasks_is_away_an_event_from_before_the_row_ends_nothing(cloud):
    cloud.get_task.side_effect = Unreachable("away")
    sent = make_sent()
    make_event()
    refresh([sent])
    assert state(sent) == ("waiting", False)


def twice() -> tuple[SentTask, SentTask, datetime]:
    """Return two tasks of one name, the first sent three hours before the second."""
    now = datetime.now(UTC)
    first = make_sent(created_at=now - timedelta(hours=3))
    return first, make_sent(created_at=now - timedelta(minutes=5)), now


def test_a_later_task_s_events_do_not_end_the_earlier_of_the_name(admin_client, cloud):
    first, second, now = twice()
    make_event(received_at=now)
    cloud.get_task.side_effect = GONE
    refresh([second, first])
    assert (state(first), state(second)) == (("not arrived", True), ("done", True))
    page = admin_client.get(f"/tasks/{first.pk}/").content.decode()
    assert "answered 200 OK" not in page


def test_an_earlier_task_s_events_do_not_end_the_later_of_the_name(cloud):
    first, second, now = twice()
    make_event(received_at=now - timedelta(hours=2))
    cloud.get_task.side_effect = GONE
    refresh([second, first])
    assert (state(first), state(second)) == (("done", True), ("not arrived", True))


def test_what_cloud_tasks_tells_of_the_later_task_is_not_the_earlier_s(cloud):
    first, second, now = twice()
    made = now - timedelta(minutes=5, seconds=2)  # a clock may be a little behind
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=made, dispatch_count=7)
    refresh([second, first])
    assert state(first) == ("not arrived", True)
    assert state(second) == ("retrying", False)
    assert (first.dispatch_count, second.dispatch_count) == (0, 7)


def test_a_lost_answer_is_not_settled_by_an_older_task_of_the_name(cloud):
    sent = make_sent(answer="unknown", state="unknown")
    refresh([sent])
    assert (state(sent), sent.answer) == (("unknown", False), "unknown")


@pytest.mark.parametrize(
    ("url", "turned_away", "end", "words"),
    [
        ("http://localhost:8080", False, "cancelled", "deleted or purged before its time"),
        ("http://localhost:8080", True, "not arrived", "This receiver turned it away"),
        ("https://elsewhere.example/", False, "unknown", "deleted, purged, or run early"),
    ],
)
def test_a_task_gone_before_its_time_was_not_always_deleted(
    admin_client, cloud, url, turned_away, end, words
):
    cloud.get_task.side_effect = GONE
    sent = make_sent(url=url, schedule_time=datetime.now(UTC) + timedelta(hours=1))
    if turned_away:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        Refusal.objects.create(
            reason="key", minute=minute, count=1, queue="default", task=sent.task_id
        )
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert state(sent) == (end, True)
    assert words in page


def test_a_lost_answer_is_settled_by_the_task_itself(cloud):
    sent = make_sent(answer="unknown", answer_text="lost", state="unknown")
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=datetime.now(UTC))
    refresh([sent])
    sent.refresh_from_db()
    assert (sent.answer, sent.answer_text, sent.state) == ("created", "", "waiting")


def test_a_lost_answer_whose_task_is_not_there_stays_unknown(cloud):
    cloud.get_task.side_effect = GONE
    sent = make_sent(answer="unknown", state="unknown")
    refresh([sent])
    assert state(sent) == ("unknown", False)


def test_refreshing_costs_the_same_queries_however_many_tasks(cloud):
    def cost(count):
        tasks = [make_sent(f"t{count}-{n}") for n in range(count)]
        with CaptureQueriesContext(connection) as found:
            refresh(tasks, limit=count)
        return len([q for q in found if "SAVEPOINT" not in q["sql"]])

    assert cost(2) == cost(30) <= 4


def test_a_database_that_cannot_be_written_is_said(admin_client, cloud, monkeypatch):
    def away(*_, **__):
        raise OperationalError("read-only")

    sent = make_sent(state="unknown")
    monkeypatch.setattr("dashboard.refresh.SentTask.objects.bulk_update", away)
    assert "could not be written" in refresh([sent])
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert "could not be written" in page


# The list ---------------------------------------------------------------------------------
def test_the_list_shows_states_and_refreshes_the_unfinished_rows_alone(admin_client, cloud):
    done = make_sent("done-1", state="done", ended_at=datetime.now(UTC))
    make_sent("no-1", answer="refused", state="", ended_at=datetime.now(UTC))
    make_sent("open-1")
    page = admin_client.get("/tasks/").content.decode()
    assert f'href="/tasks/{done.pk}/">done-1</a>' in page
    assert "Not created" in page
    assert [call.args[0] for call in cloud.get_task.call_args_list] == [f"{DEFAULT}/tasks/open-1"]


def test_a_state_is_a_filter(admin_client, cloud):
    make_sent("done-1", state="done", ended_at=datetime.now(UTC))
    make_sent("no-1", answer="refused", state="", ended_at=datetime.now(UTC))
    assert "done-1" in admin_client.get("/tasks/?state=done").content.decode()
    page = admin_client.get("/tasks/?state=not+created").content.decode()
    assert "no-1" in page
    assert "done-1" not in page
    for odd in ("nonsense", "x" * 999):
        assert admin_client.get(f"/tasks/?state={odd}").status_code == 200


def test_pages_go_by_key(admin_client, cloud):
    for n in range(60):
        make_sent(f"t{n}", state="done", ended_at=datetime.now(UTC))
    page = admin_client.get("/tasks/").content.decode()
    older = re.search(r'id="older" href="([^"]+)"', page)[1].replace("&amp;", "&")
    found = re.findall(
        r'href="/tasks/(\d+)/"', admin_client.get(f"/tasks/{older}").content.decode()
    )
    assert len(found) == 10


def test_the_list_costs_the_same_queries_however_many_rows(admin_client, cloud):
    def cost():
        cache.clear()
        with CaptureQueriesContext(connection) as found:
            admin_client.get("/tasks/")
        return len([q for q in found if "SAVEPOINT" not in q["sql"]])

    make_sent("a", answer="created", state="waiting")
    few = cost()
    for n in range(30):
        make_sent(f"t{n}")
    assert cost() <= few + 1  # the one UPDATE of all that changed


def test_no_task_at_all_says_the_first_step(admin_client, cloud):
    assert 'Nothing has been sent from here yet. <a href="/enqueue/">' in (
        admin_client.get("/tasks/").content.decode()
    )


# One task ---------------------------------------------------------------------------------
def test_a_task_s_page_joins_both_ends(admin_client, cloud, admin_user):
    sent = make_sent("t-1", created_by=admin_user, headers=[["X-One", "1"]], body=b'{"a": 1}')
    make_event("t-1", status=503)
    make_event("t-1", retry_count=1)
    Refusal.objects.create(
        reason="account",
        minute=datetime.now(UTC),
        count=2,
        queue="default",
        task="t-1",
        account="x@y.z",
    )
    cloud.get_task.side_effect = GONE
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    times = [
        page.index(part)
        for part in (
            "Sent by admin",
            "Attempt 1: answered 503",
            "Attempt 2: answered 200 OK",
            "Turned away: Token of another account",
            "<strong>Done</strong>",
            "s after it was sent",
        )
    ]
    assert times == sorted(times)
    assert f"{DEFAULT}/tasks/t-1" in page
    assert '<dt class="mono">X-One</dt>' in page
    assert "gcloud tasks create-http-task t-1" in page
    assert "hx-trigger" not in re.search('<div id="task-live".*?>', page)[0]


def test_a_task_s_page_is_live_until_it_ends(admin_client, cloud):
    sent = make_sent("t-1")
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    poll = re.search(r'hx-get="(/tasks/\d+/\?seen=\w+)"', page)[1]
    htmx = {"HX-Request": "true"}
    assert admin_client.get(poll, headers=htmx).status_code == 204
    make_event("t-1", received_at=datetime.now(UTC))
    cloud.get_task.side_effect = GONE
    answer = admin_client.get(poll, headers=htmx)
    assert answer.status_code == 200
    assert "Attempt 1: answered 200 OK" in answer.content.decode()
    assert "hx-trigger" not in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_task_that_vanished_says_what_that_may_mean(admin_client, cloud):
    cloud.get_task.side_effect = GONE
    here = make_sent("a")
    elsewhere = make_sent("b", url="https://elsewhere.example/")
    early = make_sent("c", schedule_time=datetime.now(UTC) + timedelta(hours=1))
    pages = [admin_client.get(f"/tasks/{s.pk}/").content.decode() for s in (here, elsewhere, early)]
    assert "nothing of it was stored here" in pages[0]
    assert "how it ended is not told" in pages[1]
    assert "deleted or purged before its time" in pages[2]


def test_a_task_s_page_works_while_cloud_tasks_is_away(admin_client, cloud):
    cloud.get_task.side_effect = Unreachable("Start it with: python manage.py runemulator")
    page = admin_client.get(f"/tasks/{make_sent().pk}/")
    assert page.status_code == 200
    assert "python manage.py runemulator" in page.content.decode()


# Asking again -----------------------------------------------------------------------------
def test_a_lost_task_can_be_sent_again_under_the_same_name(admin_client, cloud):
    sent = make_sent(answer="unknown")
    answer = admin_client.post(f"/tasks/{sent.pk}/again/")
    assert answer["Location"] == f"/tasks/{sent.pk}/"
    (draft,), options = cloud.create_task.call_args
    assert (draft.name, options) == (sent.name, {"random_name": True, "maybe_sent": True})
    sent.refresh_from_db()
    assert sent.answer == "created"


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": "created"},
        {"answer": "refused"},
        {"answer": "unknown", "created_at": datetime.now(UTC) - timedelta(hours=1)},
        {"answer": "pending"},
    ],
)
def test_only_a_lost_and_young_answer_can_be_asked_for_again(admin_client, cloud, changes):
    sent = make_sent(**changes)
    page = admin_client.post(f"/tasks/{sent.pk}/again/", follow=True).content.decode()
    assert "can no longer be sent again" in page
    assert not cloud.create_task.called


@pytest.mark.parametrize("error", [UnknownOutcome("lost"), Refused("INVALID_ARGUMENT: no")])
def test_asking_again_in_vain_leaves_it_unknown_and_says_so(admin_client, cloud, error):
    cloud.create_task.side_effect = error
    cloud.get_task.side_effect = Unreachable("away")
    sent = make_sent(answer="unknown")
    page = admin_client.post(f"/tasks/{sent.pk}/again/", follow=True).content.decode()
    assert str(error) in page
    sent.refresh_from_db()
    assert sent.answer == "unknown"


# Any task by its name ---------------------------------------------------------------------
NAME = f"{DEFAULT}/tasks/stranger"


def by_name(client, name):
    return client.get("/tasks/by-name/", {"name": name})


def test_any_task_is_shown_by_its_full_name(admin_client, cloud):
    make_event("stranger", status=500)
    cloud.get_task.side_effect = lambda name: make_task(name, url="https://x.example/y")
    page = by_name(admin_client, NAME).content.decode()
    assert "POST https://x.example/y" in page
    assert "Attempt 1: answered 500" in page


def test_a_task_sent_from_here_leads_to_its_own_page(admin_client, cloud):
    sent = make_sent("mine")
    assert by_name(admin_client, sent.name)["Location"] == f"/tasks/{sent.pk}/"


def test_a_task_that_is_gone_shows_what_arrived_of_it(admin_client, cloud):
    cloud.get_task.side_effect = GONE
    make_event("stranger")
    page = by_name(admin_client, NAME).content.decode()
    assert "The task no longer exists" in page
    assert "Attempt 1: answered 200" in page


def test_a_lookup_works_while_cloud_tasks_is_away(admin_client, cloud):
    cloud.get_task.side_effect = Unreachable("away just now")
    answer = by_name(admin_client, NAME)
    assert answer.status_code == 200
    assert "away just now" in answer.content.decode()


@pytest.mark.parametrize("name", ["x y", "<script>", f"{DEFAULT}/tasks/a b"])
def test_what_is_no_name_is_said(admin_client, cloud, name):
    answer = by_name(admin_client, name)
    assert answer.status_code == 400
    assert "full name" in answer.content.decode()
    assert "<script>" not in answer.content.decode()
    assert not cloud.get_task.called


def test_no_name_asks_for_one(admin_client, cloud):
    assert admin_client.get("/tasks/by-name/").status_code == 200
