"""The door to Cloud Tasks: against the real emulator, and against answers that it cannot give."""

import socket
import time
import uuid
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from google.api_core import exceptions as api
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import tasks_v2
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from dashboard import gateway
from dashboard.drafts import Draft
from dashboard.errors import (
    Denied,
    NoCredentials,
    NotFound,
    Refused,
    UnknownOutcome,
    Unreachable,
)
from dashboard.forms import EnqueueForm
from tests.dashboard.conftest import DEFAULT, PARENT

COMMAND = "Start it with: python manage.py runemulator"


def draft(**changes) -> Draft:
    name = f"{changes.get('queue', DEFAULT)}/tasks/{uuid.uuid4().hex}"
    later = datetime.now(UTC) + timedelta(hours=1)
    values = {"name": name, "queue": DEFAULT, "url": "http://localhost:1/", "schedule_time": later}
    return Draft(**(values | changes))


@pytest.fixture
def queue(real_cloud):
    """The full name of a new queue."""
    return gateway.create_queue(f"{PARENT}/queues/q-{uuid.uuid4().hex}", {}).name


# The real one -----------------------------------------------------------------------------
def test_a_task_is_created_exactly_and_read_back(real_cloud, queue):
    sent = draft(
        queue=queue,
        url="http://localhost:1/x?y",
        method="PUT",
        headers=[("X-One", "1")],
        body=b"\x00\xff",
        account="tasks@demo.iam.gserviceaccount.com",
        audience="http://localhost:1",
    )
    gateway.create_task(sent, random_name=True)
    task = gateway.get_task(sent.name)
    assert (task.name, task.url, task.method) == (sent.name, sent.url, "PUT")
    assert abs(task.schedule_time - sent.schedule_time) < timedelta(seconds=1)
    assert (task.dispatch_count, task.first_attempt_at) == (0, None)
    assert type(task.schedule_time) is datetime


def test_tasks_are_listed_page_by_page(real_cloud, queue):
    names = {draft(queue=queue).name for _ in range(5)}
    for name in names:
        gateway.create_task(draft(queue=queue, name=name), random_name=True)
    found, token = gateway.list_tasks(queue, "", 3)
    more, end = gateway.list_tasks(queue, token, 3)
    assert (len(found), len(more), end) == (3, 2, "")
    assert {task.name for task in found + more} == names


def test_a_queue_takes_limits_and_an_update_changes_only_what_it_names(queue):
    gateway.update_queue(queue, {"max_attempts": 5, "min_backoff": 2.5})
    changed = gateway.update_queue(queue, {"max_dispatches_per_second": 0.5})
    assert (changed.max_attempts, changed.min_backoff) == (5, 2.5)
    assert changed.max_dispatches_per_second == 0.5
    assert changed.max_concurrent_dispatches == 1000
    back = gateway.update_queue(queue, {"max_attempts": None})
    assert (back.max_attempts, back.min_backoff) == (100, 2.5)


def test_pause_resume_and_purge(queue):
    assert gateway.pause_queue(queue).state == "PAUSED"
    assert not gateway.get_queue(queue).running
    gateway.create_task(draft(queue=queue), random_name=True)
    assert gateway.purge_queue(queue).purge_time
    assert gateway.resume_queue(queue).running
    assert gateway.list_tasks(queue) == ([], "")


def test_a_change_of_ours_shows_at_once_in_the_list(real_cloud):
    before = {queue.id for queue in gateway.list_queues()}
    name = f"q-{uuid.uuid4().hex}"
    gateway.create_queue(f"{PARENT}/queues/{name}", {})
    assert {queue.id for queue in gateway.list_queues()} - before == {name}


def test_the_refusals_of_the_real_one_come_with_its_text(real_cloud):
    with pytest.raises(NotFound, match=r"^NOT_FOUND: Queue does not exist\."):
        gateway.create_task(draft(queue=f"{PARENT}/queues/missing"), random_name=True)
    with pytest.raises(NotFound, match="NOT_FOUND: Requested entity was not found"):
        gateway.get_task(draft().name)
    with pytest.raises(Refused, match="ALREADY_EXISTS: Queue already exists"):
        gateway.create_queue(DEFAULT, {})
    with pytest.raises(Refused, match="minBackoff must be less than or equal"):
        gateway.update_queue(DEFAULT, {"min_backoff": 10, "max_backoff": 1})


