"""An emulator process for the whole session, the official client to it, and a real target."""

import contextlib
import socket
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import tasks_v2

from emulator.models import Queue, Task
from tests.emulator import contract
from tests.emulator.contract import PARENT
from tests.emulator.target import TargetServer
from tests.emulator.wires import client_of, connect
from tests.processes import EmulatorProcess

NOW = datetime(2026, 7, 1, 12, 0, 0, 250_000, tzinfo=UTC)
__all__ = ["PARENT", "client_of"]  # for the tests beside this file


def ended(client, name):
    """Say whether a task has ended, one way or another."""
    try:
        client.get_task(name=name)
    except NotFound:
        return True
    return False


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with EmulatorProcess(tmp_path_factory.mktemp("emulator"), "-v", "2") as running:
        yield running


def pytest_generate_tests(metafunc):
    """Run each test of a module that names WIRES once over each of them, unless it chooses."""
    wires = getattr(metafunc.module, "WIRES", ())
    chosen = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    if wires and "client" in metafunc.fixturenames and "client" not in chosen:
        metafunc.parametrize("client", wires, indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    """Where a real queue is named, leave the tests that can run against it."""
    for item in items if contract.QUEUE else ():
        if item.path.is_relative_to(Path(__file__).parent):
            contract.choose(item)


@pytest.fixture(scope="session")
def guard():
    """The real queue is the tests', for as long as they run."""
    with contract.borrowed() as guard:
        yield guard


@pytest.fixture(scope="session")
def client(request):
    wire = getattr(request, "param", "v2 gRPC")
    if contract.QUEUE:
        connected = contract.connect(wire, request.getfixturevalue("guard"))
    else:
        connected = connect(request.getfixturevalue("emulator"), wire)
    with connected as client:
        yield client


@pytest.fixture(scope="session")
def target_server():
    server = TargetServer()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def target(target_server):
    return target_server.spot()


@pytest.fixture
def raw_target():
    """Start a listener that answers every connection with these bytes and closes it."""
    listeners = []

    def listen(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield listen
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def make_queue(client):
    """Make a queue with these settings and return its name; it is deleted after the test."""
    names = []

    def make(**settings):
        name = f"{PARENT}/queues/q-{uuid.uuid4().hex[:12]}"
        client.create_queue(parent=PARENT, queue={"name": name, **settings})
        names.append(name)
        return name

    yield make
    for name in names:
        with contextlib.suppress(GoogleAPICallError):
            client.delete_queue(name=name)


@pytest.fixture
def own_queue(make_queue):
    """A queue that the test may change and delete."""
    return make_queue()


@pytest.fixture
def queue(client, request):
    """A queue that the test leaves as it is but for its tasks and its state."""
    if not contract.QUEUE:
        yield request.getfixturevalue("own_queue")
        return
    yield contract.QUEUE
    contract.empty(client)


@pytest.fixture
def paused(client, queue):
    client.pause_queue(name=queue)
    return queue


@pytest.fixture
def send(client):
    """Create a task for a URL with further fields of HttpRequest and Task."""

    def send(queue, url, *, name="", schedule_time=None, dispatch_deadline=None, **request):
        task = {"http_request": {"url": url, **request}}
        if name:
            task["name"] = f"{queue}/tasks/{name}"
        if schedule_time is not None:
            task["schedule_time"] = schedule_time
        if dispatch_deadline is not None:
            task["dispatch_deadline"] = dispatch_deadline
        return client.create_task(parent=queue, task=task)

    return send


@pytest.fixture
def stored_queue():
    """A row in the test's own database: no process is involved."""
    return Queue.objects.create(
        name="projects/p/locations/l/queues/q", parent="projects/p/locations/l", created_at=NOW
    )


@pytest.fixture
def store_task(stored_queue):
    def make(name="t", due=NOW, **fields):
        request = {"url": "http://127.0.0.1/x", "headers": {"A": "1"}}
        spec = tasks_v2.Task(http_request=request)
        return Task.objects.create(
            queue=stored_queue,
            short_name=name,
            method="POST",
            url="http://127.0.0.1/x",
            create_time=fields.pop("create_time", NOW),
            schedule_time=due,
            due_at=due,
            dispatch_deadline=timedelta(minutes=10),
            spec=tasks_v2.Task.serialize(spec),
            body=b"body",
            **fields,
        )

    return make
