"""The clock that can be turned: pure rules, and what a turn does to rows."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator import control
from emulator.claims import claim_due
from emulator.clock import Clock, TurnRefused
from emulator.models import Queue, Task
from emulator.work import Work
from tests.emulator.conftest import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return Clock(lambda: NOW)


def test_it_is_the_machines_until_it_is_turned(clock):
    assert (clock.now(), clock.offset) == (NOW, timedelta(0))
    clock.turn(clock.ahead(90))
    clock.turn(clock.ahead(0.5))
    assert (clock.now(), clock.offset) == (NOW + timedelta(seconds=90.5), timedelta(seconds=90.5))
    clock.turn(clock.until(NOW + HOUR))
    assert clock.now() == NOW + HOUR
    clock.turn(timedelta(0))
    assert clock.now() == NOW


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e30])
def test_it_goes_ahead_only_and_not_for_ever(clock, seconds):
    with pytest.raises(TurnRefused):
        clock.ahead(seconds)


@pytest.mark.parametrize("instant", [NOW, datetime.max.replace(tzinfo=UTC)])
def test_an_instant_must_be_ahead_and_near(clock, instant):
    clock.turn(clock.ahead(1))
    with pytest.raises(TurnRefused):
        clock.until(instant)


def test_advances_add_up_to_ten_years_at_the_most(clock):
    clock.turn(clock.ahead(3660 * 86400))
    with pytest.raises(TurnRefused):
        clock.ahead(1)


def turn(clock, offset):
    before = clock.offset
    work = Work(clock.now())
    control.turn(work, clock=clock, before=before, offset=offset)
    return work


@pytest.mark.django_db(databases=["default", "emulator"])
def test_an_attempt_under_way_keeps_its_lease(clock, stored_queue, store_task):
    store_task("waits", due=NOW + HOUR * 2)
    task = store_task("runs")
    claim_due(Work(NOW), queue_pk=stored_queue.pk, allow=lambda queue: 1)
    work = turn(clock, HOUR)
    task.refresh_from_db()
    assert task.due_at == NOW + HOUR + timedelta(minutes=11)
    assert Task.objects.get(short_name="waits").due_at == NOW + HOUR * 2
    assert work.altered == {stored_queue.pk}
    assert not claim_due(Work(clock.now()), queue_pk=stored_queue.pk, allow=lambda q: 9).orders


@pytest.mark.django_db(databases=["default", "emulator"])
def test_a_turn_that_is_undone_and_run_again_turns_once(clock, stored_queue, store_task):
    operation_run_twice = [turn_args(clock, HOUR)] * 2
    for arguments in operation_run_twice:
        control.turn(Work(clock.now()), **arguments)
    assert clock.offset == HOUR


def turn_args(clock, offset):
    return {"clock": clock, "before": clock.offset, "offset": offset}


@pytest.mark.django_db(databases=["default", "emulator"])
def test_coming_back_makes_no_wait_longer(clock, stored_queue, store_task):
    clock.turn(HOUR)
    late = NOW + HOUR
    minute = timedelta(minutes=1)
    retry = store_task("retry", due=late + minute, dispatch_count=1, first_dispatch_time=late)
    own = store_task("own", due=NOW + HOUR * 3)
    done = store_task("done", outcome="done", ended_at=late)
    gone = Queue.objects.create(name="gone", parent="p", created_at=NOW, deleted_at=late)
    turn(clock, timedelta(0))
    for row in (retry, own, done, gone):
        row.refresh_from_db()
    assert retry.due_at == retry.schedule_time == NOW + minute
    assert retry.first_dispatch_time == NOW
    assert own.due_at == NOW + HOUR * 3
    assert done.ended_at == gone.deleted_at == NOW