def test_a_taken_name_is_refused_at_the_first_try(real_cloud, queue):
    taken = draft(queue=queue)
    gateway.create_task(taken, random_name=False)
    with pytest.raises(Refused, match="ALREADY_EXISTS"):
        gateway.create_task(taken, random_name=False)
    gateway.create_task(taken, random_name=True, maybe_sent=True)  # ours after all


@examples(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@example(body="", value="\r", name="", path="", method="POST")
@example(body="", value="\n", name="", path="", method="POST")
@example(body="", value="\nA:b\n", name="", path="", method="POST")
@given(
    body=st.text(max_size=200),
    value=st.text(st.characters(max_codepoint=130), max_size=12),
    name=st.text("aZ0_-", max_size=20) | st.text(max_size=5),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=130), max_size=12),
    method=st.sampled_from(["POST", "GET", "DELETE"]),
)
def test_any_form_is_refused_or_stored_byte_for_byte(real_cloud, body, value, name, path, method):
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    form = EnqueueForm(
        {
            "queue": "default",
            "method": method,
            "url": f"http://localhost:1/{path}",
            "headers": f"X-Value: {value}",
            "body": body,
            "schedule_time": later,
            "name": name and f"{uuid.uuid4().hex}{name}",
        }
    )
    if not form.is_valid():
        assert form.errors
        return
    gateway.create_task(form.draft, random_name=not name)
    full = {"name": form.draft.name, "response_view": 2}
    request = gateway._client().get_task(request=full).http_request
    assert (request.url, request.http_method.name) == (form.draft.url, method)
    assert request.body == body.replace("\r\n", "\n").encode()
    stored = dict(request.headers)
    assert stored.pop("User-Agent") == "Google-Cloud-Tasks"
    typed = f"X-Value: {value}".replace("\r\n", "\n").split("\n")
    lines = [line.partition(":") for line in typed if line.strip(" \t")]
    assert stored == {name.strip(" \t"): text.strip(" \t") for name, _, text in lines}


