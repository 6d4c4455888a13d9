"""The enqueue form: sent once, shown where it went, every mistake beside its field."""

import re
from datetime import UTC, datetime

import pytest
from django.db import OperationalError

from dashboard.errors import NoCredentials, NotFound, Refused, UnknownOutcome, Unreachable
from dashboard.models import SentTask
from tests.dashboard.conftest import DEFAULT

pytestmark = pytest.mark.django_db
GOOD = {
    "queue": "default",
    "method": "PUT",
    "url": "http://localhost:8080/receive?a=b",
    "headers": "Content-Type: application/json\r\nX-One: 1",
    "body": '{\r\n "note": "naïve ☕"\r\n}',
    "schedule_time": "2026-12-01 09:00",
    "name": "my-task",
    "account": "tasks@demo.iam.gserviceaccount.com",
    "zone": "Europe/Berlin",
    "submission": "once",
}


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 24, 12, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("dashboard.rules.datetime", Clock)


def test_a_task_is_sent_exactly_as_typed_and_its_page_shown(admin_client, admin_user, cloud):
    answer = admin_client.post("/enqueue/", GOOD)
    sent = SentTask.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/tasks/{sent.pk}/"
    (draft,), options = cloud.create_task.call_args
    assert draft == sent.draft
    assert options == {"random_name": False, "maybe_sent": False}
    assert draft.name == sent.name == f"{DEFAULT}/tasks/my-task"
    assert (draft.queue, draft.method, draft.url) == (DEFAULT, "PUT", GOOD["url"])
    assert draft.headers == [("Content-Type", "application/json"), ("X-One", "1")]
    assert draft.body == '{\n "note": "naïve ☕"\n}'.encode()
    assert draft.schedule_time == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert (draft.account, draft.audience) == (GOOD["account"], "http://localhost:8080")
    assert (sent.answer, sent.created_by, sent.submission) == ("created", admin_user, "once")
    assert sent.body_size == len(draft.body)


def test_an_empty_form_has_the_laptop_s_defaults(admin_client, cloud):
    page = admin_client.get("/enqueue/").content.decode()
    assert "<option selected>default</option>" in page
    assert 'value="http://localhost:8080"' in page
    assert 'value="tasks@demo.iam.gserviceaccount.com"' in page
    assert re.search(r'name="submission" value="[0-9a-f]{32}"', page)


def test_the_least_that_can_be_sent(admin_client, cloud):
    admin_client.post("/enqueue/", {"queue": "default", "url": "http://localhost:8080"})
    sent = SentTask.objects.get()
    assert re.fullmatch("[0-9a-f]{32}", sent.task_id)
    assert (sent.method, sent.headers, bytes(sent.body)) == ("POST", [], b"")
    assert sent.account == "tasks@demo.iam.gserviceaccount.com"
    assert cloud.create_task.call_args.kwargs["random_name"] is True


def test_no_account_means_no_token(admin_client, cloud):
    admin_client.post("/enqueue/", GOOD | {"account": ""})
    assert (SentTask.objects.get().account, SentTask.objects.get().audience) == ("", "")


def test_the_audience_cannot_be_typed(admin_client, cloud):
    admin_client.post("/enqueue/", GOOD | {"audience": "https://victim.example"})
    assert SentTask.objects.get().audience == "http://localhost:8080"


