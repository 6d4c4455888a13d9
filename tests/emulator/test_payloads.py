"""Reading JSON requests and matching URLs: rules, held as tables and against anything at all."""

import contextlib
import json

import pytest
from google.cloud import tasks_v2
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.payloads import read
from emulator.refusals import BadPayload
from emulator.routes import find

LOCATION = "projects/p:x/locations/l"
QUEUE = f"{LOCATION}/queues/q"
CreateTaskRequest = tasks_v2.CreateTaskRequest.pb()
UpdateQueueRequest = tasks_v2.UpdateQueueRequest.pb()


@pytest.mark.parametrize(
    ("verb", "path", "rpc", "fields"),
    [
        ("GET", f"{LOCATION}/queues", "ListQueues", {"parent": LOCATION}),
        ("PATCH", QUEUE, "UpdateQueue", {"queue.name": QUEUE}),
        ("POST", f"{QUEUE}:pause", "PauseQueue", {"name": QUEUE}),
        ("POST", f"{QUEUE}/tasks", "CreateTask", {"parent": QUEUE}),
        ("POST", f"{QUEUE}/tasks:batchDelete", "BatchDeleteTasks", {"parent": QUEUE}),
        ("POST", f"{QUEUE}/tasks/t:run", "RunTask", {"name": f"{QUEUE}/tasks/t"}),
        ("POST", f"{QUEUE}/tasks/t:buffer", "BufferTask", {"queue": QUEUE, "task_id": "t"}),
        ("GET", f"{QUEUE}/tasks/a%2Fb", "GetTask", {"name": f"{QUEUE}/tasks/a/b"}),
        ("GET", "projects/p/locations", "ListLocations", {"name": "projects/p"}),
        ("GET", "projects/p/locations/l/cmekConfig", "GetCmekConfig", None),
        ("PATCH", "projects/p/locations/l/cmekConfig", "UpdateCmekConfig", None),
        ("GET", "projects/p/locations/l/operations/o", "GetOperation", None),
    ],
)
def test_a_url_is_an_rpc(verb, path, rpc, fields):
    route, found, _ = find(verb, path)
    assert route.rpc == rpc
    assert fields in (None, found)


def test_a_wrong_verb_learns_the_right_ones():
    assert find("PUT", f"{QUEUE}/tasks") == (None, {}, {"GET", "POST"})
    assert find("GET", f"{QUEUE}/nothing") == (None, {}, set())


def test_the_path_goes_before_the_query_and_the_query_before_the_body():
    body = {"name": "of the body", "rateLimits": {"maxConcurrentDispatches": 1}}
    query = [
        ("queue.name", "of the query"),
        ("queue.rateLimits.max_concurrent_dispatches", "2"),
        ("updateMask", "rate_limits.maxConcurrentDispatches,retryConfig"),
        ("$alt", "json"),
    ]
    path = {"queue.name": "of the path"}
    request = read(UpdateQueueRequest(), "queue", json.dumps(body).encode(), query, path)
    assert request.queue.name == "of the path"
    assert request.queue.rate_limits.max_concurrent_dispatches == 2
    assert request.update_mask.paths == ["rate_limits.max_concurrent_dispatches", "retry_config"]


def test_nothing_at_all_is_an_empty_request():
    assert read(CreateTaskRequest(), "*", b" \n", [], {}) == CreateTaskRequest()


@pytest.mark.parametrize("body", ["", "YQ", "YQ==", "_-8=", "+/8="])
def test_both_alphabets_of_base64_are_read(body):
    document = json.dumps({"task": {"httpRequest": {"body": body}}}).encode()
    read(CreateTaskRequest(), "*", document, [], {})


def test_every_mistake_is_told():
    document = b'{"task": {"x": 1, "httpRequest": {"y": 2, "body": "*"}}}'
    with pytest.raises(BadPayload) as refused:
        read(CreateTaskRequest(), "*", document, [], {})
    assert [field for field, _ in refused.value.violations] == [
        "task",
        "task.http_request",
        "task.http_request.body",
    ]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (
            {"httpRequest": {"httpMethod": "post"}},
            "'task.http_request.http_method' (type.googleapis.com/google.cloud.tasks.v2.HttpMethod)"
            ', "post"',
        ),
        (
            {"httpRequest": {"httpMethod": float("inf")}},
            "'task.http_request.http_method' (type.googleapis.com/google.cloud.tasks.v2.HttpMethod)"
            ", Infinity",
        ),
        (
            {"retryConfig": {"maxAttempts": "many"}},
            "'task.retry_config.max_attempts' (TYPE_INT32), \"many\"",
        ),
        (
            {"retryConfig": {"maxAttempts": 2**31}},
            "'task.retry_config.max_attempts' (TYPE_INT32), 2147483648",
        ),
        (
            {"retryConfig": {"maxAttempts": 1.5}},
            "'task.retry_config.max_attempts' (TYPE_INT32), 1.5",
        ),
        (
            {"retryConfig": {"maxAttempts": True}},
            "'task.retry_config.max_attempts' (TYPE_INT32), true",
        ),
        (
            {"scheduleTime": "2026-07-01T12:00:00"},
            "'task.schedule_time' (type.googleapis.com/google.protobuf.Timestamp), Field "
            "'scheduleTime', Illegal timestamp format; timestamps must end with 'Z' or have a "
            "valid timezone offset.",
        ),
        (
            {"dispatchDeadline": 15},
            "'task.dispatch_deadline' (type.googleapis.com/google.protobuf.Duration), Field "
            "'dispatchDeadline', Illegal duration format; duration must end with 's'",
        ),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_told_in_googles_words(task, said):
    with pytest.raises(BadPayload) as refused:
        read(CreateTaskRequest(), "*", json.dumps({"task": task}).encode(), [], {})
    assert refused.value.message == f"Invalid value at {said}"


@pytest.mark.parametrize("attempts", [3, "3", 3.0, "-1"])
def test_numbers_may_be_written_as_text(attempts):
    document = json.dumps({"task": {"retryConfig": {"maxAttempts": attempts}}}).encode()
    request = read(CreateTaskRequest(), "*", document, [], {})
    assert request.task.retry_config.max_attempts == int(float(attempts))


_NAMES = st.sampled_from(
    ["task", "parent", "responseView", "httpRequest", "http_request", "url", "headers", "body",
     "httpMethod", "oidcToken", "scheduleTime", "dispatchDeadline", "retryConfig", "maxAttempts",
     "minBackoff", "name", "view", "lastAttempt", "responseStatus", "details", "@type", "nope"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["1e9s", "9999999999999s", "-1s", "2020-01-01T00:00:00Z", "POST", "YQ=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    body=st.dictionaries(_NAMES, _VALUES, max_size=4),
    query=st.lists(st.tuples(st.lists(_NAMES, min_size=1).map(".".join), st.text()), max_size=3),
)
def test_anything_is_read_or_refused(body, query):
    with contextlib.suppress(BadPayload):
        request = read(CreateTaskRequest(), "*", json.dumps(body).encode(), query, {"parent": "p"})
        assert request.parent == "p"
