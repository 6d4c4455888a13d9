"""App Engine targets: stored as recorded, delivered to the URL given for their service."""

from datetime import timedelta

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import tasks_v2
from google.protobuf.duration_pb2 import Duration

from emulator.app_engine import address, parse_host
from emulator.headers import request_headers
from tests.emulator.conftest import PARENT, client_of, ended
from tests.emulator.test_sender import order
from tests.processes import EmulatorProcess, eventually

FULL = tasks_v2.Task.View.FULL
AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"
QUICK = {"min_backoff": Duration(nanos=50_000_000), "max_backoff": Duration(nanos=50_000_000)}


def create(client, queue, view=0, deadline=None, **request):
    task = {"app_engine_http_request": request}
    if deadline is not None:
        task["dispatch_deadline"] = Duration(seconds=deadline)
    return client.create_task(
        request={"parent": queue, "task": task, "response_view": view}, timeout=10
    )


def test_the_stored_form_is_the_recorded_one(client, paused):
    task = create(client, paused, FULL, relative_uri="/a?b=c", body=b"body", headers={"x-A": "1"})
    request = task.app_engine_http_request
    assert request.relative_uri == "/a?b=c"
    assert request.http_method == tasks_v2.HttpMethod.POST
    assert request.body == b"body"
    assert dict(request.headers) == {
        "x-A": "1",
        "User-Agent": AGENT,
        "Content-Type": "application/octet-stream",
        "Content-Length": "4",
    }
    assert task.dispatch_deadline == timedelta(minutes=10)
    assert not tasks_v2.Task.pb(task).HasField("http_request")
    assert client.get_task(request={"name": task.name, "response_view": FULL}) == task
    basic = client.get_task(name=task.name)
    assert basic.app_engine_http_request.body == b""
    assert basic.app_engine_http_request.headers == request.headers


def test_what_is_left_out_and_what_is_reserved(client, paused):
    task = create(
        client,
        paused,
        headers={"Host": "h", "X-AppEngine-A": "1", "user-agent": "me", "content-type": "t/x"},
        body=b"b",
        http_method="PUT",
        app_engine_routing={"service": "s", "version": "v"},
    )
    request = task.app_engine_http_request
    assert request.relative_uri == "/"
    assert dict(request.headers) == {
        "User-Agent": f"me {AGENT}",
        "content-type": "t/x",
        "Content-Length": "1",
    }
    assert (request.app_engine_routing.service, request.app_engine_routing.version) == ("s", "v")
    bare = create(client, paused).app_engine_http_request
    assert dict(bare.headers) == {"User-Agent": AGENT}


@pytest.mark.parametrize(("asked", "kept"), [(15, 15), (3600, 3600), (86415, 86415), (0, 600)])
def test_a_deadline_may_be_a_day(client, paused, asked, kept):
    task = create(client, paused, deadline=asked)
    assert task.dispatch_deadline == timedelta(seconds=kept)


REFUSALS = {
    "no slash": ({"relative_uri": "a"}, "AppEngineHttpRequest.relativeUri must begin with '/'."),
    "space": (
        {"relative_uri": "/a b"},
        "AppEngineHttpRequest.relativeUri must not contain spaces.",
    ),
    "long": (
        {"relative_uri": "/" * 2084},
        "AppEngineHttpRequest.relativeUri must be no longer than 2083 characters.",
    ),
    "body with PATCH": (
        {"body": b"b", "http_method": "PATCH"},
        "AppEngineHttpRequest.body is only allowed for POST and PUT.",
    ),
    "method": ({"http_method": 99}, "AppEngineHttpRequest.http_method is not a known method."),
    "headers": (
        {"headers": {"A": "b" * 81919}},
        "AppEngineHttpRequest.headers must be less than 80KB.",
    ),
    "short deadline": ({"deadline": 14}, "Task.dispatchDeadline must be between [15s, 24h15s]."),
    "long deadline": ({"deadline": 86416}, "Task.dispatchDeadline must be between [15s, 24h15s]."),
}


