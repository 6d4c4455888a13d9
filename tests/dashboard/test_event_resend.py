"""Sending an event's request again, and what its page offers for it."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.errors import GatewayError
from dashboard.models import SentTask
from receiver.models import Reply
from tests.dashboard.conftest import allow, make_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(settings):
    settings.RECEIVER_URL = "http://localhost:8080"
    headers = [["Content-Type", "text/plain"], ["X-CloudTasks-TaskName", "abc"], ["X-Odd", "1"]]
    return make_event(body=b"\x00\xff\r\nexact", body_size=9, headers=headers, query="a=1")


def test_it_sends_the_exact_bytes_once(admin_client, cloud, event):
    page = admin_client.get(f"/events/{event.pk}/").content.decode()
    key = re.search(r'name="submission" value="(\w+)"', page)[1]
    for _ in range(2):
        answer = admin_client.post(f"/events/{event.pk}/resend/", {"submission": key})
        sent = SentTask.objects.get()
        assert answer["Location"] == f"/tasks/{sent.pk}/"
    assert cloud.create_task.call_count == 1
    assert bytes(sent.body) == b"\x00\xff\r\nexact"
    assert sent.url == "http://localhost:8080/receive?a=1"
    assert sent.headers == [["Content-Type", "text/plain"], ["X-Odd", "1"]]
    assert (sent.queue_id, sent.method, sent.random_name) == ("default", "POST", True)
    assert sent.account == "tasks@demo.iam.gserviceaccount.com"
    assert sent.task_id != event.task
    entry = LogEntry.objects.get()
    assert entry.change_message == f"Sent again as event {event.pk} was."


def test_another_form_sends_another_task(admin_client, cloud, event):
    for key in ("one", "two"):
        admin_client.post(f"/events/{event.pk}/resend/", {"submission": key})
    assert cloud.create_task.call_count == SentTask.objects.count() == 2


def test_a_failure_is_said_on_the_event(admin_client, cloud, event):
    cloud.create_task.side_effect = GatewayError("The queue is gone.")
    answer = admin_client.post(f"/events/{event.pk}/resend/", follow=True)
    assert answer.redirect_chain[0][0] == f"/events/{event.pk}/"
    assert "Not sent again. The queue is gone." in answer.content.decode()


def test_a_body_larger_than_any_task_is_not_read(admin_client, cloud):
    event = make_event(body=b"x" * 2_000_000, body_size=2_000_000)
    with CaptureQueriesContext(connection) as asked:
        page = admin_client.get(f"/events/{event.pk}/").content.decode()
    assert "It cannot be sent again as it was: 2,000,000 bytes: a task has 1 MiB at most" in page
    whole = re.compile(r'(?<!\()"receiver_event"\."body"(?!_)')
    assert not [query["sql"] for query in asked if whole.search(query["sql"])]


def test_what_cannot_be_a_task_says_why(admin_client, cloud):
    event = make_event(method="TRACE")
    page = admin_client.get(f"/events/{event.pk}/").content.decode()
    assert "It cannot be sent again as it was: A task&#x27;s method is one of" in page
    assert "Re-send as it was" not in page
    answer = admin_client.post(f"/events/{event.pk}/resend/", follow=True)
    assert "Not sent again. A task&#x27;s method is one of" in answer.content.decode()
    assert not SentTask.objects.exists()


@pytest.mark.parametrize(
    "lacking", ["receiver.view_event", "receiver.view_body", "dashboard.add_senttask"]
)
def test_each_permission_is_needed(client, newcomer, cloud, event, lacking):
    needed = {"receiver.view_event", "receiver.view_body", "dashboard.add_senttask"}
    allow(newcomer, *(needed - {lacking}))
    answer = client.post(f"/events/{event.pk}/resend/")
    assert answer.status_code == 403
    assert lacking in answer.content.decode()
    assert not SentTask.objects.exists()


def test_get_does_nothing_and_a_lost_event_is_404(admin_client, cloud, event):
    assert admin_client.get(f"/events/{event.pk}/resend/").status_code == 405
    assert admin_client.post("/events/999999/resend/").status_code == 404


def test_the_page_offers_code_neighbours_and_the_reply(admin_client, cloud, event, settings):
    reply = Reply.objects.create(name="always 500", status=500)
    last = make_event("last", reply=reply, reply_name=reply.name, trace="ab" * 16)
    page = admin_client.get(f"/events/{last.pk}/").content.decode()
    assert "gcloud tasks create-http-task" in page
    assert "curl -X POST" in page
    assert "tasks_v2" in page
    assert f'href="/enqueue/?like=event-{last.pk}"' in page
    assert f'id="older" href="/events/{event.pk}/"' in page
    assert 'id="newer"' not in page
    assert f'href="/replies/{reply.pk}/"' in page
    assert "console.cloud.google.com" not in page
    settings.CLOUD_TASKS_ENDPOINT = ""
    page = admin_client.get(f"/events/{last.pk}/").content.decode()
    assert f"https://console.cloud.google.com/traces/list?project=demo&amp;tid={'ab' * 16}" in page


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("verified", ["Signed by tasks@demo", "signature", "issuer", "audience http://x", "age"]),
        ("iam", ["Sent by tasks@demo", "Cloud Run", "only claimed: "]),
        ("none", ["Not checked who sent it", "signature not checked"]),
    ],
)
def test_the_caller_in_words_with_ticks(admin_client, check, words):
    event = make_event(caller_check=check, caller_audience="http://x")
    page = admin_client.get(f"/events/{event.pk}/").content.decode()
    caller = page.split("<h2>Caller</h2>")[1].split("</section>")[0]
    for word in words:
        assert word in caller


def test_without_the_permission_no_body_and_no_code(client, newcomer):
    allow(newcomer, "receiver.view_event")
    event = make_event(body=b"secret")
    page = client.get(f"/events/{event.pk}/").content.decode()
    assert "secret" not in page
    assert "gcloud" not in page
    assert "receiver.view_body" in page
