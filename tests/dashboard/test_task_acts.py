"""What can be done to one task, each with its permission and its entry in the admin's log."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry

from dashboard.errors import NotFound, Unreachable
from dashboard.models import SentTask
from tests.dashboard.conftest import DEFAULT, allow, make_sent, make_task

pytestmark = pytest.mark.django_db
NAME = f"{DEFAULT}/tasks/abc"
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")


def logged() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("id").values_list("object_repr", "change_message"))


def test_a_task_is_run_now_once_however_often_it_is_pressed(admin_client, cloud):
    sent = make_sent()
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    key = page.partition('name="key" value="')[2].partition('"')[0]
    for _ in range(2):
        answer = admin_client.post("/tasks/run/", {"name": NAME, "key": key})
        assert answer["Location"] == f"/tasks/{sent.pk}/"
    cloud.run_task.assert_called_once_with(NAME)
    assert logged() == [("abc", "Run now.")]


def test_a_run_that_failed_can_be_tried_again(admin_client, cloud):
    cloud.run_task.side_effect = Unreachable("away")
    for _ in range(2):
        admin_client.post("/tasks/run/", {"name": NAME, "key": "k"})
    assert cloud.run_task.call_count == 2
    assert logged()[0] == (NAME, "Run now. Failed: away")


def test_a_task_that_has_ended_cannot_be_run(admin_client, cloud):
    cloud.run_task.side_effect = GONE
    cloud.get_task.side_effect = GONE
    page = admin_client.post("/tasks/run/", {"name": NAME}, follow=True).content.decode()
    assert "The task has ended." in page


def test_cancelling_asks_first_and_deletes_then(admin_client, cloud):
    sent = make_sent()
    page = admin_client.get("/tasks/cancel/", {"name": NAME}).content.decode()
    assert "is deleted from its queue for good" in page
    assert not cloud.delete_task.called
    answer = admin_client.post("/tasks/cancel/", {"name": NAME})
    assert answer["Location"] == f"/tasks/{sent.pk}/"
    cloud.delete_task.assert_called_once_with(NAME)
    assert logged() == [("abc", "Cancelled.")]


def test_the_same_bytes_are_sent_again_once_under_a_new_name(admin_client, cloud):
    soon = datetime.now(UTC) + timedelta(hours=1)
    for body, due, expected in ((b"\x00\r\n\xff", soon, soon), (b"x", soon - timedelta(1), None)):
        sent = make_sent(
            f"t-{len(body)}",
            body=body,
            headers=[["X-One", "1"], ["x-one", "2"]],
            schedule_time=due,
            account="tasks@demo.iam.gserviceaccount.com",
            audience="old",
            method="PUT",
        )
        for _ in range(2):
            answer = admin_client.post(f"/tasks/{sent.pk}/resend/", {"submission": "once"})
        copy = SentTask.objects.first()
        assert answer["Location"] == f"/tasks/{copy.pk}/"
        (draft,), _ = cloud.create_task.call_args
        assert (draft.body, draft.headers, draft.method) == (body, sent.draft.headers, "PUT")
        assert draft.name != sent.name
        assert draft.name.startswith(f"{DEFAULT}/tasks/")
        assert (draft.schedule_time, draft.audience) == (expected, "http://localhost:8080")
    assert cloud.create_task.call_count == 2
    assert f"Sent again as task {sent.pk} (t-1) was." in logged()[1][1]


def test_a_token_is_sent_again_only_to_targets_that_may_have_one(admin_client, cloud, settings):
    settings.CLOUD_TASKS_ENDPOINT = ""
    sent = make_sent(url="https://elsewhere.example/", account="a@b.iam.gserviceaccount.com")
    page = admin_client.post(f"/tasks/{sent.pk}/resend/", follow=True).content.decode()
    assert "Not sent again. A token goes only to" in page
    assert not cloud.create_task.called
    assert SentTask.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/tasks/run/", "dashboard.change_senttask"),
        ("/tasks/local/twice/", "dashboard.change_senttask"),
        ("/tasks/local/forward/", "dashboard.change_senttask"),
        ("/tasks/cancel/", "dashboard.delete_senttask"),
        ("/tasks/901/resend/", "dashboard.add_senttask"),
    ],
)
def test_each_act_has_its_permission_and_is_shown_to_who_has_it(
    client, clerk, cloud, path, permission
):
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=datetime.now(UTC))
    make_sent(id=901)
    assert path not in client.get("/tasks/901/").content.decode()
    assert client.post(path, {"name": NAME}).status_code == 403
    assert logged() == []
    allow(clerk, permission)
    assert (path in client.get("/tasks/901/").content.decode()) == ("local" not in path)
    assert client.post(path, {"name": NAME}).status_code == 302


def test_an_act_is_never_done_by_a_get_and_needs_a_name(admin_client, cloud):
    for path in ("/tasks/run/", "/tasks/local/twice/", "/tasks/local/forward/"):
        assert admin_client.get(path, {"name": NAME}).status_code == 405
        assert admin_client.post(path, {"name": "x"}).status_code == 404
    assert admin_client.get("/tasks/cancel/", {"name": "x"}).status_code == 404
