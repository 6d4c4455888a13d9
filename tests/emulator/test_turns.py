"""Very many tasks ended or forgotten in turns, with what others ask for between them."""

import asyncio
from functools import partial
from types import SimpleNamespace

import pytest

from emulator import control, queues
from emulator.committer import Committer
from emulator.models import Attempt, Queue, Task
from emulator.upkeep import recover
from emulator.work import More, Work
from tests.emulator.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "emulator"], transaction=True)


@pytest.fixture(autouse=True)
def two_a_turn(monkeypatch):
    monkeypatch.setattr("emulator.turns.TASKS_A_TURN", 2)


@pytest.fixture
def five(stored_queue, store_task):
    tasks = [store_task(f"t{number}") for number in range(5)]
    Attempt.objects.create(task=tasks[0], number=1, schedule_time=NOW, dispatch_time=NOW)
    return stored_queue


def asked_for(queue):
    return SimpleNamespace(name=queue.name)


def outcomes():
    return [str(task.outcome) for task in Task.objects.order_by("pk")]


def test_a_purge_leaves_what_is_created_between_its_turns(five, store_task):
    first = queues.purge_queue(Work(NOW), asked_for(five))
    assert outcomes() == ["purged", "purged", "", "", ""]
    store_task("new")
    second = first.rest(Work(NOW))
    assert isinstance(second, More)
    assert second.rest(Work(NOW)).name == five.name
    assert outcomes() == ["purged"] * 5 + [""]


def test_a_hard_reset_forgets_names_and_attempts(five):
    result = queues.purge_queue(Work(NOW), asked_for(five), hard_reset=True)
    while isinstance(result, More):
        result = result.rest(Work(NOW))
    assert (Task.objects.count(), Attempt.objects.count()) == (0, 0)


def test_a_deletion_that_a_kill_cut_off_is_finished_at_the_next_start(five):
    queues.delete_queue(Work(NOW), asked_for(five))
    assert outcomes() == ["deleted", "deleted", "", "", ""]
    recover(Work(NOW))
    assert outcomes() == ["deleted"] * 5


def test_a_reset_says_how_much_it_forgot_and_alters_the_queues_in_the_end(five):
    parts, result = [], More(partial(control.reset, queue="", queues=True))
    while isinstance(result, More):
        parts.append(Work(NOW))
        result = result.rest(parts[-1])
    assert result == {"tasks": 5, "queues": 1}
    assert [work.altered for work in parts] == [set(), set(), {five.pk}]
    assert (Queue.objects.count(), Task.objects.count(), Attempt.objects.count()) == (0, 0, 0)


def test_others_go_between_the_turns_and_the_answer_comes_after_the_last(five):
    done = []

    async def scenario():
        committer = Committer(lambda work: None)
        purge = committer.run(partial(queues.purge_queue, request=asked_for(five)))
        purged = asyncio.create_task(purge)
        purged.add_done_callback(lambda _: done.append("purge"))
        while not purged.done():
            live = await committer.run(lambda work: Task.objects.live().count())
            done.append(live)
        await committer.close(5)
        return purged.result().name

    assert asyncio.run(scenario()) == five.name
    assert done[done.index("purge") :] in (["purge"], ["purge", 0])
    assert {3, 1} & set(done)  # seen half way
    assert outcomes() == ["purged"] * 5
