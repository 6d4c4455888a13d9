"""What is put right in the database: after a stop, after a jump of the clock, with time."""

from datetime import timedelta

import pytest
from google.cloud import tasks_v2

from emulator.claims import claim_due
from emulator.models import Attempt, Queue, Task
from emulator.models.attempt import INTERRUPTED
from emulator.reports import Report
from emulator.sender import Answer
from emulator.upkeep import (
    clamp_retries,
    end_outlived,
    forget_ended,
    forget_queues,
    recover,
    release_lapsed,
)
from emulator.work import Work
from tests.emulator.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "emulator"])

HOUR = timedelta(hours=1)


def claim(queue, now=NOW, allowed=10):
    return claim_due(Work(now), queue_pk=queue.pk, allow=lambda queue: allowed)


def test_a_claim_takes_what_is_due_and_counts_it(stored_queue, store_task):
    task = store_task(due=NOW - HOUR)
    store_task("later", due=NOW + HOUR)
    got = claim(stored_queue)
    (order,) = got.orders
    assert (order.task_id, order.retry_count, order.body) == ("t", 0, b"body")
    assert (order.headers["A"], order.headers["X-CloudTasks-TaskName"]) == ("1", "t")
    assert order.schedule_time == NOW - HOUR
    assert not got.full
    task.refresh_from_db()
    assert task.dispatch_count == 1
    assert task.first_dispatch_time == task.last_dispatch_time == NOW
    assert task.due_at == NOW + timedelta(minutes=11)
    attempt = Attempt.objects.get()
    assert (attempt.task, attempt.number, attempt.dispatch_time) == (task, 1, NOW)
    assert claim(stored_queue).orders == []


def test_a_claim_takes_no_more_than_allowed_the_longest_due_first(stored_queue, store_task):
    for number in (3, 1, 2):
        store_task(f"t{number}", due=NOW - HOUR * (4 - number))
    got = claim(stored_queue, allowed=2)
    assert [order.task_id for order in got.orders] == ["t1", "t2"]
    assert got.full


@pytest.mark.parametrize("verb", ["pause", "retire"])
def test_a_queue_that_does_not_run_is_not_claimed_from(stored_queue, store_task, verb):
    store_task()
    stored_queue.pause() if verb == "pause" else stored_queue.retire(NOW)
    assert claim(stored_queue).orders == []


def test_a_stop_makes_tasks_under_way_due_again(stored_queue, store_task):
    task, waiting = store_task(), store_task("later", due=NOW + HOUR)
    claim(stored_queue)
    later = NOW + timedelta(seconds=5)
    assert recover(Work(later)) == 1
    attempt = Attempt.objects.get()
    assert (attempt.ended_at, attempt.error, attempt.status) == (later, INTERRUPTED, None)
    (order,) = claim(stored_queue, now=later).orders
    assert (order.task, order.retry_count, order.previous_response) == (task.pk, 1, 0)
    waiting.refresh_from_db()
    assert waiting.due_at == NOW + HOUR


def test_a_lease_outlives_a_jump_of_the_clock(stored_queue, store_task):
    task, late = store_task(), NOW + timedelta(days=2)
    claim(stored_queue)
    got = claim(stored_queue, now=late)
    assert (got.orders, got.next_due) == ([], None)
    assert release_lapsed(Work(late), in_flight={task.pk}) == 0
    assert claim(stored_queue, now=late).orders == []
    assert Attempt.objects.running().count() == 1


def test_a_lease_that_nobody_knows_of_ends(stored_queue, store_task):
    store_task()
    claim(stored_queue)
    early, late = NOW + timedelta(minutes=10), NOW + timedelta(minutes=12)
    assert release_lapsed(Work(early), in_flight=set()) == 0
    assert release_lapsed(work := Work(late), in_flight={-1}) == 1
    assert work.due == {stored_queue.pk: late}
    (order,) = claim(stored_queue, now=late).orders
    assert (order.retry_count, order.previous_response) == (1, 0)
    assert Attempt.objects.filter(ended_at=late, error=INTERRUPTED).count() == 1


def test_a_report_ends_the_attempt_and_the_task(stored_queue, store_task):
    task = store_task()
    (order,) = claim(stored_queue).orders
    answer = Answer(201, [("X-A", "b")], b"\x00answer", ended_at=NOW + HOUR)
    assert Report(order, answer)(Work(NOW + HOUR * 2)) == "done"
    task.refresh_from_db()
    assert (task.outcome, task.ended_at, task.response_count) == ("done", NOW + HOUR, 1)
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.headers) == (201, [["X-A", "b"]])
    assert bytes(attempt.body) == b"\x00answer"
    assert attempt.duration == HOUR


