"""The queues' pages: limits in words, edits that change only what differs, purge by name."""

import re
from datetime import UTC, datetime

import pytest

from dashboard import cache, gateway
from dashboard.errors import Denied, NotFound, Refused, Unreachable
from dashboard.resources import Depth
from tests.dashboard.conftest import DEFAULT, PARENT, allow, make_event, make_queue, make_task

pytestmark = pytest.mark.django_db
AWAY = Unreachable("The local Cloud Tasks does not answer. Start it with: …")


def unchanged(**changes) -> dict:
    """What the edit form sends of a queue with default limits."""
    values = {
        "max_dispatches_per_second": "500.0",
        "max_concurrent_dispatches": "1000",
        "max_attempts": "100",
        "max_retry_duration": "",
        "min_backoff": "0.1",
        "max_backoff": "3600.0",
        "max_doublings": "16",
    }
    return values | changes


def test_the_list_shows_state_depth_limits_and_the_day_s_events(admin_client, cloud):
    make_event(queue="emails")
    due = datetime(2026, 1, 2, 12, tzinfo=UTC)
    cloud.queue_depths.return_value = {"emails": Depth(tasks=1234, oldest_at=due, running=2)}
    page = admin_client.get("/queues/").content.decode()
    assert 'href="/queues/default/"' in page
    assert 'action="/queues/default/pause/"' in page
    assert 'action="/queues/emails/resume/"' in page
    assert "Paused" in page
    assert "0.1 s to 1 h" in page
    assert [int(n) for n in re.findall(r'<td class="n wide">(\d)</td>', page)] == [0, 1]
    assert '<td class="n">1234<' in page
    assert 'datetime="2026-01-02T12:00:00.000Z"' in page
    assert '<td class="n">–</td>' in page


def test_no_queue_at_all_says_the_first_step(admin_client, cloud):
    cloud.list_queues.return_value = []
    assert "python manage.py create_queue default" in admin_client.get("/queues/").content.decode()


def test_a_queue_s_page_shows_its_limits_in_words_and_its_tasks(admin_client, cloud):
    cloud.list_tasks.return_value = ([make_task(f"{DEFAULT}/tasks/t-1")], "next=&page")
    page = admin_client.get("/queues/default/").content.decode()
    assert "At most 500 a second, 1,000 at a time." in page
    assert "Up to 100 attempts." in page
    assert "0.1 s, 0.2 s, 0.4 s" in page
    assert f"/tasks/by-name/?name={DEFAULT.replace('/', '%2F')}%2Ftasks%2Ft-1" in page
    assert 'href="?page=next%3D%26page"' in page
    admin_client.get("/queues/default/?page=next%3D%26page")
    assert cloud.list_tasks.call_args.args == (DEFAULT, "next=&page")


def test_a_missing_queue_is_404_with_cloud_tasks_own_words(admin_client, cloud):
    cloud.get_queue.side_effect = NotFound("NOT_FOUND: Queue does not exist.")
    answer = admin_client.get("/queues/missing/")
    assert answer.status_code == 404
    assert "NOT_FOUND: Queue does not exist." in answer.content.decode()


@pytest.mark.parametrize("name", ["my_queue", "a.b", "x" * 101, "a%20b"])
def test_what_cannot_be_a_queue_is_404(admin_client, cloud, name):
    assert admin_client.get(f"/queues/{name}/").status_code == 404


@pytest.mark.parametrize(
    "path", ["/queues/", "/queues/default/", "/queues/default/edit/", "/enqueue/", "/"]
)
def test_every_page_works_while_cloud_tasks_is_away(admin_client, cloud, path):
    cloud.list_queues.side_effect = cloud.get_queue.side_effect = AWAY
    answer = admin_client.get(path)
    assert answer.status_code == 200
    assert str(AWAY) in answer.content.decode()


# Changes ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("verb", "call"), [("pause", "pause_queue"), ("resume", "resume_queue")])
def test_pause_and_resume_come_back_to_where_they_were_pressed(admin_client, cloud, verb, call):
    answer = admin_client.post(
        f"/queues/default/{verb}/", headers={"Referer": "http://testserver/"}
    )
    assert getattr(cloud, call).call_args.args == (DEFAULT,)
    assert answer["Location"] == "/"
    elsewhere = {"Referer": "https://evil.example/x"}
    answer = admin_client.post(f"/queues/default/{verb}/", headers=elsewhere)
    assert answer["Location"] == "/queues/"


