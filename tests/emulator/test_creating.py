"""Many CreateTasks in one transaction, and first attempts opened together with their tasks."""

import asyncio
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from google.cloud import tasks_v2

from emulator.committer import Committer
from emulator.creating import Create
from emulator.dispatcher import Dispatcher
from emulator.methods import Switches, Windows
from emulator.models import Attempt, Queue, Task
from emulator.models.attempt import INTERRUPTED
from emulator.runner import Permit
from emulator.sender import Answer
from emulator.services import VERSIONS, services
from emulator.together import commit_together
from tests.emulator.test_cut_off import lose_first_answer

__all__ = ["lose_first_answer"]
pytestmark = pytest.mark.django_db(databases=["default", "emulator"], transaction=True)

NAME = "projects/p/locations/l/queues/q"  # the stored queue
HOUR = timedelta(hours=1)
URL = "http://127.0.0.1:9/"


def create(task_id="", queue=NAME, ask=None, **task):
    name = {"name": f"{queue}/tasks/{task_id}"} if task_id else {}
    task = {"http_request": {"url": URL}, **name, **task}
    request = tasks_v2.CreateTaskRequest(parent=queue, task=task)
    return Create(tasks_v2.CreateTaskRequest.pb(request), tombstone=HOUR, ask=ask)


class Room:
    """A runner with room for so many attempts; counts what was given back."""

    def __init__(self, queue, room):
        self.queue, self.room, self.back = queue.pk, room, 0
        self.terms = (
            queue.max_dispatches_per_second,
            queue.max_burst_size,
            queue.max_concurrent_dispatches,
        )

    def ask(self, queue_name):
        if queue_name != NAME or not self.room:
            return None
        self.room -= 1
        return Permit(self, self.terms)

    def take_back(self):
        self.back += 1


def run(creates):
    """Commit them as the committer does; what the dispatcher would launch is used."""
    for each in creates:
        each.begin()
    outcomes = commit_together(creates)
    for outcome in outcomes:
        for _, permit in outcome.work.permitted if outcome.work else ():
            permit.used = True
    for each in creates:
        each.settled()
    return outcomes


def test_many_are_stored_by_a_few_statements(stored_queue):
    other = Queue.objects.create(name=f"{NAME}2", parent="p", created_at=stored_queue.created_at)
    creates = [create(queue=name) for name in (NAME, other.name) for _ in range(16)]
    with CaptureQueriesContext(connections["emulator"]) as queries:
        outcomes = commit_together(creates)
    statements = [each["sql"].split()[0] for each in queries.captured_queries]
    assert [each for each in statements if each in ("SELECT", "INSERT")] == ["SELECT", "INSERT"]
    assert {outcome.error for outcome in outcomes} == {None}
    assert stored_queue.tasks.count() == other.tasks.count() == 16
    names = {f"{task.queue.name}/tasks/{task.short_name}" for task in Task.objects.all()}
    assert {outcome.result.name for outcome in outcomes} == names
    assert {pk for outcome in outcomes for pk in outcome.work.due} == {stored_queue.pk, other.pk}


def test_what_is_refused_leaves_its_neighbours_alone(stored_queue, store_task):
    store_task("old")
    outcomes = commit_together(
        [
            create("a"),
            create("a"),
            create("old"),
            create(queue=f"{NAME}-missing"),
            create(queue="nonsense"),
            create(http_request={"url": ""}),
            create(queue=f"{NAME}-missing", http_request={"url": ""}),  # the queue comes first
            create("b"),
        ]
    )
    assert [outcome.error.message if outcome.error else "" for outcome in outcomes] == [
        "",
        "Requested entity already exists",
        "Requested entity already exists",
        "Queue does not exist. If you just created the queue, wait at least a minute for the "
        "queue to initialize.",
        outcomes[4].error.message,
        "HttpRequest.url is required.",
        outcomes[3].error.message,
        "",
    ]
    assert "nonsense" in outcomes[4].error.message or "queue" in outcomes[4].error.message.lower()
    assert set(Task.objects.values_list("short_name", flat=True)) == {"a", "b", "old"}


