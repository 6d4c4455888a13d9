"""What a stop and a lost answer of the database leave behind."""

from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from google.cloud import tasks_v2

from emulator.committer import commit_together
from emulator.models import Attempt, Task
from emulator.models.attempt import INTERRUPTED
from emulator.options import Options
from emulator.server import Emulator
from emulator.tasks import create_task
from tests.emulator.conftest import PARENT, client_of
from tests.emulator.test_retries import story

pytestmark = pytest.mark.django_db(databases=["default", "emulator"], transaction=True)

QUEUE = f"{PARENT}/queues/default"
HOUR = timedelta(hours=1)


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


def test_a_lost_acknowledgement_makes_no_second_task(stored_queue, monkeypatch):
    """The commit arrives, its acknowledgement does not: the call runs again and finds its task."""
    request = tasks_v2.CreateTaskRequest.pb(
        tasks_v2.CreateTaskRequest(
            parent=stored_queue.name,
            task={"http_request": {"url": "http://127.0.0.1:9/", "headers": {"A": "1", "B": "2"}}},
        )
    )
    lost = []
    leave = transaction.Atomic.__exit__

    def leave_and_lose(self, *exc):
        leave(self, *exc)
        if not lost:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(transaction.Atomic, "__exit__", leave_and_lose)
    (outcome,) = commit_together([lambda work: create_task(work, request, tombstone=HOUR)])
    assert lost
    task = Task.objects.get()
    assert outcome.error is None
    assert outcome.result.name == f"{stored_queue.name}/tasks/{task.short_name}"
