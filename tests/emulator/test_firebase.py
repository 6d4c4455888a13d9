"""What firebase-admin sends to CLOUD_TASKS_EMULATOR_HOST, shaped as by its Node and Python SDKs."""

import base64
import json
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from google.auth import jwt

from emulator.firebase import function_url
from tests.emulator.conftest import PARENT
from tests.processes import eventually

BODY = b'{"data":{"a":1}}'
ACCOUNT = "emulated-service-acct@email.com"


@pytest.fixture
def call(emulator):
    """Send one request as firebase-admin does: returns its status and its JSON."""

    def call(method, path, body=None):
        request = urllib.request.Request(
            f"{emulator.http_url}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": "Bearer owner", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return call


@pytest.fixture
def function(client):
    """A function's name: the queue of that name is not there yet."""
    name = f"fn-{uuid.uuid4().hex[:12]}"
    yield f"{PARENT}/queues/{name}"
    client.delete_queue(name=f"{PARENT}/queues/{name}")


def task(url, **fields):
    request = {
        "url": url,
        "oidcToken": {"serviceAccountEmail": ACCOUNT},
        "body": base64.b64encode(BODY).decode(),
        "headers": {"Content-Type": "application/json"},
    }
    return {"task": {"httpRequest": request, "name": None, "scheduleTime": None, **fields}}


def test_the_first_task_makes_its_queue_and_is_delivered(call, client, function, target):
    status, answer = call("POST", f"{function}/tasks", task(target.url))
    assert status == 200
    (got,) = target.wait_for(1)
    assert (got.method, got.body) == ("POST", BODY)
    assert got.header("Content-Type") == "application/json"
    assert got.header("X-CloudTasks-QueueName") == function.rpartition("/")[2]
    token = got.header("Authorization").removeprefix("Bearer ")
    assert jwt.decode(token, verify=False)["email"] == ACCOUNT
    assert client.get_queue(name=function).rate_limits.max_dispatches_per_second == 500
    # As production answers, and as Firebase's emulator does.
    assert answer["name"] == f"{function}/tasks/{got.header('X-CloudTasks-TaskName')}"
    assert answer["task"]["name"] == f"/{answer['name']}"


def test_a_schedule_is_honoured_and_a_task_can_be_taken_back(call, client, function, target):
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat().replace("+00:00", "Z")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    call("POST", f"{function}/tasks", task(target.url, scheduleTime=soon, dispatchDeadline="20s"))
    call(
        "POST",
        f"{function}/tasks",
        task(target.url, scheduleTime=later, name=f"{function}/tasks/t"),
    )
    target.stays_at(0, 0.6)
    target.wait_for(1)
    left = [f"{function}/tasks/t"]
    eventually(lambda: [each.name for each in client.list_tasks(parent=function)] == left)
    assert call("DELETE", f"{function}/tasks/t") == (200, {})
    assert list(client.list_tasks(parent=function)) == []
    assert call("DELETE", f"{function}/tasks/t")[0] == 404  # firebase-admin lets it pass


def test_a_known_id_is_a_conflict(call, function, target):
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    named = task(target.url, name=f"{function}/tasks/t", scheduleTime=later)
    assert call("POST", f"{function}/tasks", named)[0] == 200
    status, answer = call("POST", f"{function}/tasks", named)
    assert (status, answer["error"]["status"]) == (409, "ALREADY_EXISTS")


def test_a_queue_with_settings_keeps_them(call, client, make_queue, target):
    queue = make_queue(retry_config={"max_attempts": 3})
    call("POST", f"{queue}/tasks", task(target.url))
    target.wait_for(1)
    assert client.get_queue(name=queue).retry_config.max_attempts == 3


def test_a_task_without_a_url_is_for_the_functions_emulator(call, client, function):
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    call("POST", f"{function}/tasks", task("", scheduleTime=later))
    (waiting,) = client.list_tasks(parent=function)
    names = {"project": "demo", "location": "us-central1", "queue": function.rpartition("/")[2]}
    assert waiting.http_request.url == function_url(names)
    assert waiting.http_request.url.startswith("http://127.0.0.1:5001/demo/us-central1/fn-")


def test_a_bad_task_is_refused_in_googles_form(call, function, client, target):
    status, answer = call("POST", f"{function}/tasks", task("ftp://x/"))
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    call("POST", f"{function}/tasks", task(target.url))


def test_a_function_whose_name_is_no_queue_says_so(call, target):
    status, answer = call("POST", f"{PARENT}/queues/on_task/tasks", task(target.url))
    assert status == 400
    assert answer["error"]["message"].startswith('Queue ID "on_task" can contain only')
