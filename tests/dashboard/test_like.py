"""`?like=`: the form filled from a task or an event, and what cannot be typed kept as it is."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard import gateway, like
from dashboard.models import SentTask
from tests.dashboard.conftest import PARENT, allow, make_event, make_sent

pytestmark = pytest.mark.django_db
BYTES = b"\xff\x00\r\nno text"


def filled(client, key: str):
    answer = client.get(f"/enqueue/?like={key}")
    assert answer.status_code == 200
    form = answer.context["form"]
    return {field.name: field.value() for field in form}, answer


def test_a_sent_task_fills_the_form_and_says_what_was_left_out(admin_client, cloud):
    sent = make_sent(
        "abc",
        random_name=False,
        queue=f"{PARENT}/queues/emails",
        url="http://localhost:8080/receive?a=b",
        method="PUT",
        headers=[["Content-Type", "application/json"], ["X-One", "1"]],
        body='{"naïve": "☕"}\n'.encode(),
        schedule_time=datetime(2026, 1, 2, 9, tzinfo=UTC),
        account="me@demo.iam.gserviceaccount.com",
    )
    fields, answer = filled(admin_client, f"task-{sent.pk}")
    page = answer.content.decode()
    assert fields["queue"] == "emails"
    assert (fields["method"], fields["url"]) == ("PUT", "http://localhost:8080/receive?a=b")
    assert fields["headers"] == "Content-Type: application/json\nX-One: 1"
    assert fields["body"] == '{"naïve": "☕"}\n'
    assert (fields["schedule_time"], fields["name"] or "") == ("", "")
    assert fields["account"] == "me@demo.iam.gserviceaccount.com"
    assert f'Filled from <a href="/tasks/{sent.pk}/">task abc</a>' in page
    assert "The name abc: a name is used once." in page
    assert "The time 2026-01-02 09:00:00 UTC: it has passed." in page
    assert 'name="like"' not in page
    assert "--queue=emails" in page
    assert not cloud.create_task.called


def test_a_time_to_come_and_another_location_are_kept(admin_client, cloud):
    later = datetime.now(UTC) + timedelta(days=1)
    elsewhere = "projects/other/locations/europe-west1/queues/default"
    sent = make_sent("abc", schedule_time=later, queue=elsewhere)
    fields, answer = filled(admin_client, f"task-{sent.pk}")
    assert (fields["schedule_time"], fields["queue"]) == (later.isoformat(), elsewhere)
    assert f"<option selected>{elsewhere}</option>" in answer.content.decode()


def test_an_event_fills_the_form_without_secrets_and_what_the_way_adds(admin_client, cloud):
    event = make_event(
        "from-elsewhere",
        method="PATCH",
        path="/receive/orders%20x",
        query="a=1&token=<masked, sha256 01234567>&b=2",
        headers=[
            ["Host", "localhost"],
            ["Content-Length", "5"],
            ["User-Agent", "Google-Cloud-Tasks"],
            ["Authorization", "Bearer <masked, sha256 01234567>"],
            ["X-CloudTasks-TaskName", "from-elsewhere"],
            ["X-Forwarded-For", "192.0.2.1"],
            ["Traceparent", "00-0-0-01"],
            ["X-Api-Key", "<masked, sha256 89abcdef>"],
            ["X-Odd", "caf\u00e9"],
            ["Content-Type", "text/plain"],
        ],
    )
    fields, answer = filled(admin_client, f"event-{event.pk}")
    page = answer.content.decode()
    assert fields["url"] == "http://localhost:8080/receive/orders%20x?a=1&b=2"
    assert (fields["method"], fields["headers"]) == ("PATCH", "Content-Type: text/plain")
    assert (fields["queue"], fields["body"]) == ("default", "hello")
    assert f'<a href="/events/{event.pk}/">event {event.pk} of task from-elsewhere</a>' in page
    for left_out in (
        "Set by Cloud Tasks or on the way: Host, Content-Length, User-Agent, Authorization, "
        "X-CloudTasks-TaskName, X-Forwarded-For, Traceparent.",
        "A secret, which was masked before it was saved: X-Api-Key.",
        "Masked in the URL: token.",
        "Not plain ASCII: X-Odd.",
        "The name from-elsewhere: a name is used once.",
    ):
        assert left_out in page


@pytest.mark.parametrize("kind", ["task", "event"])
def test_bytes_that_cannot_be_typed_are_sent_as_they_are(admin_client, real_cloud, kind):
    make = {"task": make_sent, "event": make_event}[kind]
    key = f"{kind}-{make(body=BYTES, body_size=len(BYTES)).pk}"
    fields, answer = filled(admin_client, key)
    assert (fields["body"], fields["like"]) == (None, key)
    assert f"Send the {len(BYTES)} bytes of {key} as they are" in answer.content.decode()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    data = {"queue": "default", "url": "http://localhost:1/", "schedule_time": later, "body": ""}
    code = admin_client.post("/enqueue/code/", data | {"like": key}).content.decode()
    assert "--body-file=body.bin" in code
    admin_client.post("/enqueue/", data | {"like": key})
    sent = SentTask.objects.latest("id")
    request = {"name": sent.name, "response_view": 2}
    assert gateway._client().get_task(request=request).http_request.body == BYTES
    admin_client.post("/enqueue/", data | {"like": key, "body": "text instead"})
    assert bytes(SentTask.objects.latest("id").body) == b"text instead"
    admin_client.post("/enqueue/", data)
    assert bytes(SentTask.objects.latest("id").body) == b""


def test_bytes_that_are_gone_by_then_are_said_at_the_body(admin_client, cloud):
    data = {"queue": "default", "url": "http://localhost:8080", "like": "event-999", "body": ""}
    form = admin_client.post("/enqueue/", data).context["form"]
    assert form.errors == {"body": ["The bytes that this form was filled from are there no more."]}
    assert not cloud.create_task.called


@pytest.mark.parametrize(
    ("body", "typed"),
    [
        (b"", ""),
        (b"\n\na\tb\n", "\n\na\tb\n"),
        ("☕\u2028\x0b".encode(), "☕\u2028\x0b"),
        (b"a\r\nb", None),
        (b"a\rb", None),
        (b"a\0b", None),
        (b"\xff", None),
        ("\ud800".encode("utf-8", "surrogatepass"), None),
    ],
)
def test_what_can_be_typed(body, typed):
    assert like.as_typed(body) == typed


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("task-999", "There is no task 999 any more."),
        ("event-999", "There is no event 999 any more."),
        ("queue-1", "filled from task-ID"),
        ("task-x", "filled from task-ID"),
        ("task-" + "9" * 40, "filled from task-ID"),
    ],
)
def test_a_reference_that_leads_nowhere_is_said_above_an_empty_form(
    admin_client, cloud, key, sentence
):
    answer = admin_client.get("/enqueue/", {"like": key})
    assert answer.status_code == 404
    assert sentence in answer.content.decode()
    assert answer.context["form"]["queue"].value() == "default"


def test_what_may_not_be_seen_fills_nothing(client, newcomer, cloud):
    allow(newcomer, "dashboard.add_senttask")
    secret = {"body": b"a secret", "body_size": 8}
    task, event = f"task-{make_sent(**secret).pk}", f"event-{make_event(**secret).pk}"
    for key, permission in ((task, "dashboard.view_senttask"), (event, "receiver.view_event")):
        answer = client.get(f"/enqueue/?like={key}")
        assert answer.status_code == 403
        assert permission in answer.content.decode()
        allow(newcomer, permission)
        fields, answer = filled(client, key)
        assert "lacks the permission receiver.view_body" in answer.content.decode()
        assert "a secret" not in answer.content.decode()
        code = client.post("/enqueue/code/", {"like": key}).content.decode()
        assert "a secret" not in code