# Nobody there -----------------------------------------------------------------------------
@pytest.fixture
def nobody(settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.CLOUD_TASKS_ENDPOINT = f"127.0.0.1:{free.getsockname()[1]}"
        yield settings.CLOUD_TASKS_ENDPOINT


@pytest.mark.parametrize(
    "call",
    [
        lambda: gateway.list_queues(),
        lambda: gateway.get_task(f"{DEFAULT}/tasks/a"),
        lambda: gateway.pause_queue(DEFAULT),
        lambda: gateway.create_task(draft(), random_name=True),
    ],
)
def test_an_emulator_that_is_not_running_is_said_at_once_with_its_command(nobody, call):
    started = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        call()
    assert str(caught.value) == f"The local Cloud Tasks at {nobody} does not answer. {COMMAND}"
    assert time.monotonic() - started < 5


def test_one_that_takes_connections_and_never_answers_is_left_after_the_deadline(
    settings, monkeypatch
):
    monkeypatch.setattr(gateway, "READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings.CLOUD_TASKS_ENDPOINT = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(Unreachable):
            gateway.list_queues()


def test_google_without_credentials_is_one_sentence(settings, monkeypatch):
    settings.CLOUD_TASKS_ENDPOINT = ""
    missing = Mock(side_effect=DefaultCredentialsError("a long story"))
    monkeypatch.setattr("google.auth.default", missing)
    monkeypatch.setattr("google.auth._default.default", missing)
    with pytest.raises(NoCredentials, match="gcloud auth application-default login"):
        gateway.list_queues()


# Answers that get lost --------------------------------------------------------------------
@pytest.fixture
def client(monkeypatch):
    """A client whose create_task answers as told, and no waiting between tries."""
    client = Mock(spec_set=["create_task", "get_task"])
    monkeypatch.setattr(gateway, "_client", lambda: client)
    monkeypatch.setattr(gateway, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(gateway, "LONGEST_WAIT", 0.001)
    return client


def names_tried(client):
    return {call.kwargs["task"]["name"] for call in client.create_task.call_args_list}


@pytest.mark.parametrize(
    "lost", [api.DeadlineExceeded, api.ServiceUnavailable, api.Unknown, api.Cancelled]
)
def test_a_lost_answer_is_asked_again_under_the_same_name(client, lost):
    client.create_task.side_effect = [lost("gone"), lost("gone"), None]
    gateway.create_task(draft(), random_name=True)
    assert client.create_task.call_count == 3
    assert len(names_tried(client)) == 1
    assert client.create_task.call_args.kwargs["timeout"] <= gateway.TRY_SECONDS


def test_already_exists_after_a_lost_answer_is_success_for_a_name_of_ours(client):
    client.create_task.side_effect = [api.DeadlineExceeded("gone"), api.AlreadyExists("there")]
    gateway.create_task(draft(), random_name=True)


def test_already_exists_after_a_lost_answer_is_unknown_for_a_typed_name(client):
    client.create_task.side_effect = [api.DeadlineExceeded("gone"), api.AlreadyExists("there")]
    with pytest.raises(UnknownOutcome):
        gateway.create_task(draft(), random_name=False)


def test_the_tries_end_with_an_unknown_outcome(client, monkeypatch):
    monkeypatch.setattr(gateway, "ALL_SECONDS", 0.05)
    client.create_task.side_effect = api.DeadlineExceeded("gone")
    with pytest.raises(UnknownOutcome, match="DEADLINE_EXCEEDED"):
        gateway.create_task(draft(), random_name=True)
    assert client.create_task.call_count > 1


def test_a_connection_refused_after_a_lost_answer_stays_unknown(client):
    away = api.ServiceUnavailable("failed to connect to all addresses")
    client.create_task.side_effect = [api.DeadlineExceeded("gone"), away]
    with pytest.raises(UnknownOutcome):
        gateway.create_task(draft(), random_name=True)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (api.PermissionDenied("lacks cloudtasks.tasks.create"), Denied),
        (api.Unauthenticated("no"), Denied),
        (api.NotFound("Queue does not exist."), NotFound),
        (api.InvalidArgument("Task size too large"), Refused),
        (api.FailedPrecondition("no"), Refused),
        (api.ResourceExhausted("Received message larger than max (5 vs. 4)"), Refused),
    ],
)
def test_a_refusal_is_not_asked_again(client, error, ours):
    client.create_task.side_effect = error
    with pytest.raises(ours, match=error.message.split("(")[0]):
        gateway.create_task(draft(), random_name=True)
    assert client.create_task.call_count == 1


def test_an_exhausted_quota_is_asked_again(client):
    client.create_task.side_effect = [api.ResourceExhausted("Quota exceeded"), None]
    gateway.create_task(draft(), random_name=True)
    assert client.create_task.call_count == 2


def test_the_client_is_made_once(monkeypatch, settings):
    made = Mock(side_effect=lambda endpoint, *kinds: object())
    monkeypatch.setattr(gateway, "_make_client", made)
    monkeypatch.setattr(gateway, "_clients", {})
    settings.CLOUD_TASKS_ENDPOINT = "127.0.0.1:1"
    assert gateway._client() is gateway._client()
    assert made.call_count == 1


def test_a_read_is_kept_for_some_seconds(client):
    client.get_task.side_effect = api.ServiceUnavailable("away")
    for _ in range(3):
        with pytest.raises(Unreachable):
            gateway.get_task(f"{DEFAULT}/tasks/a")
    assert client.get_task.call_count == 1


def test_that_a_task_is_not_there_is_asked_anew_as_it_may_be_made_meanwhile(client):
    client.get_task.side_effect = [api.NotFound("no"), tasks_v2.Task(name="made")]
    with pytest.raises(NotFound):
        gateway.get_task(f"{DEFAULT}/tasks/a")
    assert gateway.get_task(f"{DEFAULT}/tasks/a").name == "made"