def test_the_row_is_there_before_the_call(admin_client, cloud):
    seen = []
    cloud.create_task.side_effect = lambda *_, **__: seen.append(SentTask.objects.get().answer)
    admin_client.post("/enqueue/", GOOD)
    assert seen == ["pending"]


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("queue", "", "required"),
        ("queue", "my_queue", "letters, digits and hyphens"),
        ("method", "BREW", "one of POST"),
        ("url", "", "required"),
        ("url", "ftp://x", "must start with http"),
        ("url", "http://a@b/", "user name or password"),
        ("url", " http://localhost/", "no spaces"),
        ("url", "http://x/é", "percent-encode"),
        ("url", f"http://{'a' * 64}.example/", "1 to 63"),
        ("url", "http://a..example/", "1 to 63"),
        ("account", f"a@{'b' * 320}.example", "at most 320"),
        ("headers", "Host: x", "set by Cloud Tasks"),
        ("headers", "broken", "Name: value"),
        ("body", "a\0b", "Null characters"),
        ("schedule_time", "yesterday", "Write a time"),
        ("schedule_time", "2020-01-01 00:00", "in the past"),
        ("schedule_time", "2027-01-01 00:00", "30 days"),
        ("name", "a b", "1 to 500"),
        ("name", "a\0b", "Null characters"),
        ("account", "somebody", "service account looks like"),
    ],
)
def test_a_wrong_field_says_why_beside_it_and_keeps_what_was_typed(
    admin_client, cloud, field, typed, why
):
    answer = admin_client.post("/enqueue/", GOOD | {field: typed})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    part = re.search(
        rf'<div class="field wrong">\s*<label for="id_{field}">.*?errorlist.*?</ul>', page, re.S
    )
    assert part, page
    assert why in part[0].replace("&#x27;", "'")
    for kept, value in (GOOD | {field: typed}).items():
        assert answer.context["form"][kept].value() == value
    assert not cloud.create_task.called
    assert not SentTask.objects.exists()


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("0001-01-01T00:00:00+14:00", ""),
        ("9999-12-31T23:59:59-14:00", ""),
        ("0001-01-01 00:00", "Asia/Tokyo"),
        ("9999-12-31 23:59", "America/New_York"),
    ],
)
def test_a_time_at_the_edge_of_the_calendar_is_said_beside_it(admin_client, cloud, typed, zone):
    data = GOOD | {"schedule_time": typed, "zone": zone}
    form = admin_client.post("/enqueue/", data).context["form"]
    assert "No such time" in form.errors["schedule_time"][0]
    assert admin_client.post("/enqueue/code/", data).status_code == 200


def test_a_body_without_a_method_for_it_is_named_at_the_body(admin_client, cloud):
    form = admin_client.post("/enqueue/", GOOD | {"method": "GET"}).context["form"]
    assert list(form.errors) == ["body"]


def test_a_body_over_the_limit_says_how_large_it_is_and_may_be(admin_client, cloud):
    answer = admin_client.post("/enqueue/", GOOD | {"body": "x" * 1_100_000})
    assert "1,100,000 bytes; beside this name" in answer.context["form"].errors["body"][0]
    assert b"x" * 1_100_000 in answer.content


def test_with_google_a_token_for_another_target_is_refused_at_the_account(
    admin_client, cloud, settings
):
    settings.CLOUD_TASKS_ENDPOINT = ""
    form = admin_client.post("/enqueue/", GOOD | {"url": "https://evil.example/"}).context["form"]
    assert list(form.errors) == ["account"]


def test_the_same_form_sent_twice_is_one_task(admin_client, cloud):
    first, second = (admin_client.post("/enqueue/", GOOD) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert cloud.create_task.call_count == 1
    assert SentTask.objects.count() == 1


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (NotFound("NOT_FOUND: Queue does not exist.", "NOT_FOUND"), "queue"),
        (Refused("ALREADY_EXISTS: Requested entity already exists", "ALREADY_EXISTS"), "__all__"),
        (Unreachable("The local Cloud Tasks does not answer."), "__all__"),
        (NoCredentials("There are no Google credentials."), "__all__"),
    ],
)
def test_a_refusal_stays_on_the_form_with_cloud_tasks_own_words(admin_client, cloud, error, field):
    cloud.create_task.side_effect = error
    answer = admin_client.post("/enqueue/", GOOD)
    assert answer.context["form"].errors == {field: [str(error)]}
    assert str(error) in answer.content.decode()
    assert answer.context["form"]["body"].value() == GOOD["body"]
    sent = SentTask.objects.get()
    assert (sent.answer, sent.answer_text, sent.state) == ("refused", str(error), "")
    key = answer.context["form"]["submission"].value()
    assert key != "once"
    cloud.create_task.side_effect = None
    admin_client.post("/enqueue/", GOOD | {"submission": key})
    assert SentTask.objects.filter(answer="created").count() == 1


def test_a_lost_answer_leads_to_the_task_s_page_which_says_so(admin_client, cloud):
    cloud.create_task.side_effect = UnknownOutcome("Nobody knows.")
    cloud.get_task.side_effect = Unreachable("away")
    page = admin_client.post("/enqueue/", GOOD, follow=True)
    assert SentTask.objects.get().answer == "unknown"
    assert "The answer was lost: it may exist" in page.content.decode()
    assert "Send again under the same name" in page.content.decode()


def test_a_get_of_the_root_is_sent_with_a_warning(admin_client, cloud):
    typed = GOOD | {"method": "GET", "body": "", "url": "http://localhost:8080/"}
    page = admin_client.post("/enqueue/", typed, follow=True).content.decode()
    assert "no such double life" in page