def test_a_report_on_a_task_that_ended_is_dropped(stored_queue, store_task):
    task = store_task()
    (order,) = claim(stored_queue).orders
    Task.objects.all().end(Task.Outcome.DELETED, NOW)
    assert Report(order, Answer(500))(Work(NOW)).startswith("dropped")
    task.refresh_from_db()
    assert (task.outcome, task.response_count) == ("deleted", 0)
    assert Attempt.objects.get().status == 500


def test_retries_too_far_ahead_come_back_and_schedules_stay(stored_queue, store_task):
    clamped = store_task("retry", due=NOW + HOUR * 5, dispatch_count=1)
    own = store_task("schedule", due=NOW + HOUR * 5)
    assert clamp_retries(work := Work(NOW)) == 1
    clamped.refresh_from_db()
    own.refresh_from_db()
    assert clamped.due_at == clamped.schedule_time == NOW + HOUR  # max_backoff
    assert own.due_at == NOW + HOUR * 5
    assert work.due == {stored_queue.pk: NOW}


@pytest.mark.parametrize("whose", ["queue", "task"])
def test_a_backoff_of_ten_thousand_years_stops_no_start(stored_queue, store_task, whose):
    longest = timedelta(seconds=315_576_000_000)
    task = store_task(due=NOW + timedelta(days=40), dispatch_count=1)
    if whose == "queue":
        stored_queue.max_backoff = longest
        stored_queue.save()
    else:
        retry = {"retry_config": {"max_backoff": longest}}
        task.spec = tasks_v2.Task.serialize(tasks_v2.Task(**retry))
        task.save()
    assert clamp_retries(Work(NOW)) == 1
    task.refresh_from_db()
    assert task.due_at == NOW + timedelta(days=31)


def test_many_queues_cost_no_more_queries(stored_queue, django_assert_max_num_queries):
    Queue.objects.bulk_create(
        Queue(name=f"q{number}", parent="p", created_at=NOW) for number in range(50)
    )
    with django_assert_max_num_queries(3, using="emulator"):
        clamp_retries(work := Work(NOW))
    assert len(work.due) == 51


def test_what_was_to_run_at_once_does_so_after_the_clock_went_back(stored_queue, store_task):
    made = NOW.replace(microsecond=0) + HOUR * 2
    store_task("at-once", due=made + timedelta(seconds=0.9), create_time=made)
    store_task("scheduled", due=made + HOUR, create_time=made)
    store_task("before", due=NOW + HOUR)
    assert clamp_retries(Work(NOW)) == 1
    assert [order.task_id for order in claim(stored_queue).orders] == ["at-once"]


def test_ended_tasks_are_forgotten_with_their_attempts(stored_queue, store_task):
    store_task("live")
    old = store_task("old", outcome="done", ended_at=NOW - HOUR * 25)
    store_task("fresh", outcome="done", ended_at=NOW - HOUR * 23)
    old.attempts.create(number=1, schedule_time=NOW, dispatch_time=NOW, ended_at=NOW - HOUR * 25)
    assert forget_ended(Work(NOW), keep=HOUR * 24) is False
    assert set(Task.objects.values_list("short_name", flat=True)) == {"live", "fresh"}
    assert not Attempt.objects.exists()


def test_deleted_queues_are_forgotten_when_their_tasks_are(stored_queue, store_task):
    task = store_task(outcome="deleted", ended_at=NOW)
    stored_queue.retire(NOW)
    for later, left in ((HOUR, 1), (HOUR * 3, 1)):
        forget_queues(Work(NOW + later), rest=HOUR * 2)
        assert Queue.objects.count() == left
    task.delete()
    forget_queues(Work(NOW + HOUR * 3), rest=HOUR * 2)
    assert not Queue.objects.exists()


def test_a_task_is_kept_for_31_days(store_task):
    task = store_task(create_time=NOW - timedelta(days=31, seconds=1))
    store_task("younger", create_time=NOW - timedelta(days=31) + HOUR)
    assert end_outlived(Work(NOW)) == 1
    task.refresh_from_db()
    assert task.outcome == "gave up"
