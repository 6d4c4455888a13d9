"""The RPCs on tasks, through the official client to a real process. Nothing here is dispatched."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument, NotFound
from google.cloud import tasks_v2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from emulator.task_rules import LARGEST_TASK
from tests.emulator.test_queues import NO_QUEUE
from tests.emulator.wires import EVERY_WIRE, link_of, over_grpc, refuses, said, types_of

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
TASK_DOCS = (
    "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks"
    "#Task.FIELDS.name"
)


@pytest.fixture
def paused(client, queue):
    client.pause_queue(name=queue)
    return queue


def test_a_created_task_is_answered_with_what_the_service_adds(client, paused):
    before = datetime.now(UTC)
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
    assert before - timedelta(seconds=1) <= task.create_time <= datetime.now(UTC)
    assert before <= task.schedule_time <= datetime.now(UTC)
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


def test_tokens_deadlines_and_times_are_echoed(client, paused, send):
    schedule = datetime.now(UTC) + timedelta(days=29)
    task = send(
        paused,
        URL,
        name="all-Of_it",
        schedule_time=schedule,
        dispatch_deadline=Duration(seconds=1800),
        http_method="PUT",
        oidc_token={"service_account_email": "a@b.c", "audience": "aud"},
    )
    assert task.name == f"{paused}/tasks/all-Of_it"
    assert task.schedule_time == schedule
    assert task.dispatch_deadline == timedelta(minutes=30)
    assert task.http_request.http_method == int(tasks_v2.HttpMethod.PUT)
    assert task.http_request.oidc_token.service_account_email == "a@b.c"
    assert task.http_request.oidc_token.audience == "aud"


def test_a_schedule_in_the_past_becomes_now(paused, send):
    before = datetime.now(UTC)
    task = send(paused, URL, schedule_time=before - timedelta(days=400))
    assert before <= task.schedule_time <= datetime.now(UTC)


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


def http(**request):
    return {"http_request": {"url": URL, **request}}


FAR = {**http(), "schedule_time": Timestamp(seconds=4102444800)}
REFUSALS = {
    "no payload": ({}, "Task.payload_type is not set."),
    "no url": ({"http_request": {}}, "HttpRequest.url is required."),
    "other scheme": (
        http(url="ftp://127.0.0.1/"),
        "HttpTarget.url must start with 'http://' or 'https://'.",
    ),
    "no scheme": (
        http(url="127.0.0.1/"),
        "HttpTarget.url must start with 'http://' or 'https://'.",
    ),
    "long url": (
        http(url="http://127.0.0.1/" + "a" * 2067),
        "HttpRequest.url must be no longer than 2083 characters.",
    ),
    "url that is long once encoded": (
        http(url="http://127.0.0.1/" + "ü" * 345),
        "HttpRequest.url must be no longer than 2083 characters.",
    ),
    "body with GET": (
        http(http_method="GET", body=b"b"),
        "HttpRequest.body is only allowed for POST, PUT and PATCH.",
    ),
    "unknown method": (http(http_method=99), "HttpRequest.http_method is not a known method."),
    "no account": (
        http(oidc_token={"audience": "a"}),
        "HttpRequest.authorization_header needs a service_account_email.",
    ),
    "large headers": (
        http(headers={"A": "b" * 81919}),
        "HttpRequest.headers must be less than 80KB.",
    ),
    "deadline short": (
        {**http(), "dispatch_deadline": Duration(seconds=14)},
        "Task.dispatchDeadline must be between [15s, 30m].",
    ),
    "deadline zero": (
        {**http(), "dispatch_deadline": Duration()},
        "Task.dispatchDeadline must be between [15s, 30m].",
    ),
    "deadline long": (
        {**http(), "dispatch_deadline": Duration(seconds=1801)},
        "Task.dispatchDeadline must be between [15s, 30m].",
    ),
    "schedule far": (
        FAR,
        "The Task.scheduleTime, 2099-12-31T16:00:00-08:00, is too far in the future. "
        "Schedule time must be no more than 720h in the future.",
    ),
    "schedule far, with a fraction": (
        {**http(), "schedule_time": Timestamp(seconds=4102444800, nanos=690000000)},
        "The Task.scheduleTime, 2099-12-31T16:00:00.69-08:00, is too far in the future. "
        "Schedule time must be no more than 720h in the future.",
    ),
    "retries": (
        {**http(), "retry_config": {"max_attempts": -2}},
        "RetryConfig.maxAttempts must be greater or equal to -1.",
    ),
}


@pytest.mark.parametrize(("task", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_bad_task_is_refused_in_words(client, paused, task, message):
    with refuses(InvalidArgument) as refused:
        client.create_task(parent=paused, task=task)
    assert said(refused) == message
    assert list(client.list_tasks(parent=paused)) == []


@pytest.mark.parametrize("task_id", ["t" * 5_000, "t" * 20_000, "☕" * 5_000])
def test_an_id_too_long_to_repeat_is_cut_in_the_answer(client, queue, send, task_id):
    with refuses(InvalidArgument, match=r'Task ID "(t|☕){400,1500}\.\.\." can contain'):
        send(queue, "http://127.0.0.1/", name=task_id)


@pytest.mark.parametrize("last", ["²", "9" * 5_000, "-1", ""])
def test_a_token_that_names_no_key_is_refused(client, queue, last):
    token = base64.urlsafe_b64encode(json.dumps([queue, last]).encode()).decode()
    with refuses(InvalidArgument, match="Invalid page token"):
        list(client.list_tasks(request={"parent": queue, "page_token": token}))


@over_grpc  # no URL is that long
def test_a_token_of_many_brackets_is_refused(client, queue):
    token = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with refuses(InvalidArgument, match="Invalid page token"):
        list(client.list_tasks(request={"parent": queue, "page_token": token}))


@over_grpc
def test_a_schedule_beyond_all_years_is_refused(client, paused):
    with refuses(InvalidArgument) as refused:
        client.create_task(
            parent=paused, task={**http(), "schedule_time": Timestamp(seconds=2**62)}
        )
    assert said(refused) == "Task.scheduleTime is not a valid timestamp."


@pytest.mark.parametrize("task_id", ["has space", "ü", "dot.", "t" * 501])
def test_a_bad_id_is_refused_with_a_link(paused, send, task_id):
    with refuses(InvalidArgument) as refused:
        send(paused, URL, name=task_id)
    assert said(refused) == (
        f'Task ID "{task_id}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), '
        "or underscores (_). Task ID must between 1 and 500 characters."
    )
    assert link_of(refused) == ("Definition of task ID", TASK_DOCS)


@over_grpc
def test_a_malformed_name_is_refused(client, paused):
    for call in (
        lambda: client.create_task(parent=paused, task={"name": "t", **http()}),
        lambda: client.get_task(name="t"),
        lambda: client.delete_task(name="t"),
        lambda: client.run_task(name="t"),
    ):
        with refuses(InvalidArgument, match="Task name must be formatted"):
            call()


def test_a_name_of_another_queue_is_refused(client, paused):
    with refuses(InvalidArgument) as refused:
        client.create_task(parent=paused, task={"name": f"{paused}-2/tasks/t", **http()})
    assert said(refused) == (
        f"The queue name from request ('{paused}') must be the same as the queue name in the named "
        f"task ('{paused}-2')."
    )


def test_a_task_for_a_missing_or_deleted_queue_is_refused(client, paused, send):
    client.delete_queue(name=paused)
    for queue in (paused, f"{paused}-none"):
        with refuses(NotFound) as refused:
            send(queue, URL)
        assert said(refused) == NO_QUEUE


@pytest.mark.parametrize("over", [0, 1])
def test_the_largest_task(client, paused, over):
    name = f"{paused}/tasks/t"
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
    name = send(paused, URL, name="once").name
    with refuses(AlreadyExists) as refused:
        send(paused, URL, name="once")
    assert said(refused) == "Requested entity already exists"
    client.delete_task(name=name)
    with refuses(AlreadyExists) as refused:
        send(paused, URL, name="once")
    assert said(refused) == EXISTED
    assert refused.value.details == []
    for call in (client.get_task, client.delete_task, client.run_task):
        with refuses(NotFound) as refused:
            call(name=name)
        assert said(refused) == GONE


def test_purged_names_rest_too(client, paused, send):
    send(paused, URL, name="purged")
    send(paused, URL)
    got = client.purge_queue(name=paused)
    assert datetime.now(UTC) - got.purge_time < timedelta(seconds=30)
    assert list(client.list_tasks(parent=paused)) == []
    with refuses(AlreadyExists):
        send(paused, URL, name="purged")


def test_a_task_that_never_was(client, paused):
    for queue in (paused, f"{paused}-none"):
        for call in (client.get_task, client.delete_task, client.run_task):
            with refuses(NotFound) as refused:
                call(name=f"{queue}/tasks/{uuid.uuid4().hex}")
            assert said(refused) == NOT_FOUND


def test_tasks_are_listed_page_by_page(client, paused, send):
    names = {send(paused, URL, schedule_time=None).name for _ in range(7)}
    pages = list(client.list_tasks(request={"parent": paused, "page_size": 3}).pages)
    assert [len(page.tasks) for page in pages] == [3, 3, 1]
    assert {task.name for page in pages for task in page.tasks} == names
    assert not pages[-1].next_page_token


def test_a_page_survives_the_end_of_its_last_task(client, paused, send):
    names = [send(paused, URL).name for _ in range(4)]
    first = next(client.list_tasks(request={"parent": paused, "page_size": 2}).pages)
    client.delete_task(name=names[1])
    rest = client.list_tasks(
        request={"parent": paused, "page_size": 2, "page_token": first.next_page_token}
    )
    assert [task.name for task in rest] == names[2:]


def test_a_token_of_another_list_is_refused(client, make_queue, paused, send):
    for _ in range(2):
        send(paused, URL)
    first = next(client.list_tasks(request={"parent": paused, "page_size": 1}).pages)
    with refuses(InvalidArgument, match="Invalid page token."):
        client.list_tasks(request={"parent": make_queue(), "page_token": first.next_page_token})


def test_a_page_of_large_tasks_fits_a_plain_channel(client, paused, send):
    for _ in range(6):
        send(paused, URL, body=b"b" * 1_000_000)
    pages = list(client.list_tasks(request={"parent": paused, "response_view": FULL}).pages)
    assert [len(page.tasks) for page in pages] == [4, 2]
    assert len(list(client.list_tasks(parent=paused))) == 6