@pytest.mark.parametrize(("request_fields", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_bad_task_is_refused(client, paused, request_fields, message):
    with pytest.raises(InvalidArgument) as refused:
        create(client, paused, **request_fields)
    assert refused.value.message == message


@pytest.fixture
def app(tmp_path, target):
    """An emulator whose services are the target's path, but for `dead`, which nobody serves."""
    hosts = [f"--app-engine-host={target.url}", "--app-engine-host=dead=http://127.0.0.1:9"]
    with EmulatorProcess(tmp_path, "--queue", "ae", *hosts) as running:
        client = client_of(running.endpoint)
        client.update_queue(queue={"name": f"{PARENT}/queues/ae", "retry_config": QUICK})
        yield client
        client.transport.close()


def story(got):
    return tuple(
        got.header(f"X-AppEngine-Task{name}")
        for name in ("RetryCount", "ExecutionCount", "PreviousResponse", "RetryReason")
    )


def test_it_arrives_with_the_recorded_headers_and_sequence(app, target):
    queue = f"{PARENT}/queues/ae"
    target.script = [503, 404, 302]
    task = create(app, queue, relative_uri="/x?y=z", body=b"body", headers={"X-A": "1"})
    got = target.wait_for(4)
    first = got[0]
    assert (first.method, first.body) == ("POST", b"body")
    assert first.path == "/" + target.url.rpartition("/")[2] + "/x?y=z"
    assert dict(first.headers) == {
        "Host": target.url.split("/")[2],
        "X-A": "1",
        "User-Agent": AGENT,
        "Content-Type": "application/octet-stream",
        "Content-Length": "4",
        "X-AppEngine-QueueName": "ae",
        "X-AppEngine-TaskName": task.name.rpartition("/")[2],
        "X-AppEngine-TaskRetryCount": "0",
        "X-AppEngine-TaskExecutionCount": "0",
        "X-AppEngine-TaskETA": first.header("X-AppEngine-TaskETA"),
        "X-AppEngine-FailFast": "false",
    }
    assert [story(each) for each in got] == [
        ("0", "0", None, None),
        ("1", "1", "503", "App Error"),
        ("2", "2", "404", "App Error"),
        ("3", "3", "302", "App Error"),
    ]
    eventually(lambda: ended(app, task.name))

    # No answer at all, and then, by the queue's routing override, the service that is there.
    task = create(app, queue, app_engine_routing={"service": "dead"})
    eventually(lambda: app.get_task(name=task.name).last_attempt.response_time)
    routing = {"service": "live"}
    app.update_queue(
        queue={"name": queue, "retry_config": QUICK, "app_engine_routing_override": routing}
    )
    last = target.wait_for(5)[4]
    assert story(last)[1:] == ("0", "0", "Instance Unavailable")


def test_after_no_answer_the_response_is_zero():
    headers = request_headers(order("/x", app_engine="s", retry_count=1, previous_response=0))
    assert headers["X-AppEngine-TaskPreviousResponse"] == "0"
    assert headers["X-AppEngine-TaskRetryReason"] == "Instance Unavailable"
    headers = request_headers(order("/x", app_engine="s", retry_count=1, previous_response=504))
    assert headers["X-AppEngine-TaskPreviousResponse"] == "504"
    assert headers["X-AppEngine-TaskRetryReason"] == "App Error"


@pytest.mark.parametrize(
    ("option", "parsed"),
    [
        ("http://localhost:8080", ("", "http://localhost:8080")),
        ("https://h/base/", ("", "https://h/base")),
        ("localhost:8080", ("", "http://localhost:8080")),
        ("api=http://h:1", ("api", "http://h:1")),
        ("api=h:1", ("api", "http://h:1")),
    ],
)
def test_a_base_url_may_be_a_services_own(option, parsed):
    assert parse_host(option) == parsed


@pytest.mark.parametrize("option", ["", "api=", "http://", "a b", "s/x=http://h"])
def test_what_is_no_base_url_is_a_sentence(option):
    with pytest.raises(ValueError, match=r"--app-engine-host takes \[SERVICE=\]URL"):
        parse_host(option)


def test_a_service_without_an_address_is_a_sentence():
    assert address({"": "http://d", "api": "http://a"}, "api", "/x") == "http://a/x"
    assert address({"": "http://d", "api": "http://a"}, "web", "/x") == "http://d/x"
    with pytest.raises(LookupError, match=r"start the emulator with --app-engine-host web=URL\."):
        address({"api": "http://a"}, "web", "/x")