def test_a_task_with_a_permit_is_stored_with_its_first_attempt(stored_queue):
    room = Room(stored_queue, 2)
    outcomes = run([create(name, ask=room.ask) for name in "abc"])
    orders = [order for outcome in outcomes for order, _ in outcome.work.permitted]
    assert [(order.task_id, order.retry_count) for order in orders] == [("a", 0), ("b", 0)]
    assert [bool(outcome.work.due) for outcome in outcomes] == [False, False, True]
    assert room.back == 0
    for outcome in outcomes:  # as created, whatever has begun since
        assert outcome.result.dispatch_count == 0
        assert not outcome.result.HasField("first_attempt")
    for order in orders:
        attempt = Attempt.objects.get(pk=order.attempt)
        assert (attempt.task_id, attempt.number, attempt.ended_at) == (order.task, 1, None)
        assert attempt.task.state == "running"
        assert attempt.task.first_dispatch_time == attempt.dispatch_time
    assert Task.objects.get(short_name="c").state == "waiting"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "PAUSED"},
        {"max_concurrent_dispatches": 1},
        {"max_dispatches_per_second": 1.0},
        {"bucket_size": 7},
    ],
)
def test_a_permit_of_other_terms_is_given_back(stored_queue, change):
    room = Room(stored_queue, 1)
    Queue.objects.filter(pk=stored_queue.pk).update(**change)
    (outcome,) = run([create(ask=room.ask)])
    assert (outcome.work.permitted, room.back) == ([], 1)
    assert list(outcome.work.due) == [stored_queue.pk]
    assert Task.objects.get().state == "waiting"


def test_a_permit_for_the_queue_that_had_the_name_before_is_given_back(stored_queue):
    room = Room(stored_queue, 1)
    room.queue += 1
    (outcome,) = run([create(ask=room.ask)])
    assert (outcome.work.permitted, room.back) == ([], 1)


def test_a_permit_of_a_task_that_is_refused_is_given_back(stored_queue):
    room = Room(stored_queue, 1)
    (outcome,) = run([create(ask=room.ask, http_request={"url": ""})])
    assert outcome.error
    assert (room.room, room.back) == (0, 1)


def test_a_task_for_later_asks_for_no_permit(stored_queue):
    room = Room(stored_queue, 1)
    run([create(ask=room.ask, schedule_time={"seconds": 1})])  # long ago, and yet named
    assert (room.room, room.back) == (1, 0)


def test_an_attempt_opened_by_a_commit_whose_answer_is_lost_is_made_good(
    stored_queue, lose_first_answer
):
    room = Room(stored_queue, 1)
    lost = lose_first_answer()
    (outcome,) = run([create(ask=room.ask)])
    assert (lost, outcome.error) == ([True], None)
    task = Task.objects.get()
    assert task.state == "retrying"
    assert outcome.work.due == {stored_queue.pk: task.due_at}
    assert Attempt.objects.get().error == INTERRUPTED
    assert room.back == 1


def test_a_name_of_twenty_digits_is_as_taken_as_any_when_a_batch_runs_again(
    stored_queue, store_task
):
    """A batch that breaks is run again one by one; only names made for a call are known to it."""
    store_task("12345678901234567890")

    def breaks(work):
        raise RuntimeError("it breaks the batch")

    taken, unnamed, broken = commit_together([create("12345678901234567890"), create(), breaks])
    assert taken.error.message == "Requested entity already exists"
    assert unnamed.error is None
    assert str(broken.error) == "it breaks the batch"


def test_many_of_v2beta3_are_stored_together_too(stored_queue):
    table = services(Windows(), Switches())[VERSIONS["v2beta3"]]
    (method,) = (each for each in table if each.name == "CreateTask")
    request = method.request(parent=NAME, task={"http_request": {"url": URL}})
    with CaptureQueriesContext(connections["emulator"]) as queries:
        outcomes = commit_together([method.group(request) for _ in range(16)])
    assert [outcome.error for outcome in outcomes] == [None] * 16
    assert {type(outcome.result) for outcome in outcomes} == {method.response}
    statements = [each["sql"].split()[0] for each in queries.captured_queries]
    assert [each for each in statements if each in ("SELECT", "INSERT")] == ["SELECT", "INSERT"]


class Slow:
    """A sender whose answers come when they are let go."""

    def __init__(self):
        self.out, self.most, self.go = 0, 0, asyncio.Event()

    async def send(self, order):
        self.out += 1
        self.most = max(self.most, self.out)
        await self.go.wait()
        self.out -= 1
        return Answer(200)


@pytest.mark.parametrize("limit", [{"max_concurrent_dispatches": 2}, {"bucket_size": 2}])
def test_permits_and_claims_together_keep_to_the_limits(stored_queue, limit):
    """Of 40 tasks created at once, in a queue that is known already, two go out."""
    Queue.objects.update(max_dispatches_per_second=0.001, **{"bucket_size": 1000} | limit)

    async def main():
        dispatcher, slow = Dispatcher(), Slow()
        committer = Committer(dispatcher.follow)
        await dispatcher.start(committer, slow)
        await committer.run(lambda work: work.altered.add(stored_queue.pk))
        while not dispatcher._names:
            await asyncio.sleep(0)
        await asyncio.gather(*(committer.run(create(ask=dispatcher.permit)) for _ in range(40)))
        await committer.run(lambda work: None)
        most = slow.most
        slow.go.set()
        await dispatcher.stop(10)
        await committer.close(10)
        return most

    assert asyncio.run(main()) == 2
