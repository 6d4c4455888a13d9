"""What gave up, whoever sent it: found by its last event and by Cloud Tasks' word."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import gave_up
from dashboard.errors import NotFound, Unreachable
from receiver.models import Event
from tests.dashboard.conftest import allow, make_event, make_sent, make_task

pytestmark = pytest.mark.django_db
PATH = "/tasks/gave-up/"
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


@pytest.fixture(autouse=True)
def _gone(cloud):
    """Cloud Tasks has no task but those that are called alive."""

    def look(name):
        if "alive" in name:
            return make_task(name, dispatch_count=1, response_count=1)
        raise GONE

    cloud.get_task.side_effect = look


def failed(task: str, attempts: int = 1, **changes) -> None:
    for n in range(attempts):
        make_event(task, **{"status": 500, "retry_count": n} | changes)


def found(*, before: int | None = None) -> list[str]:
    return [row.event.task for row in gave_up.find(None, before).rows]


def test_a_task_of_ours_and_one_of_another_program_are_told(admin_client, admin_user):
    sent = make_sent("ours", created_by=admin_user, created_at=ago(minutes=1))
    failed("ours", 3, reply_name="Always 500")
    failed("theirs", path="/hook", preview="{order: 1}")
    page = admin_client.get(PATH).content.decode()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert text.index("Gave up theirs") < text.index("Gave up ours")
    assert "Gave up ours Answered 500 Internal Server Error queue default, last tried" in text
    assert "3 attempts, sent by admin; answered by the reply Always 500." in text
    assert "POST /hook {order: 1} 1 attempt, sent by another program." in text
    assert f'href="/tasks/{sent.pk}/"' in page
    assert f"?like=task-{sent.pk}" in page
    assert "/tasks/by-name/?name=projects%2Fdemo%2F" in page
    assert f'action="/tasks/{sent.pk}/resend/"' in page
    assert f'action="/events/{Event.objects.latest("id").pk}/resend/"' in page
    sent.refresh_from_db()
    assert sent.state == "gave up"
    poll = re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert admin_client.get(poll, headers={"HX-Request": "true"}).status_code == 204


def test_what_succeeded_is_tried_still_or_was_cancelled_is_not_there():
    failed("worked-at-last")
    make_event("worked-at-last", retry_count=1)
    failed("alive")
    make_sent("alive-ours", created_at=ago(minutes=1))
    failed("alive-ours")
    make_sent("cancelled", state="cancelled", ended_at=ago(), created_at=ago(minutes=1))
    failed("cancelled")
    make_event("done-then-once-more")
    failed("done-then-once-more")
    failed("")  # of no task
    failed("no-queue", queue="no queue's name!")
    failed("gone")
    assert found() == ["gone"]


def test_a_name_that_is_used_again_is_another_task():
    make_event("again", received_at=ago(hours=3))
    failed("again")
    assert found() == ["again"]


def test_of_a_queue_that_is_none_of_ours_it_is_not_sure(admin_client):
    failed("far", queue="elsewhere")
    page = admin_client.get(PATH).content.decode()
    assert "none of ours" not in page
    assert "not one of this project and location" in page
    assert "pill-info" in page


def test_pages_go_on_where_they_ended_and_none_is_told_twice():
    for n in range(25):
        failed(f"t-{n}", 2)
    first = gave_up.find(None, None)
    assert [row.event.task for row in first.rows] == [f"t-{n}" for n in range(24, 4, -1)]
    assert first.before
    assert found(before=first.before) == [f"t-{n}" for n in range(4, -1, -1)]


def test_a_period_leaves_out_what_is_older(admin_client):
    failed("old", received_at=ago(hours=3))
    assert ">old<" not in admin_client.get(f"{PATH}?period=1h").content.decode()
    assert ">old<" in admin_client.get(f"{PATH}?period=24h").content.decode()


def test_where_cloud_tasks_is_away_it_is_said_and_nothing_claimed(admin_client, cloud):
    cloud.get_task.side_effect = Unreachable("It does not answer.")
    failed("who-knows")
    page = admin_client.get(PATH).content.decode()
    assert "It does not answer." in page
    assert "who-knows" not in page
    assert "Nothing has given up" not in page


def test_nothing_there_is_said(admin_client):
    assert "Nothing has given up in this time." in admin_client.get(PATH).content.decode()


def test_it_costs_as_many_queries_for_a_page_as_for_one(django_assert_max_num_queries):
    for n in range(30):
        failed(f"t-{n}")
    with django_assert_max_num_queries(6):
        assert len(found()) == 20


def test_it_needs_the_permissions_for_tasks_and_for_events(client, newcomer):
    allow(newcomer, "dashboard.view_senttask")
    assert client.get(PATH).status_code == 403
    assert PATH not in client.get("/tasks/").content.decode()
    allow(newcomer, "receiver.view_event")
    failed("seen", preview="the secret")
    page = client.get(PATH).content.decode()
    assert ">seen<" in page
    assert "the secret" not in page
    assert "?like=" not in page
    allow(newcomer, "dashboard.add_senttask")
    assert "Send again as it was" not in client.get(PATH).content.decode()
