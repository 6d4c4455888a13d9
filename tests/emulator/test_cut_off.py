"""What a stop and a lost answer of the database leave behind."""

import copy
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, transaction
from google.cloud import tasks_v2, tasks_v2beta3

from emulator.buffering import BufferTaskRequest, buffer_task
from emulator.methods import Switches, Windows
from emulator.models import Attempt, Task
from emulator.models.attempt import INTERRUPTED
from emulator.options import Options
from emulator.queues import update_queue
from emulator.server import Emulator
from emulator.services import VERSIONS, services
from emulator.together import commit_together
from tests.emulator.conftest import PARENT, client_of
from tests.emulator.test_retries import story

pytestmark = pytest.mark.django_db(databases=["default", "emulator"], transaction=True)

QUEUE = f"{PARENT}/queues/default"
HOUR = timedelta(hours=1)
NAME = "projects/p/locations/l/queues/q"  # the stored queue


def test_an_attempt_cut_off_by_a_stop_is_marked_at_that_stop(target, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    target.script = [(200, 20)]
    with Emulator(Options(queues=[QUEUE], grace=0.1)) as emulator:
        client = client_of(emulator.endpoint)
        client.create_task(parent=QUEUE, task={"http_request": {"url": target.url}})
        target.wait_for(1)
        client.transport.close()
    attempt = Attempt.objects.get()
    assert (attempt.error, attempt.status) == (INTERRUPTED, None)
    assert attempt.ended_at
    task = Task.objects.get()
    assert task.due_at == task.schedule_time  # no lease is left
    with Emulator(Options()):
        second = target.wait_for(2)[1]
    assert story(second) == ("1", "0", "504", "")


def unnamed(api):
    http_request = {"url": "http://127.0.0.1:9/", "headers": {"A": "1", "B": "2"}}
    request = api.CreateTaskRequest(parent=NAME, task={"http_request": http_request})
    return api.CreateTaskRequest.pb(request)


def batch(api):
    requests = [unnamed(api)]
    return api.BatchCreateTasksRequest.pb(
        api.BatchCreateTasksRequest(parent=NAME, requests=requests)
    )


TABLES = services(Windows(), Switches())
CALLS = {
    "v2": (TABLES[VERSIONS["v2"]], "CreateTask", unnamed(tasks_v2)),
    "v2 batch": (TABLES[VERSIONS["v2"]], "BatchCreateTasks", batch(tasks_v2)),
    "v2beta3": (TABLES[VERSIONS["v2beta3"]], "CreateTask", unnamed(tasks_v2beta3)),
    "v2beta3 batch": (TABLES[VERSIONS["v2beta3"]], "BatchCreateTasks", batch(tasks_v2beta3)),
}


@pytest.mark.parametrize(("table", "name", "request_"), CALLS.values(), ids=CALLS)
def test_a_lost_acknowledgement_makes_no_second_task(
    stored_queue, lose_first_answer, table, name, request_
):
    """The commit arrives, its acknowledgement does not: the call runs again and finds its task."""
    assert stored_queue.name == NAME
    (method,) = (each for each in table if each.name == name)
    lost = lose_first_answer()
    asked = copy.deepcopy(request_)
    run = method.group(asked) if method.group else partial(method.operation, request=asked)
    (outcome,) = commit_together([run])
    assert (lost, outcome.error) == ([True], None)
    task = Task.objects.get()
    answer = outcome.result.response.value if "Batch" in name else outcome.result.name.encode()
    assert f"{NAME}/tasks/{task.short_name}".encode() in answer


def test_a_lost_acknowledgement_buffers_nothing_twice(stored_queue, lose_first_answer):
    target = {"uri_override": {"host": "127.0.0.1", "port": 9}}
    update = tasks_v2.UpdateQueueRequest(queue={"name": NAME, "http_target": target})
    (done,) = commit_together(
        [partial(update_queue, request=tasks_v2.UpdateQueueRequest.pb(update), cooldown=HOUR)]
    )
    assert done.error is None
    request = BufferTaskRequest(NAME, "", b"body")
    lost = lose_first_answer()
    (outcome,) = commit_together([partial(buffer_task, request=request, tombstone=HOUR)])
    assert (lost, outcome.error) == ([True], None)
    assert outcome.result.name == f"{NAME}/tasks/{Task.objects.get().short_name}"


@pytest.fixture
def lose_first_answer(monkeypatch):
    """Return a call after which the next commit is made, and its acknowledgement is lost."""

    def begin():
        lost = []
        leave = transaction.Atomic.__exit__

        def leave_and_lose(self, *exc):
            leave(self, *exc)
            if not lost and not transaction.get_connection("emulator").in_atomic_block:
                lost.append(True)
                raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(transaction.Atomic, "__exit__", leave_and_lose)
        return lost

    return begin
