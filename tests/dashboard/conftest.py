"""What the dashboard's tests share: a Cloud Tasks that says yes, a real one, and some rows."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
from django.contrib.auth.models import Permission

from dashboard import cache, gateway
from dashboard.models import SentTask
from dashboard.resources import DEFAULTS, Depth, Queue, Task
from receiver.models import Event
from tests.processes import EmulatorProcess

CALLS = [
    *[
        "create_task",
        "create_tasks",
        "get_task",
        "list_tasks",
        "list_queues",
        "get_queue",
        "create_queue",
    ],
    *["update_queue", "pause_queue", "resume_queue", "purge_queue"],
    *["run_task", "delete_task", "delete_queue", "queue_depths"],
]
PARENT = "projects/demo/locations/us-central1"
DEFAULT = f"{PARENT}/queues/default"


def make_queue(name: str = "default", **changes) -> Queue:
    values = DEFAULTS | {"state": "RUNNING", "max_burst_size": 100} | changes
    return Queue(name=f"{PARENT}/queues/{name}", **values)


def make_task(name: str, **changes) -> Task:
    moment = datetime(2026, 1, 2, 12, tzinfo=UTC)
    values = {
        "url": "http://localhost:8080",
        "method": "POST",
        "schedule_time": moment,
        "create_time": moment,
        "dispatch_count": 0,
        "response_count": 0,
        "first_attempt_at": None,
        "last_attempt_at": None,
        "last_response_at": None,
        "last_attempt_text": "",
    }
    return Task(name=name, **(values | changes))


def make_sent(task_id: str = "abc", **changes) -> SentTask:
    values = {
        "submission": f"key-{task_id}-{SentTask.objects.count()}",
        "name": f"{DEFAULT}/tasks/{task_id}",
        "task_id": task_id,
        "queue": DEFAULT,
        "url": "http://localhost:8080",
        "method": "POST",
        "body": b"hello",
        "body_size": 5,
        "answer": SentTask.Answer.CREATED,
        "state": SentTask.State.WAITING,
    }
    return SentTask.objects.create(**(values | changes))


def make_event(task: str = "abc", **changes) -> Event:
    """Return a stored event; a failed one where only its status says so."""
    status = changes.get("status", 200)
    values = {
        "queue": "default",
        "task": task,
        "retry_count": 0,
        "execution_count": 0,
        "method": "POST",
        "path": "/receive",
        "headers": [["Host", "localhost"], ["Content-Type", "text/plain"]],
        "content_type": "text/plain",
        "body": b"hello",
        "body_size": 5,
        "preview": "hello",
        "caller_account": "tasks@demo.iam.gserviceaccount.com",
        "caller_check": Event.Check.VERIFIED,
        "outcome": "succeeded" if status < 300 else "failed",
        # Old enough that no poll still waits for a straggler before it.
        "received_at": datetime.now(UTC) - timedelta(seconds=10),
    }
    return Event.objects.create(**(values | changes))


@pytest.fixture(autouse=True)
def _fresh_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def cloud(monkeypatch):
    """Every call of the gateway, replaced by one that succeeds."""
    calls = SimpleNamespace()
    for name in CALLS:
        call = create_autospec(getattr(gateway, name))
        monkeypatch.setattr(gateway, name, call)
        setattr(calls, name, call)
    calls.create_task.return_value = None
    calls.get_task.side_effect = make_task
    calls.list_tasks.return_value = ([], "")
    calls.list_queues.return_value = [make_queue(), make_queue("emails", state="PAUSED")]
    calls.run_task.return_value = calls.delete_task.return_value = None
    calls.delete_queue.return_value = None
    calls.queue_depths.return_value = {"default": Depth(tasks=3, oldest_at=None, running=1)}
    for name in CALLS[5:11]:
        getattr(calls, name).return_value = make_queue()
    return calls


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """A real local Cloud Tasks in a process of its own."""
    folder = tmp_path_factory.mktemp("emulator")
    with EmulatorProcess(folder, "--queue", "default") as running:
        yield running


@pytest.fixture
def real_cloud(emulator, settings):
    """The gateway, pointed at the real one."""
    settings.CLOUD_TASKS_ENDPOINT = emulator.endpoint
    return emulator


LOOKING = [
    *["receiver.view_event", "receiver.view_refusal", "receiver.view_body"],
    *["dashboard.view_senttask", "dashboard.view_queue", "dashboard.view_template"],
    "dashboard.view_batch",
    "receiver.view_reply",
]


def allow(user, *permissions: str) -> None:
    """Give a user permissions, written as `app.codename`."""
    for permission in permissions:
        app, codename = permission.split(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        user.user_permissions.add(found)


@pytest.fixture
def newcomer(client, django_user_model):
    """A member of staff without any permission."""
    user = django_user_model.objects.create_user("newcomer", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def clerk(client, django_user_model):
    """A member of staff who may look at everything and change nothing."""
    user = django_user_model.objects.create_user("clerk", is_staff=True)
    allow(user, *LOOKING)
    client.force_login(user)
    return user