def test_a_refused_pause_says_why(admin_client, cloud):
    cloud.pause_queue.side_effect = Refused("FAILED_PRECONDITION: no")
    page = admin_client.post("/queues/default/pause/", follow=True).content.decode()
    assert "FAILED_PRECONDITION: no" in page


def test_an_edit_is_reviewed_and_sends_only_what_differs(admin_client, cloud):
    typed = unchanged(max_attempts="unlimited", min_backoff="2.5s", max_doublings="")
    review = admin_client.post("/queues/default/edit/", typed)
    assert not cloud.update_queue.called
    assert review.context["rows"] == [
        {"label": "Attempts", "before": "100", "after": "-1"},
        {"label": "Shortest wait (seconds)", "before": "0.1", "after": "2.5"},
        {"label": "Doublings", "before": "16", "after": "the default"},
    ]
    mask = "retry_config.max_attempts,retry_config.max_doublings,retry_config.min_backoff"
    text = review.content.decode()
    assert mask in text
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', text))
    del sent["csrfmiddlewaretoken"]
    answer = admin_client.post("/queues/default/edit/", sent)
    assert answer["Location"] == "/queues/default/"
    changes = {"max_attempts": -1, "min_backoff": 2.5, "max_doublings": None}
    assert cloud.update_queue.call_args.args == (DEFAULT, changes)


def test_a_queue_that_changed_since_the_review_is_reviewed_again(admin_client, cloud):
    typed = unchanged(max_attempts="7")
    seen = admin_client.post("/queues/default/edit/", typed).context["seen"]
    cloud.get_queue.return_value = make_queue(max_attempts=50)
    again = admin_client.post("/queues/default/edit/", typed | {"seen": seen})
    assert "Somebody has changed the queue meanwhile" in again.content.decode()
    assert again.context["rows"] == [{"label": "Attempts", "before": "50", "after": "7"}]
    assert not cloud.update_queue.called


def test_from_the_review_one_comes_back_to_the_form_as_it_was_typed(admin_client, cloud):
    typed = unchanged(max_attempts="7", seen="x", back="1")
    form = admin_client.post("/queues/default/edit/", typed).context["form"]
    assert form["max_attempts"].value() == "7"
    assert not cloud.update_queue.called


