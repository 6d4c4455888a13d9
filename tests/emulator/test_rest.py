"""REST as curl, gcloud and generated clients speak it: the JSON itself, no client library."""

import base64
import contextlib
import http.client
import json
import uuid
from urllib.parse import urlsplit

import pytest

from emulator.rest import LARGEST_BODY
from tests.emulator.conftest import PARENT
from tests.emulator.test_queues import NAME_DOCS, NO_QUEUE
from tests.emulator.test_tasks import NOT_FOUND, URL


@pytest.fixture
def ask(emulator):
    """Send one request: returns its status and its JSON."""
    address = urlsplit(emulator.http_url)

    def ask(method, path, body=None, version="v2", **headers):
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(
            http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        ) as connection:
            connection.request(method, f"/{version}/{path}", content, headers)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            ask.headers = answer.headers
            return answer.status, json.loads(answer.read())

    return ask


def error_of(answer):
    status, document = answer
    error = document["error"]
    assert error["code"] == status
    return status, error["status"], error["message"]


@pytest.mark.parametrize("version", ["v2", "v2beta3"])
def test_a_queue_and_a_task_from_beginning_to_end(ask, target, version):
    queue = f"{PARENT}/queues/q-{uuid.uuid4().hex[:12]}"

    def call(method, path, body=None):
        status, document = ask(method, path, body, version)
        assert status == 200, document
        return document

    made = call("POST", f"{PARENT}/queues", {"name": queue, "rateLimits": {}})
    assert (made["name"], made["state"]) == (queue, "RUNNING")
    assert made["rateLimits"] == {
        "maxDispatchesPerSecond": 500.0,
        "maxBurstSize": 100,
        "maxConcurrentDispatches": 1000,
    }
    assert made["retryConfig"] == {
        "maxAttempts": 100,
        "minBackoff": "0.100s",
        "maxBackoff": "3600s",
        "maxDoublings": 16,
    }
    masks = "updateMask=rateLimits.maxConcurrentDispatches,retryConfig.max_attempts"
    body = {"rateLimits": {"maxConcurrentDispatches": 7}, "retryConfig": {"maxAttempts": 4}}
    changed = call("PATCH", f"{queue}?{masks}", body)
    assert changed["rateLimits"]["maxConcurrentDispatches"] == 7
    assert changed["retryConfig"]["maxAttempts"] == 4
    assert call("POST", f"{queue}:pause", {})["state"] == "PAUSED"
    assert call("GET", f"{queue}?$alt=json;enum-encoding=int")["state"] == 2
    assert call("GET", f"{queue}?alt=json&prettyPrint=false&key=k") == call("GET", queue)
    exact = base64.b64encode(b"\x00\xff exact").decode()
    task = {
        "name": f"{queue}/tasks/t",
        "scheduleTime": "2020-01-01T00:00:00.5+02:00",
        "dispatchDeadline": "20s",
        "httpRequest": {"url": target.url, "httpMethod": "PUT", "body": exact},
    }
    made = call("POST", f"{queue}/tasks", {"task": task, "responseView": "FULL"})
    assert made["httpRequest"] == {
        "url": target.url,
        "httpMethod": "PUT",
        "headers": {"User-Agent": "Google-Cloud-Tasks"},
        "body": exact,
    }
    assert made["dispatchDeadline"] == "20s"
    assert made["scheduleTime"].endswith("Z")
    got = call("GET", f"{queue}/tasks/t")
    assert got == {**made, "view": "BASIC", "httpRequest": got["httpRequest"]}
    assert call("GET", f"{queue}/tasks/t?responseView=FULL") == made
    call("POST", f"{queue}/tasks", {"task": {"httpRequest": {"url": target.url}}})
    page = call("GET", f"{queue}/tasks?pageSize=1")
    assert [each["name"] for each in page["tasks"]] == [f"{queue}/tasks/t"]
    rest = call("GET", f"{queue}/tasks?pageSize=1&pageToken={page['nextPageToken']}")
    assert len(rest["tasks"]) == 1
    assert "nextPageToken" not in rest
    call("POST", f"{queue}/tasks/t:run", {})
    (arrived,) = target.wait_for(1)
    assert (arrived.method, arrived.body) == ("PUT", b"\x00\xff exact")
    assert call("POST", f"{queue}:purge")["purgeTime"].endswith("Z")
    assert call("POST", f"{queue}:resume", {})["state"] == "RUNNING"
    assert call("DELETE", queue) == {}
    assert error_of(ask("GET", queue, version=version)) == (404, "NOT_FOUND", NO_QUEUE)


