"""The RPCs on tasks, through the official client to a real process. Nothing here is dispatched."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument
from google.cloud import tasks_v2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from emulator.task_rules import LARGEST_TASK
from tests.emulator.contract import SKEW
from tests.emulator.wires import EVERY_WIRE, emulator_only, fresh, refuses, said, types_of

WIRES = EVERY_WIRE
URL = "http://127.0.0.1:9/task"
FULL, BASIC = int(tasks_v2.Task.View.FULL), int(tasks_v2.Task.View.BASIC)
GONE = (
    "The task no longer exists, though a task with this name existed recently. The task either "
    "successfully completed or was deleted."
)
EXISTED = (
    "The task cannot be created because a task with this name existed too recently. For more "
    "information about task de-duplication see https://cloud.google.com/tasks/docs/reference/rest/"
    "v2/projects.locations.queues.tasks/create#body.request_body.FIELDS.task."
)
NOT_FOUND = "Requested entity was not found."


def test_a_created_task_is_answered_with_what_the_service_adds(client, paused):
    before = datetime.now(UTC) - SKEW
    task = client.create_task(
        parent=paused,
        task={
            "http_request": {
                "url": f"{URL}?a=b",
                "body": b"\x00\xff exact",
                "headers": {"content-type": "text/x", "X-Mixed-Case": "Kept", "user-agent": "me"},
            }
        },
    )
    raw = types_of(client).Task.pb(task)
    assert task.name.startswith(f"{paused}/tasks/")
    assert task.name.rpartition("/")[2].isdigit()
    assert task.http_request.url == f"{URL}?a=b"
    assert task.http_request.http_method == int(tasks_v2.HttpMethod.POST)
    assert dict(task.http_request.headers) == {
        "content-type": "text/x",
        "X-Mixed-Case": "Kept",
        "User-Agent": "Google-Cloud-Tasks",
    }
    assert task.http_request.body == b""  # the basic view
    assert task.view == BASIC
    assert raw.create_time.nanos == 0
    assert before - timedelta(seconds=1) <= task.create_time <= datetime.now(UTC) + SKEW
    assert before <= task.schedule_time <= datetime.now(UTC) + SKEW
    assert task.dispatch_deadline == timedelta(minutes=10)
    assert (task.dispatch_count, task.response_count) == (0, 0)
    assert not raw.HasField("first_attempt")
    assert not raw.HasField("last_attempt")
    assert client.get_task(name=task.name) == task


def test_views_differ_by_the_body_alone(client, paused):
    made = client.create_task(
        request={
            "parent": paused,
            "task": {"http_request": {"url": URL, "body": b"b", "headers": {"A": "1"}}},
            "response_view": FULL,
        }
    )
    assert (made.view, made.http_request.body) == (FULL, b"b")
    assert client.get_task(request={"name": made.name, "response_view": FULL}) == made
    basic = client.get_task(name=made.name)
    made.http_request.body, made.view = b"", tasks_v2.Task.View.BASIC
    assert basic == made
    listed = list(client.list_tasks(request={"parent": paused, "response_view": FULL}))
    assert listed[0].http_request.body == b"b"
    assert next(iter(client.list_tasks(parent=paused))) == basic


def test_names_deadlines_and_times_are_echoed(client, paused, send):
    schedule, name = datetime.now(UTC) + timedelta(days=29), fresh("all-Of_it")
    task = send(
        paused,
        URL,
        name=name,
        schedule_time=schedule,
        dispatch_deadline=Duration(seconds=1800),
        http_method="PUT",
    )
    assert task.name == f"{paused}/tasks/{name}"
    assert task.schedule_time == schedule
    assert task.dispatch_deadline == timedelta(minutes=30)
    assert task.http_request.http_method == int(tasks_v2.HttpMethod.PUT)


def test_a_deadline_is_cut_to_milliseconds(paused, send):
    task = send(paused, URL, dispatch_deadline=Duration(seconds=15, nanos=123_999_999))
    assert task.dispatch_deadline == timedelta(seconds=15, milliseconds=123)


@emulator_only("a token for http://, of an account that is not there")
def test_tokens_are_echoed(paused, send):
    token = {"service_account_email": "a@b.c", "audience": "aud"}
    task = send(paused, URL, oidc_token=token)
    assert task.http_request.oidc_token.service_account_email == "a@b.c"
    assert task.http_request.oidc_token.audience == "aud"


def test_a_schedule_in_the_past_becomes_now(paused, send):
    before = datetime.now(UTC) - SKEW
    task = send(paused, URL, schedule_time=before - timedelta(days=400))
    assert before <= task.schedule_time <= datetime.now(UTC) + SKEW


def test_reserved_headers_are_dropped_in_silence(paused, send):
    task = send(
        paused,
        URL,
        headers={
            "Host": "elsewhere",
            "content-length": "3",
            "X-Google-Thing": "1",
            "x-appengine-thing": "1",
            "X-CloudTasks-TaskName": "mine",
            "Authorization": "Basic eDp5",
        },
    )
    assert dict(task.http_request.headers) == {
        "Authorization": "Basic eDp5",
        "User-Agent": "Google-Cloud-Tasks",
    }


def test_a_url_that_only_fails_when_sent_is_accepted(paused, send):
    assert send(paused, "http://example.com/%zz").http_request.url == "http://example.com/%zz"


@pytest.mark.parametrize("over", [0, 1])
def test_the_largest_task(client, paused, over):
    name = f"{paused}/tasks/{fresh('t')}"
    schedule = Timestamp(seconds=int(datetime.now(UTC).timestamp()) + 3600)
    sizer = tasks_v2.Task.pb()(
        name=name, schedule_time=schedule, create_time=Timestamp(seconds=schedule.seconds)
    )
    sizer.dispatch_deadline.seconds = 600
    sizer.http_request.url, sizer.http_request.http_method = URL, 1
    sizer.http_request.headers["User-Agent"] = "Google-Cloud-Tasks"
    # A length over 2^14 takes three bytes, in the body and around it.
    sizer.http_request.body = b"b" * 100_000
    sizer.http_request.body = b"b" * (100_000 + LARGEST_TASK - sizer.ByteSize() + over)
    assert sizer.ByteSize() == LARGEST_TASK + over
    task = {
        "name": name,
        "schedule_time": schedule,
        "http_request": {"url": URL, "body": sizer.http_request.body},
    }
    if not over:
        assert client.create_task(parent=paused, task=task).name == name
        return
    with refuses(InvalidArgument) as refused:
        client.create_task(parent=paused, task=task)
    assert said(refused) == "Task size too large"
    assert refused.value.details == []


def test_a_live_name_is_taken_and_an_ended_one_rests(client, paused, send):
    short = fresh("once")
    name = send(paused, URL, name=short).name
    with refuses(AlreadyExists) as refused:
        send(paused, URL, name=short)
    assert said(refused) == "Requested entity already exists"
    client.delete_task(name=name)
    with refuses(AlreadyExists) as refused:
        send(paused, URL, name=short)
    assert said(refused) == EXISTED
    assert refused.value.details == []


@emulator_only("Google takes up to a minute for a purge")
def test_purged_names_rest_too(client, paused, send):
    send(paused, URL, name="purged")
    send(paused, URL)
    got = client.purge_queue(name=paused)
    assert datetime.now(UTC) - got.purge_time < timedelta(seconds=30)
    assert list(client.list_tasks(parent=paused)) == []
    with refuses(AlreadyExists):
        send(paused, URL, name="purged")