def test_an_edit_without_a_change_sends_nothing(admin_client, cloud):
    page = admin_client.post("/queues/default/edit/", unchanged(), follow=True).content.decode()
    assert "Nothing was changed." in page
    assert not cloud.update_queue.called


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("max_dispatches_per_second", "501", "less than or equal to 500"),
        ("max_dispatches_per_second", "0", "greater than or equal to"),
        ("max_dispatches_per_second", "nan", "Enter a number"),
        ("max_concurrent_dispatches", "5001", "less than or equal to 5000"),
        ("max_attempts", "-2", "greater than or equal to -1"),
        ("max_attempts", "0", "0 as not given"),
        ("max_retry_duration", "-1", "greater than or equal to"),
        ("min_backoff", "soon", "Enter a number"),
        ("min_backoff", "4000", "Longer than the longest wait, 3600 seconds"),
        ("max_backoff", "1e999", "Enter a number"),
        ("max_doublings", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_limit_says_why_beside_it_and_keeps_what_was_typed(
    admin_client, cloud, field, typed, why
):
    answer = admin_client.post("/queues/default/edit/", unchanged(**{field: typed}))
    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert why in form.errors[field][0]
    assert form[field].value() == typed
    assert not cloud.update_queue.called


def test_cloud_tasks_own_refusal_stays_on_the_form(admin_client, cloud):
    cloud.update_queue.side_effect = Refused("INVALID_ARGUMENT: RateLimits cannot be …")
    seen = admin_client.post("/queues/default/edit/", unchanged(max_attempts="7")).context["seen"]
    answer = admin_client.post("/queues/default/edit/", unchanged(max_attempts="7", seen=seen))
    assert "INVALID_ARGUMENT: RateLimits cannot be …" in answer.content.decode()
    assert answer.context["form"]["max_attempts"].value() == "7"


def test_a_queue_is_created_with_what_was_given(admin_client, cloud):
    typed = {"name": "reports", "max_dispatches_per_second": "2"}
    answer = admin_client.post("/queues/_new/", typed)
    assert answer["Location"] == "/queues/reports/"
    limits = {"max_dispatches_per_second": 2.0}
    assert cloud.create_queue.call_args.args == (f"{PARENT}/queues/reports", limits)


def test_a_taken_name_stays_on_the_form(admin_client, cloud):
    cloud.create_queue.side_effect = Refused("ALREADY_EXISTS: Queue already exists")
    page = admin_client.post("/queues/_new/", {"name": "default"}).content.decode()
    assert "ALREADY_EXISTS: Queue already exists" in page


def test_a_bad_name_is_said_beside_it(admin_client, cloud):
    form = admin_client.post("/queues/_new/", {"name": "my_queue"}).context["form"]
    assert list(form.errors) == ["name"]


def test_a_purge_needs_the_queue_s_name(admin_client, cloud):
    assert "for good" in admin_client.get("/queues/default/purge/").content.decode()
    answer = admin_client.post("/queues/default/purge/", {"name": "defualt"})
    assert "Nothing has been deleted" in answer.content.decode()
    assert not cloud.purge_queue.called
    answer = admin_client.post("/queues/default/purge/", {"name": "default"})
    assert answer["Location"] == "/queues/default/"
    assert cloud.purge_queue.call_args.args == (DEFAULT,)


def test_a_deletion_needs_the_queue_s_name_and_says_that_it_rests(admin_client, cloud):
    cloud.queue_depths.return_value = {"default": Depth(tasks=3, oldest_at=None, running=0)}
    page = admin_client.get("/queues/default/delete/").content.decode()
    assert "Its name rests for days" in page
    assert "<b>3</b> tasks" in page
    answer = admin_client.post("/queues/default/delete/", {"name": "defualt"})
    assert "Nothing has been deleted" in answer.content.decode()
    assert not cloud.delete_queue.called
    answer = admin_client.post("/queues/default/delete/", {"name": "default"})
    assert answer["Location"] == "/queues/"
    assert cloud.delete_queue.call_args.args == (DEFAULT,)


def test_a_refused_deletion_says_why(admin_client, cloud):
    cloud.delete_queue.side_effect = Refused("NOT_FOUND: gone", "NOT_FOUND")
    page = admin_client.post("/queues/default/delete/", {"name": "default"}).content.decode()
    assert "NOT_FOUND: gone" in page


def test_to_purge_alone_is_not_to_delete(client, newcomer, cloud):
    allow(newcomer, "dashboard.view_queue", "dashboard.purge_queue")
    assert "Delete…" not in client.get("/queues/default/").content.decode()
    assert client.get("/queues/default/delete/").status_code == 403
    allow(newcomer, "dashboard.change_queue")
    assert "Delete…" in client.get("/queues/default/").content.decode()


def test_pages_do_without_the_depth_where_it_is_refused(admin_client, cloud):
    cloud.queue_depths.side_effect = Denied("PERMISSION_DENIED: beta")
    for path in ("/queues/", "/queues/default/", "/queues/default/purge/"):
        assert admin_client.get(path).status_code == 200


def test_a_real_queue_is_filled_counted_and_deleted(admin_client, real_cloud):
    admin_client.post("/queues/_new/", {"name": "short-lived"})
    gateway.pause_queue(f"{PARENT}/queues/short-lived")
    admin_client.post(
        "/enqueue/", {"queue": "short-lived", "url": "http://localhost:1", "account": ""}
    )
    cache.clear()
    page = admin_client.get("/queues/short-lived/").content.decode()
    assert "1 task, 0 being dispatched" in page
    admin_client.post("/queues/short-lived/delete/", {"name": "short-lived"})
    assert admin_client.get("/queues/short-lived/").status_code == 404
    page = admin_client.post("/queues/_new/", {"name": "short-lived"}).content.decode()
    assert "FAILED_PRECONDITION" in page


def test_a_queue_s_limits_are_prefilled(admin_client, cloud):
    cloud.get_queue.return_value = make_queue(max_retry_duration=60.0, max_attempts=-1)
    page = admin_client.get("/queues/default/edit/").content.decode()
    assert 'name="max_attempts" value="-1"' in page
    assert 'name="max_retry_duration" value="60.0"' in page


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/\\evil.example"])
def test_no_action_leads_off_the_site(admin_client, cloud, path):
    headers = {"Referer": f"http://testserver{path}"}
    answer = admin_client.post("/queues/default/pause/", headers=headers)
    assert "evil" not in answer["Location"]