def test_an_error_brings_its_details(ask):
    answer = ask("POST", f"{PARENT}/queues", {"name": "bad"})
    assert error_of(answer)[:2] == (400, "INVALID_ARGUMENT")
    assert answer[1]["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [{"description": "Definition of queue name", "url": NAME_DOCS}],
        }
    ]


def test_a_name_that_is_taken_is_a_conflict(ask, paused):
    answer = ask("POST", f"{PARENT}/queues", {"name": paused})
    assert error_of(answer) == (409, "ALREADY_EXISTS", "Queue already exists")


def test_what_is_missing_is_404(ask, paused):
    assert error_of(ask("GET", f"{paused}/tasks/none")) == (404, "NOT_FOUND", NOT_FOUND)


def test_names_in_urls_are_unescaped(ask, paused):
    answer = ask("GET", f"{paused}/tasks/a%20b%2Fc")
    assert error_of(answer)[2].startswith('Task ID "a b/c" can contain only letters')


RECEIVED = "Invalid JSON payload received. "
BAD_BODIES = {
    "unknown name": ({"tsk": {}}, '{}Unknown name "tsk": Cannot find field.'),
    "unknown name inside": (
        {"task": {"httpRequest": {"uri": URL}}},
        "{}Unknown name \"uri\" at 'task.http_request': Cannot find field.",
    ),
    "no base64": (
        {"task": {"httpRequest": {"url": URL, "body": "not base64!"}}},
        "Invalid value at 'task.http_request.body' (TYPE_BYTES), Base64 decoding failed for "
        '"not base64!"',
    ),
    "half a base64": (
        {"task": {"httpRequest": {"url": URL, "body": "YWJjZ"}}},
        "Invalid value at 'task.http_request.body' (TYPE_BYTES), Base64 decoding failed for "
        '"YWJjZ"',
    ),
    "a list for a message": (
        {"task": []},
        "Invalid value at 'task' (type.googleapis.com/google.cloud.tasks.v2.Task), []",
    ),
    "a number for a string": (
        {"task": {"httpRequest": {"url": 5}}},
        "Invalid value at 'task.http_request.url' (TYPE_STRING), 5",
    ),
    "a number for a header": (
        {"task": {"httpRequest": {"url": URL, "headers": {"A": 1}}}},
        "Invalid value at 'task.http_request.headers[A]' (TYPE_STRING), 1",
    ),
    "two tokens": (
        {"task": {"httpRequest": {"url": URL, "oidcToken": {}, "oauthToken": {}}}},
        "Invalid value at 'task.http_request' (oneof), oneof field 'authorization_header' is "
        "already set. Cannot set 'oauthToken'",
    ),
    "no object": ([], '{}Unknown name "": Root element must be a message.'),
}


