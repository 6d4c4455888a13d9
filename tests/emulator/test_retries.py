"""Failures: what counts as one, when the next attempt comes, and when no more do."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.emulator.conftest import ended
from tests.processes import eventually

QUICK = {"min_backoff": Duration(nanos=50_000_000), "max_backoff": Duration(nanos=100_000_000)}


def story(got):
    return tuple(
        got.header(f"X-CloudTasks-Task{name}")
        for name in ("RetryCount", "ExecutionCount", "PreviousResponse", "RetryReason")
    )


def test_the_recorded_sequence(client, make_queue, send, target):
    queue = make_queue(retry_config=QUICK)
    target.script = [503, 404, 429, 500, 302, 200]
    name = send(queue, target.url).name
    assert [story(got) for got in target.wait_for(6)] == [
        ("0", "0", None, None),
        ("1", "0", "503", ""),
        ("2", "1", "404", ""),
        ("3", "2", "429", ""),
        ("4", "2", "500", ""),
        ("5", "3", "302", ""),
    ]
    eventually(lambda: ended(client, name))
    target.stays_at(6, 0.3)


def test_a_timeout_is_a_504_and_does_not_count_as_an_answer(client, make_queue, send, target):
    queue = make_queue(retry_config=QUICK)
    target.script = [(200, 16.5), 200]
    name = send(queue, target.url, dispatch_deadline=Duration(seconds=15)).name
    first, second = target.wait_for(2, seconds=25)
    assert (story(first), story(second)) == (("0", "0", None, None), ("1", "0", "504", ""))
    assert 15.0 <= second.at - first.at < 16.0
    eventually(lambda: ended(client, name))


def test_gaps_double_then_grow_then_stay(make_queue, send, target):
    queue = make_queue(
        retry_config={
            "min_backoff": Duration(nanos=200_000_000),
            "max_backoff": Duration(nanos=700_000_000),
            "max_doublings": 1,
        }
    )
    target.script = [500] * 5
    send(queue, target.url)
    got = target.wait_for(6)
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(got)]
    for gap, wanted in zip(gaps, [0.2, 0.4, 0.6, 0.7, 0.7], strict=True):
        assert wanted - 0.005 <= gap < wanted + 0.8


def test_a_gap_is_reckoned_from_the_failure(make_queue, send, target):
    queue = make_queue(retry_config={"min_backoff": Duration(nanos=500_000_000)})
    target.script = [(500, 1.0), 200]
    send(queue, target.url)
    first, second = target.wait_for(2)
    assert 1.495 <= second.at - first.at < 1.9
    assert 0 <= second.wall - float(second.header("X-CloudTasks-TaskETA")) < 0.4


def test_the_task_shows_its_attempts(client, make_queue, send, target):
    queue = make_queue(retry_config={"min_backoff": Duration(seconds=60)})
    target.script = [503]
    name = send(queue, target.url).name
    task = eventually(lambda: _answered(client, name))
    assert (task.dispatch_count, task.response_count) == (1, 1)
    assert task.first_attempt.dispatch_time == task.last_attempt.dispatch_time
    assert not task.first_attempt.schedule_time
    assert task.last_attempt.response_status.code == 14
    assert task.last_attempt.response_status.message == "UNAVAILABLE(14): HTTP status code 503"
    wait = task.schedule_time - task.last_attempt.response_time
    assert wait == timedelta(seconds=60)


def _answered(client, name):
    task = client.get_task(name=name)
    return task if task.last_attempt.response_time else None


@pytest.mark.parametrize("attempts", [1, 3])
def test_it_gives_up_after_the_last_attempt(client, make_queue, send, target, attempts):
    queue = make_queue(retry_config={**QUICK, "max_attempts": attempts})
    target.otherwise = 500
    name = send(queue, target.url).name
    eventually(lambda: ended(client, name))
    target.stays_at(attempts, 0.3)
    assert story(target.requests[-1])[0] == str(attempts - 1)


def test_both_limits_must_be_reached(client, make_queue, send, target):
    queue = make_queue(
        retry_config={
            **QUICK,
            "max_attempts": 2,
            "max_retry_duration": Duration(seconds=1),
        }
    )
    target.otherwise = 500
    name = send(queue, target.url).name
    eventually(lambda: ended(client, name))
    got = target.requests
    assert len(got) > 5
    assert 0.9 <= got[-1].at - got[0].at < 1.5


def test_a_tasks_own_retry_config_goes_first(client, make_queue, target):
    queue = make_queue(retry_config={**QUICK, "max_attempts": 50})
    target.otherwise = 500
    name = client.create_task(
        parent=queue,
        task={"http_request": {"url": target.url}, "retry_config": {"max_attempts": 2}},
    ).name
    eventually(lambda: ended(client, name))
    assert len(target.requests) == 2


def test_run_sends_now_and_not_again_at_the_old_time(client, queue, send, target):
    due = datetime.now(UTC) + timedelta(seconds=1.2)
    client.pause_queue(name=queue)
    name = send(queue, target.url, schedule_time=due).name
    ran = client.run_task(name=name)
    assert (ran.name, ran.dispatch_count) == (name, 1)
    (got,) = target.wait_for(1)
    assert got.wall < due.timestamp()
    assert story(got) == ("0", "0", None, None)
    eventually(lambda: ended(client, name))
    client.resume_queue(name=queue)
    target.stays_at(1, 1.6)


def test_a_failed_run_is_retried_from_the_call(client, make_queue, send, target):
    queue = make_queue(retry_config={"min_backoff": Duration(seconds=1)})
    target.script = [(500, 0.5)]
    name = send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(hours=1)).name
    client.run_task(name=name)
    first, second = target.wait_for(2)
    assert 0.95 <= second.at - first.at < 1.4
    assert story(second) == ("1", "0", "500", "")


def test_run_ignores_the_limits(client, make_queue, send, target):
    queue = make_queue(rate_limits={"max_concurrent_dispatches": 1})
    target.otherwise = (200, 0.6)
    names = [send(queue, target.url).name for _ in range(4)]
    target.wait_for(1)
    for name in names[1:]:
        client.run_task(name=name)
    target.wait_for(4, seconds=0.5)
    assert target.most_at_once == 4


def test_a_result_that_comes_after_the_deletion_is_dropped(client, queue, send, target):
    target.otherwise = (500, 0.4)
    name = send(queue, target.url).name
    target.wait_for(1)
    client.delete_task(name=name)
    target.stays_at(1, 1.0)
    assert ended(client, name)


def test_purge_stops_retries_and_what_waits(client, make_queue, send, target):
    queue = make_queue(retry_config=QUICK)
    target.otherwise = 500
    send(queue, target.url)
    target.wait_for(2)
    client.purge_queue(name=queue)
    assert list(client.list_tasks(parent=queue)) == []
    send(queue, target.url, name="after")
    eventually(lambda: target.requests[-1].header("X-CloudTasks-TaskName") == "after")


def test_a_deleted_queue_sends_nothing_more(client, make_queue, send, target):
    queue = make_queue(retry_config=QUICK)
    target.otherwise = 500
    send(queue, target.url)
    target.wait_for(2)
    client.delete_queue(name=queue)
    count = len(target.requests)
    target.changed.acquire()
    target.changed.wait(0.3)
    target.changed.release()
    assert len(target.requests) <= count + 1


def test_an_older_failure_moves_nothing_while_a_later_attempt_is_out(client, queue, send, target):
    target.script = [(503, 0.4), (200, 1.0)]
    task = send(queue, target.url)
    target.wait_for(1)
    client.run_task(name=task.name)
    target.wait_for(2)
    # Without this the 503 would bring a third request after 0.1 s, before the 200 is there.
    target.stays_at(2, 0.8)
    eventually(lambda: ended(client, task.name))
    assert len(target.requests) == 2


def test_an_older_failure_does_not_end_the_task(client, make_queue, send, target):
    queue = make_queue(retry_config={"max_attempts": 1})
    target.script = [(503, 0.2), (200, 1.0)]
    task = send(queue, target.url)
    target.wait_for(1)
    client.run_task(name=task.name)
    target.wait_for(2)
    eventually(lambda: client.get_task(name=task.name).response_count == 1)
    eventually(lambda: ended(client, task.name))


def test_nothing_is_said_of_an_attempt_that_has_not_ended(client, queue, send, target):
    target.script = [(200, 0.5)]
    task = send(queue, target.url)
    target.wait_for(1)
    client.run_task(name=task.name)
    assert story(target.wait_for(2)[1]) == ("1", "0", None, "")
