"""A task's whole way through real processes: client, queue, HTTP, verified caller, row, log."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import pytest
from google.api_core.exceptions import NotFound

from tests.emulator.conftest import client_of
from tests.processes import eventually

QUEUE = "projects/demo/locations/us-central1/queues/default"
ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
COLUMNS = [
    *["queue", "task", "retry_count", "execution_count", "previous_response", "retry_reason"],
    *["method", "path", "body", "content_type", "source"],
    *["caller_account", "caller_audience", "caller_check", "status", "outcome"],
]


class Relay(ThreadingHTTPServer):
    """Stands before the receiver: refuses as often as told, then passes on what comes."""

    daemon_threads = True

    def __init__(self, target, refusals):
        super().__init__(("127.0.0.1", 0), _Relaying)
        self.target = target
        self.refusals = refusals
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Relaying(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(dict(self.headers))
        status = 503
        if len(self.server.seen) > self.server.refusals:
            connection = http.client.HTTPConnection(*self.server.target)
            connection.request("POST", self.path, body, dict(self.headers))
            status = connection.getresponse().status
            connection.close()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def client(stack):
    client = client_of(stack.emulator.endpoint)
    yield client
    client.transport.close()


def event_of(stack, name):
    """Return the stored event of a task, once it is there."""
    sql = f"SELECT {', '.join(COLUMNS)} FROM receiver_event WHERE task = ?"  # noqa: S608
    rows = eventually(lambda: stack.web.rows(sql, [name.rpartition("/")[2]]))
    assert len(rows) == 1
    event = dict(zip(COLUMNS, rows[0], strict=True))
    return event | {"body": bytes(event["body"])}


def counted_of(stack, queue):
    """Return how many events of a queue the running process tells Prometheus of."""
    with urlopen(f"{stack.web.url}/metrics") as answer:
        text = answer.read().decode()
    label = f'tasks_events_total{{outcome="succeeded",queue="{queue}"}} '
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(label))


def gone(client, name):
    try:
        return not client.get_task(name=name)
    except NotFound:
        return True


def test_a_task_arrives_verified_stored_and_logged(stack, client):
    before = counted_of(stack, "default")
    url = f"{stack.web.url}/receive/orders?id=7"
    task = client.create_task(
        parent=QUEUE,
        task={
            "http_request": {
                "url": url,
                "headers": {"Content-Type": "application/json"},
                "body": b'{"order": 7}',
                "oidc_token": {"service_account_email": ACCOUNT, "audience": stack.web.url},
            }
        },
    )
    assert task.name.startswith(f"{QUEUE}/tasks/")
    assert event_of(stack, task.name) == {
        "queue": "default",
        "task": task.name.rpartition("/")[2],
        "retry_count": 0,
        "execution_count": 0,
        "previous_response": None,
        "retry_reason": "",
        "method": "POST",
        "path": "/receive/orders",
        "body": b'{"order": 7}',
        "content_type": "application/json",
        "source": "cloud-tasks",
        "caller_account": ACCOUNT,
        "caller_audience": stack.web.url,
        "caller_check": "verified",
        "status": 200,
        "outcome": "succeeded",
    }
    stack.web.process.wait_for_line(r'^Event Display received event: \{"order": 7\}$')
    eventually(lambda: counted_of(stack, "default") > before)
    with pytest.raises(NotFound, match="The task either successfully completed or was deleted"):
        eventually(lambda: client.get_task(name=task.name) and False)


def test_a_target_that_fails_twice_gets_three_attempts(stack, client):
    queue = f"{QUEUE}-flow"
    retry = {"min_backoff": {"nanos": 300_000_000}, "max_backoff": {"seconds": 5}}
    client.create_queue(
        parent=QUEUE.rpartition("/queues/")[0], queue={"name": queue, "retry_config": retry}
    )
    relay = Relay(stack.web.address, refusals=2)
    try:
        token = {"service_account_email": ACCOUNT, "audience": stack.web.url}
        task = client.create_task(
            parent=queue,
            task={"http_request": {"url": relay.url, "body": b"again", "oidc_token": token}},
        )
        event = event_of(stack, task.name)
    finally:
        relay.shutdown()
        relay.server_close()
    names = ["TaskRetryCount", "TaskExecutionCount", "TaskPreviousResponse", "TaskRetryReason"]
    assert [[seen.get(f"X-CloudTasks-{name}") for name in names] for seen in relay.seen] == [
        ["0", "0", None, None],
        ["1", "0", "503", ""],
        ["2", "0", "503", ""],
    ]
    assert {seen["User-Agent"] for seen in relay.seen} == {"Google-Cloud-Tasks"}
    assert {seen["X-CloudTasks-QueueName"] for seen in relay.seen} == {"default-flow"}
    etas = [float(seen["X-CloudTasks-TaskETA"]) for seen in relay.seen]
    assert 0.3 <= etas[1] - etas[0] < 1.5
    assert 0.6 <= etas[2] - etas[1] < 2.0
    assert (event["retry_count"], event["previous_response"]) == (2, 503)
    assert (event["body"], event["caller_check"]) == (b"again", "verified")


def test_a_reply_fails_three_times_then_lets_it_work(stack, client):
    queue = f"{QUEUE}-replies"
    retry = {"min_backoff": {"nanos": 100_000_000}, "max_backoff": {"nanos": 200_000_000}}
    client.create_queue(
        parent=QUEUE.rpartition("/queues/")[0], queue={"name": queue, "retry_config": retry}
    )
    recipe = "Reply.objects.from_recipe('fail-3-times', queue='default-replies').save()"
    stack.web.manage("shell", "-c", f"from receiver.models import Reply; {recipe}")
    token = {"service_account_email": ACCOUNT, "audience": stack.web.url}
    url = f"{stack.web.url}/receive"
    task = client.create_task(
        parent=queue, task={"http_request": {"url": url, "body": b"4th", "oidc_token": token}}
    )
    short = task.name.rpartition("/")[2]
    columns = "retry_count, execution_count, previous_response, status, outcome, reply_name"
    sql = f"SELECT {columns} FROM receiver_event WHERE task = ? ORDER BY id"  # noqa: S608
    rows = eventually(lambda: len(rows := stack.web.rows(sql, [short])) == 4 and rows)
    name = "Fail 3 times with 503, then work"
    assert rows == [
        (0, 0, None, 503, "failed", name),
        (1, 0, 503, 503, "failed", name),
        (2, 0, 503, 503, "failed", name),
        (3, 0, 503, 200, "succeeded", ""),
    ]
    eventually(lambda: gone(client, task.name))
    assert len(stack.web.rows(sql, [short])) == 4


def test_the_tutorial_s_last_step_works_as_written(stack):
    printed = stack.web.manage(
        "enqueue",
        *["--queue", "default", "--url", stack.web.url],
        *["--body-content", "Hello World from Cloud Tasks"],
        *["--oidc-service-account-email", ACCOUNT],
    )
    assert printed.startswith(f"{QUEUE}/tasks/")
    assert printed.count("\n") == 1
    event = event_of(stack, printed.strip())
    assert (event["path"], event["body"]) == ("/", b"Hello World from Cloud Tasks")
    assert event["caller_audience"] == stack.web.url
    stack.web.process.wait_for_line("^Event Display received event: Hello World from Cloud Tasks$")


def test_a_task_without_a_token_is_refused_and_tried_again(stack, client):
    task = client.create_task(
        parent=QUEUE, task={"http_request": {"url": f"{stack.web.url}/receive", "body": b"no"}}
    )
    eventually(lambda: client.get_task(name=task.name).response_count >= 2)
    assert client.get_task(name=task.name).last_attempt.response_status.code == 16
    client.delete_task(name=task.name)
    short = task.name.rpartition("/")[2]
    assert stack.web.rows("SELECT id FROM receiver_event WHERE task = ?", [short]) == []
    refusals = "SELECT sum(count) FROM receiver_refusal WHERE reason = 'missing' AND task = ?"
    eventually(lambda: stack.web.rows(refusals, [short])[0][0] >= 2)
