"""What CreateTask and the RPCs on one task refuse, in Google's words where they are on record."""

import uuid

import pytest
from google.api_core.exceptions import InvalidArgument, NotFound
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tests.emulator.test_queues import NO_QUEUE
from tests.emulator.test_tasks import GONE, NOT_FOUND, URL
from tests.emulator.wires import (
    EVERY_WIRE,
    fresh,
    link_of,
    over_grpc,
    refuses,
    said,
    unrecorded,
)

WIRES = EVERY_WIRE
TASK_DOCS = (
    "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks"
    "#Task.FIELDS.name"
)
# Refusals in our words.
UNRECORDED = {
    "long url", "url that is long once encoded", "body with GET", "unknown method", "no account",
    "large headers", "deadline zero", "retries", "header without a name",
    "header name with a colon",
    "header name of two words", "header of two lines", "App Engine header of two lines",
}  # fmt: skip


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
    "header without a name": (
        http(headers={"": "1"}),
        "HttpRequest.headers holds a name that no HTTP header can have: ''.",
    ),
    "header name with a colon": (
        http(headers={"A:B": "1"}),
        "HttpRequest.headers holds a name that no HTTP header can have: 'A:B'.",
    ),
    "header name of two words": (
        http(headers={"two words": "1"}),
        "HttpRequest.headers holds a name that no HTTP header can have: 'two words'.",
    ),
    "header of two lines": (
        http(headers={"A": "1\r\nB: 2"}),
        "HttpRequest.headers holds a control character in A.",
    ),
    "App Engine header of two lines": (
        {"app_engine_http_request": {"headers": {"A": "1\n2"}}},
        "AppEngineHttpRequest.headers holds a control character in A.",
    ),
    "retries": (
        {**http(), "retry_config": {"max_attempts": -2}},
        "RetryConfig.maxAttempts must be greater or equal to -1.",
    ),
}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        pytest.param(*refusal, id=name, marks=[unrecorded] if name in UNRECORDED else [])
        for name, refusal in REFUSALS.items()
    ],
)
def test_a_bad_task_is_refused_in_words(client, paused, task, message):
    with refuses(InvalidArgument) as refused:
        client.create_task(parent=paused, task=task)
    assert said(refused) == message
    assert list(client.list_tasks(parent=paused)) == []


@unrecorded
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"schedule_time": Timestamp(seconds=1, nanos=2_000_000_000)},
            "Task.scheduleTime is not a valid timestamp.",
        ),
        (
            {"dispatch_deadline": Duration(seconds=20, nanos=-1)},
            "Task.dispatchDeadline is not a valid duration.",
        ),
        (
            {"retry_config": {"min_backoff": Duration(nanos=2_000_000_000)}},
            "RetryConfig.minBackoff is not a valid duration.",
        ),
    ],
)
@over_grpc
def test_nanoseconds_beyond_a_second_are_refused(client, paused, fields, message):
    with refuses(InvalidArgument) as refused:
        client.create_task(parent=paused, task={**http(), **fields})
    assert said(refused) == message


@unrecorded
@pytest.mark.parametrize("task_id", ["t" * 5_000, "t" * 20_000, "☕" * 5_000])
def test_an_id_too_long_to_repeat_is_cut_in_the_answer(client, queue, send, task_id):
    with refuses(InvalidArgument, match=r'Task ID "(t|☕){400,1500}\.\.\." can contain'):
        send(queue, "http://127.0.0.1/", name=task_id)


@unrecorded
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


@unrecorded
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


def test_a_task_for_a_missing_queue_is_refused(client, send, queue):
    with refuses(NotFound) as refused:
        send(f"{queue}-none", URL)
    assert said(refused) == NO_QUEUE


def test_a_task_for_a_deleted_queue_is_refused(client, own_queue, send):
    client.delete_queue(name=own_queue)
    with refuses(NotFound) as refused:
        send(own_queue, URL)
    assert said(refused) == NO_QUEUE


@pytest.mark.parametrize("of", ["", pytest.param("-none", marks=unrecorded)])
def test_a_task_that_never_was(client, paused, of):
    for call in (client.get_task, client.delete_task, client.run_task):
        with refuses(NotFound) as refused:
            call(name=f"{paused}{of}/tasks/{uuid.uuid4().hex}")
        assert said(refused) == NOT_FOUND


def test_a_task_that_is_gone_is_told_from_one_that_never_was(client, paused, send):
    name = send(paused, URL, name=fresh("gone")).name
    client.delete_task(name=name)
    with refuses(NotFound) as refused:
        client.get_task(name=name)
    assert said(refused) == GONE


@unrecorded
@pytest.mark.parametrize("rpc", ["delete_task", "run_task"])
def test_a_task_that_is_gone_can_neither_be_deleted_nor_run(client, paused, send, rpc):
    name = send(paused, URL, name=fresh("gone")).name
    client.delete_task(name=name)
    with refuses(NotFound) as refused:
        getattr(client, rpc)(name=name)
    assert said(refused) == GONE