@pytest.mark.parametrize(("body", "message"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_cannot_be_meant_is_refused_in_googles_words(ask, paused, body, message):
    answer = ask("POST", f"{paused}/tasks", body)
    message = message.replace("{}", RECEIVED)
    assert error_of(answer) == (400, "INVALID_ARGUMENT", message)
    (detail,) = answer[1]["error"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert detail["fieldViolations"][0]["description"] == message


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"task":' * 5_000,
        b'{"task": {"scheduleTime": "tomorrow"}}',
        b'{"task": {"dispatchDeadline": "5"}}',
        b'{"task": {"retryConfig": {"maxAttempts": NaN}}}',
        b'{"responseView": "NOPE"}',
        b'{"task": {"httpRequest": {"headers": []}}}',
        b'{"task": {"httpRequest": {"url": "\\ud800"}}}',
    ],
    ids=range(10),
)
def test_a_body_that_cannot_be_read_is_400(ask, paused, body):
    code, name, message = error_of(ask("POST", f"{paused}/tasks", body))
    assert (code, name) == (400, "INVALID_ARGUMENT")
    assert message


def test_a_parameter_of_no_field_is_refused(ask, paused):
    for parameter in ("nope", "nope.x", "name.x"):
        answer = ask("GET", f"{paused}?{parameter}=1")
        assert error_of(answer) == (
            400,
            "INVALID_ARGUMENT",
            f'{RECEIVED}Unknown name "{parameter}": Cannot bind query parameter. Field '
            f"'{parameter}' could not be found in request message.",
        )


def test_a_parameter_of_another_type_is_refused(ask, paused):
    assert error_of(ask("GET", f"{paused}/tasks?pageSize=many"))[0] == 400


def test_a_body_over_the_limit_is_refused(ask, paused):
    answer = ask("POST", f"{paused}/tasks", b" " * (LARGEST_BODY + 1))
    assert error_of(answer)[1:] == (
        "INVALID_ARGUMENT",
        f"Request payload size exceeds the limit: {LARGEST_BODY} bytes.",
    )


@pytest.mark.parametrize(
    "path", ["", "projects", f"{PARENT}/queue/q", f"{PARENT}/queues/q/tasks/t/u"]
)
def test_an_unknown_url_is_404(ask, path):
    assert error_of(ask("GET", path))[:2] == (404, "NOT_FOUND")


def test_a_known_url_under_a_wrong_verb_is_405(ask, paused):
    assert ask("PUT", paused)[0] == 405
    assert ask.headers["Allow"] == "DELETE, GET, PATCH"
    assert ask("GET", f"{paused}/tasks:buffer")[0] == 405


def test_a_web_page_is_refused(ask, paused):
    answer = ask("POST", f"{paused}:purge", {}, Origin="http://evil.example")
    assert error_of(answer)[:2] == (403, "PERMISSION_DENIED")


def test_masks_and_stats_over_v2beta3(ask, paused):
    status, got = ask("GET", f"{paused}?readMask=stats,taskTtl", version="v2beta3")
    assert (status, got) == (
        200,
        {"taskTtl": "2678400s", "stats": {"effectiveExecutionRate": 500.0}},
    )
    assert error_of(ask("GET", f"{paused}?readMask=stats"))[0] == 400  # v2 has none


def test_an_operation_is_json_with_its_types(ask, paused):
    body = {"requests": [{"parent": paused, "task": {"httpRequest": {}}}], "requestId": "rest-1"}
    made = ask("POST", f"{paused}/tasks:batchCreate", body)[1]
    got = ask("GET", f"{PARENT}/operations/rest-1")[1]
    assert got == made
    assert got["done"] is True
    assert got["metadata"]["@type"].endswith("/google.cloud.tasks.v2.BatchCreateTasksMetadata")
    assert got["metadata"]["failedRequests"]["0"]["message"] == "HttpRequest.url is required."
    assert got["error"]["code"] == 10


def test_a_queue_without_a_host_takes_no_buffered_tasks(ask, paused):
    for path in (f"{paused}/tasks:buffer", f"{paused}/tasks/t:buffer"):
        assert error_of(ask("POST", path, b"raw")) == (
            400,
            "FAILED_PRECONDITION",
            "BufferTask needs a queue whose http_target has a uri_override with a host.",
        )
