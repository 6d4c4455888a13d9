"""A task's page: both ends on one line, for any task, whoever sent it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.errors import NotFound
from receiver.models import Refusal
from tests.dashboard.conftest import DEFAULT, allow, make_event, make_queue, make_sent, make_task

pytestmark = pytest.mark.django_db
GONE = NotFound("NOT_FOUND: The task no longer exists, though ... existed recently.", "NOT_FOUND")
NEVER = NotFound("NOT_FOUND: Requested entity was not found.", "NOT_FOUND")
NAME = f"{DEFAULT}/tasks/stranger"


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def text(client, path: str, **query) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, answer
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_the_whole_line_is_told_with_lateness_and_round_trip(admin_client, cloud, admin_user):
    sent = make_sent("t-1", created_by=admin_user, created_at=ago(seconds=60))
    came = sent.created_at + timedelta(seconds=2)
    make_event("t-1", status=503, took_us=12_000, received_at=came, eta=came - timedelta(seconds=1))
    audience = "http://localhost:8080"
    second = came + timedelta(seconds=7)
    make_event("t-1", retry_count=1, took_us=1500, caller_audience=audience, received_at=second)
    cloud.get_task.side_effect = GONE
    page = text(admin_client, f"/tasks/{sent.pk}/")
    parts = [
        "Lateness 1 s",
        "Round trip 9 s",
        "Attempts twice tried, 2 arrived here",
        "Sent by admin",
        "Attempt 1: answered 503 Service Unavailable",
        "1 s after it was due",
        "Got POST /receive, 5 bytes; answered within 12 ms",
        "Signed by tasks@demo.iam.gserviceaccount.com",
        "signature",
        "Attempt 2: answered 200 OK",
        "7 s after the one before",
        "audience http://localhost:8080",
        "Done",
        "9 s after it was sent",
    ]
    start = 0
    for part in parts:
        assert part in page[start:], part
        start += page[start:].index(part)


def test_a_caller_that_was_not_checked_has_no_ticks(admin_client, cloud):
    sent = make_sent(state="done", ended_at=ago(), created_at=ago(minutes=1))
    make_event(caller_check="none")
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert "Not checked who sent it" in page
    assert '<li class="no">' in page
    assert '<li class="yes">' not in page


def test_a_waiting_task_says_why_with_a_link_and_a_countdown(admin_client, cloud):
    sent = make_sent()
    soon = datetime.now(UTC) + timedelta(minutes=5)
    cloud.get_queue.return_value = make_queue(state="PAUSED")
    cloud.get_task.side_effect = lambda name: make_task(
        name, schedule_time=soon, create_time=datetime.now(UTC)
    )
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert "The queue default is paused" in page
    assert 'href="/queues/default/"' in page
    assert f'data-until="{soon.isoformat()}"' in page
    assert ">in 5 min<" in page


def test_a_refused_task_names_the_reason_and_what_mends_it(admin_client, cloud):
    cloud.get_task.side_effect = GONE
    sent = make_sent(created_at=ago(minutes=2))
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    Refusal.objects.create(reason="audience", minute=minute, count=1, queue="default", task="abc")
    page = text(admin_client, f"/tasks/{sent.pk}/")
    assert "Never arrived" in page
    assert "This receiver turned it away (as the request claimed): Token for another" in page
    assert "--oidc-token-audience=http://localhost:8080" in page


# Any task -----------------------------------------------------------------------------------
def test_a_task_of_another_program_has_the_same_page(admin_client, cloud):
    made, soon = ago(minutes=3), datetime.now(UTC) + timedelta(minutes=3)
    cloud.get_task.side_effect = lambda name: make_task(
        name,
        create_time=made,
        dispatch_count=1,
        response_count=1,
        schedule_time=soon,
        headers=(("X-Shop", "berlin"),),
        account="other@x.iam.gserviceaccount.com",
    )
    event = make_event("stranger", status=500, received_at=ago(minutes=2))
    answer = admin_client.get("/tasks/by-name/", {"name": NAME})
    page = answer.content.decode()
    for part in ("Created by another program", "Attempt 1: answered 500", "Next attempt", "X-Shop"):
        assert part in page
    assert "other@x.iam.gserviceaccount.com" in page
    assert f"?like=event-{event.pk}" in page
    assert f'action="/events/{event.pk}/resend/"' in page
    assert 'action="/tasks/run/"' in page
    poll = re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert admin_client.get(poll, headers={"HX-Request": "true"}).status_code == 204


def test_a_short_id_leads_to_its_task(admin_client, cloud):
    sent = make_sent("mine")
    make_event("theirs", queue="emails")
    for text_, where in (
        ("mine", f"/tasks/{sent.pk}/"),
        (
            "theirs",
            "/tasks/by-name/?name=" + f"{DEFAULT[:-7]}emails/tasks/theirs".replace("/", "%2F"),
        ),
        ("nowhere", "/tasks/by-name/?name=" + f"{DEFAULT}/tasks/nowhere".replace("/", "%2F")),
    ):
        assert admin_client.get("/tasks/by-name/", {"name": text_})["Location"] == where


def test_an_id_that_several_tasks_have_asks_which(admin_client, cloud):
    make_event("twin", queue="emails")
    make_event("twin", queue="orders")
    page = text(admin_client, "/tasks/by-name/", name="twin")
    assert "Several tasks have this id" in page
    assert "queues/emails/tasks/twin" in page
    assert "queues/orders/tasks/twin" in page


def test_events_help_to_find_a_task_only_who_may_see_them(client, newcomer, cloud):
    make_event("theirs", queue="emails")
    allow(newcomer, "dashboard.view_senttask")
    assert "default" in client.get("/tasks/by-name/", {"name": "theirs"})["Location"]


def test_a_task_that_never_was_says_so_and_one_that_ended_too(admin_client, cloud):
    cloud.get_task.side_effect = NEVER
    page = text(admin_client, "/tasks/by-name/", name=NAME)
    assert "Requested entity was not found" in page
    assert "Run now" not in page
    cloud.get_task.side_effect = GONE
    assert "Ended, unknown how" in text(admin_client, "/tasks/by-name/", name=f"{NAME}-2")


def test_links_into_the_console_are_there_on_google_s_service_alone(
    admin_client, cloud, settings, monkeypatch
):
    sent = make_sent()
    assert "console.cloud.google.com" not in admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    settings.CLOUD_TASKS_ENDPOINT = ""
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    base = "https://console.cloud.google.com"
    of_queue = admin_client.get("/queues/default/").content.decode()
    assert f"{base}/cloudtasks/queue/us-central1/default/tasks?project=demo" in of_queue
    assert f"{base}/cloudtasks/queue/us-central1/default/tasks?project=demo" in page
    logs = re.search(rf'href="({base}/logs/query;query=[^"]+)"', page)[1]
    assert "resource.type%3D%22cloud_tasks_queue%22" in logs
    assert "resource.labels.queue_id%3D%22default%22" in logs
    assert "%22abc%22" in logs
    assert "timestamp%3E%3D" in logs
    assert "sampling ratio" in page


# Report -------------------------------------------------------------------------------------
def test_the_report_holds_the_line_and_nothing_one_may_not_see(client, clerk, cloud):
    cloud.get_task.side_effect = GONE
    sent = make_sent(
        "t-1",
        created_at=ago(minutes=1),
        body=b"the | ``` body",
        headers=[["X-One", "1"], ["X-Api-Key", "hidden-value"]],
    )
    make_event("t-1", status=500, retry_reason="<img> | pipe @all")
    found = client.get(f"/tasks/{sent.pk}/report/?download=1")
    assert found["Content-Disposition"] == 'attachment; filename="task-t-1.md"'
    report = found.content.decode()
    assert "# Task `t-1`" in report
    assert "- State: **Gave up** at" in report
    assert "| Attempt 1: answered 500 Internal Server Error |" in report
    assert r"Reason given: \<img\> \| pipe \@all" in report
    assert "Signed by tasks\\@demo" in report
    assert "- `X-One: 1`" in report
    assert "hidden-value" not in report
    assert "````\nthe | ``` body\n````" in report
    clerk.user_permissions.clear()
    allow(clerk, "dashboard.view_senttask")
    report = client.get(f"/tasks/{sent.pk}/report/?download=1").content.decode()
    assert "``` body" not in report
    assert "answered 500" not in report


def test_a_report_can_be_had_of_any_task_and_read_on_a_page(admin_client, cloud):
    cloud.get_task.side_effect = GONE
    make_event("stranger")
    page = text(admin_client, "/tasks/by-name/report/", name=NAME)
    assert "Attempt 1: answered 200 OK" in page
    assert admin_client.get("/tasks/by-name/report/", {"name": "x y"}).status_code == 302


# Two attempts -------------------------------------------------------------------------------
def test_two_attempts_are_compared_and_only_what_differs_is_shown(admin_client, cloud):
    one = make_event("t-1", status=503, body=b'{"a": 1, "b": 2}', reply_name="Fails 3 times")
    two = make_event("t-1", retry_count=1, body=b'{"a": 1, "b": 3}', headers=[["X-New", "yes"]])
    page = text(admin_client, "/tasks/diff/", a=one.pk, b=two.pk)
    for part in ("Answered 503 200", "By the reply Fails 3 times", "X-New yes", "Host localhost"):
        assert part in page
    assert 'changed "b": 2 "b": 3' in page.replace("&quot;", '"')
    assert "Got" not in page


def test_what_is_compared_is_inert_and_needs_its_permissions(client, clerk, cloud):
    one = make_event("t-1", body=b"<script>alert(1)</script>secret")
    two = make_event("t-1", body=b"plain")
    page = client.get(f"/tasks/diff/?a={one.pk}&b={two.pk}").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;secret" in page
    clerk.user_permissions.remove(clerk.user_permissions.get(codename="view_body"))
    page = client.get(f"/tasks/diff/?a={one.pk}&b={two.pk}").content.decode()
    assert "secret" not in page
    assert "lacks the permission receiver.view_body" in page
    clerk.user_permissions.remove(clerk.user_permissions.get(codename="view_event"))
    assert client.get(f"/tasks/diff/?a={one.pk}&b={two.pk}").status_code == 403


def test_an_event_leads_to_the_task_that_another_program_sent(admin_client, cloud):
    where = 'href="/tasks/by-name/?name=projects%2Fdemo%2F'
    theirs, none = make_event("t-1"), make_event("t-2", queue="no queue's name!")
    assert where in admin_client.get(f"/events/{theirs.pk}/").content.decode()
    assert where not in admin_client.get(f"/events/{none.pk}/").content.decode()


@pytest.mark.parametrize("query", ["", "?a=1", "?a=x&b=y", "?a=999999&b=999999"])
def test_two_events_must_be_named_to_be_compared(admin_client, cloud, query):
    assert admin_client.get(f"/tasks/diff/{query}").status_code == 404