def test_the_form_works_while_cloud_tasks_is_away(admin_client, cloud):
    cloud.list_queues.side_effect = Unreachable("Start it with: python manage.py runemulator")
    page = admin_client.get("/enqueue/").content.decode()
    assert "python manage.py runemulator" in page
    assert '<input type="text" name="queue" id="id_queue" value="default"' in page


def test_the_code_follows_what_is_typed(admin_client, cloud):
    page = admin_client.post("/enqueue/code/", GOOD).content.decode()
    assert "--url=&#x27;http://localhost:8080/receive?a=b&#x27;" in page
    assert "create-http-task my-task" in page
    assert (
        "my-task" not in admin_client.post("/enqueue/code/", GOOD | {"name": ""}).content.decode()
    )


def test_half_a_form_still_makes_code(admin_client, cloud):
    page = admin_client.post("/enqueue/code/", {"url": "htt", "headers": "x"}).content.decode()
    assert "--url=http://localhost:8080" in page
    assert admin_client.post("/enqueue/code/", {}).status_code == 200


def test_without_a_database_nothing_is_sent_and_what_was_typed_is_kept(
    admin_client, cloud, monkeypatch
):
    def away(*_, **__):
        raise OperationalError("away")

    monkeypatch.setattr("dashboard.models.SentTask.objects.prepare", away)
    answer = admin_client.post("/enqueue/", GOOD)
    assert "The database cannot be reached; nothing was sent." in answer.content.decode()
    assert answer.context["form"]["body"].value() == GOOD["body"]
    assert not cloud.create_task.called


@pytest.mark.parametrize(("field", "length"), [("zone", 61), ("submission", 65)])
def test_an_error_of_a_hidden_field_is_shown_at_the_top(admin_client, cloud, field, length):
    typed = GOOD | {"schedule_time": "", field: "x" * length}
    page = admin_client.post("/enqueue/", typed).content.decode()
    assert f'role="alert">{field.capitalize()}: Ensure' in page


# Nothing lost -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("body", "other"),
        ("url", "http://localhost:8080/other"),
        ("queue", "emails"),
        ("name", "other"),
        ("name", ""),
        ("schedule_time", ""),
        ("account", ""),
        ("headers", "X-Two: 2"),
    ],
)
def test_a_form_sent_again_with_another_field_says_so_and_is_sent_by_the_next_press(
    admin_client, cloud, field, typed
):
    admin_client.post("/enqueue/", GOOD)
    first = SentTask.objects.get()
    answer = admin_client.post("/enqueue/", GOOD | {field: typed})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<a href="/tasks/{first.pk}/">my-task</a>' in page
    assert "has not been sent" in page
    form = answer.context["form"]
    assert form[field].value() == typed
    assert SentTask.objects.count() == 1
    again = GOOD | {field: typed, "submission": form["submission"].value()}
    assert admin_client.post("/enqueue/", again).status_code == 302
    assert SentTask.objects.count() == 2


def test_a_form_without_a_name_sent_twice_is_one_task(admin_client, cloud):
    first, second = (admin_client.post("/enqueue/", GOOD | {"name": ""}) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert SentTask.objects.count() == 1


def test_a_body_of_3_mb_comes_back_with_a_sentence_beside_it(admin_client, cloud):
    answer = admin_client.post("/enqueue/", GOOD | {"body": "x" * 3_000_000})
    assert answer.status_code == 200
    assert "3,000,000 bytes" in answer.context["form"].errors["body"][0]
    assert b"x" * 3_000_000 in answer.content


def test_a_form_too_large_to_be_read_has_a_page_that_says_what_to_do(admin_client, cloud):
    answer = admin_client.post("/enqueue/", GOOD | {"body": "x" * 9_000_000})
    page = answer.content.decode()
    assert answer.status_code == 413
    assert "larger than 8.0\xa0MB and was not read: nothing has been done" in page
    assert "--body-file" in page
    assert 'id="nav-sidebar"' in page
    assert not SentTask.objects.exists()


def test_after_the_session_the_code_says_so_and_the_page_stays(client, cloud):
    answer = client.post("/enqueue/code/", GOOD, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "HX-Refresh" not in answer
    assert "You are logged out. What you typed is still here" in answer.content.decode()
    assert GOOD["body"] not in answer.content.decode()
