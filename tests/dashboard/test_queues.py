"""The queues' pages: limits in words, edits that change only what differs, purge by name."""

import re

import pytest

from dashboard.errors import NotFound, Refused, Unreachable
from tests.dashboard.conftest import DEFAULT, PARENT, make_event, make_queue, make_task

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


def test_the_list_shows_state_limits_and_the_day_s_events(admin_client, cloud):
    make_event(queue="emails")
    page = admin_client.get("/queues/").content.decode()
    assert 'href="/queues/default/"' in page
    assert 'action="/queues/default/pause/"' in page
    assert 'action="/queues/emails/resume/"' in page
    assert "Paused" in page
    assert "0.1 s to 1 h" in page
    assert [int(n) for n in re.findall(r'<td class="n wide">(\d)</td>', page)] == [0, 1]


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


def test_an_edit_sends_only_what_differs(admin_client, cloud):
    typed = unchanged(max_attempts="unlimited", min_backoff="2.5s", max_doublings="")
    answer = admin_client.post("/queues/default/edit/", typed)
    assert answer["Location"] == "/queues/default/"
    changes = {"max_attempts": -1, "min_backoff": 2.5, "max_doublings": None}
    assert cloud.update_queue.call_args.args == (DEFAULT, changes)


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
    answer = admin_client.post("/queues/default/edit/", unchanged(max_attempts="7"))
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
