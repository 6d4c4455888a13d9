"""Deliveries on purpose: once more, early, held and in another order."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.emulator.own_paths.conftest import names


def test_an_ended_task_is_delivered_a_second_time(ask, client, queue, send, target):
    target.script = [503, 404, 200, 500]
    quick = {"min_backoff": Duration(nanos=1_000_000), "max_backoff": Duration(nanos=1_000_000)}
    client.update_queue(queue={"name": queue, "retry_config": quick})
    name = send(queue, target.url, name="t", body=b"x").name
    assert ask.get("idle", scheduled=1)[0] == 200
    assert ask.post("tasks/redeliver", {"name": name}) == (200, {"name": name})
    assert ask.get("idle")[0] == 200
    last, again = target.wait_for(4)[2:]
    assert again.headers == last.headers
    assert again.body == last.body == b"x"
    attempts = ask.get("tasks/attempts", name=name)[1]["attempts"]
    assert [(each["number"], each["status"], each["extra"]) for each in attempts] == [
        (3, 500, True),
        (3, 200, False),
        (2, 404, False),
        (1, 503, False),
    ]
    (task,) = ask.get("tasks")[1]["tasks"]
    assert (task["state"], task["dispatch_count"], task["response_count"]) == ("done", 3, 3)


def test_a_waiting_task_is_delivered_early_and_again_when_due(ask, client, queue, send, target):
    due = datetime.now(UTC) + timedelta(hours=1)
    name = send(queue, target.url, schedule_time=due).name
    ask.post("tasks/redeliver", {"name": name})
    target.wait_for(1)
    assert ask.get("idle")[0] == 200
    assert client.get_task(name=name).dispatch_count == 0
    ask.post("clock", {"next": True})
    counts = [got.header("X-CloudTasks-TaskRetryCount") for got in target.wait_for(2)]
    assert counts == ["0", "0"]


def test_what_never_was_is_not_redelivered(ask, queue):
    assert ask.post("tasks/redeliver", {"name": f"{queue}/tasks/none"})[0] == 404
    assert ask.post("tasks/redeliver", {"name": "none"})[0] == 400
    assert ask.post("tasks/redeliver", {})[0] == 400


@pytest.mark.parametrize("order", ["reverse", ["b", "c", "a"], "random", None])
def test_a_held_queue_delivers_in_the_order_asked_for(ask, queue, send, target, order):
    assert ask.post("hold", {"queue": queue})[0] == 200
    for name in "abc":
        send(queue, target.url, name=name)
    target.stays_at(0, 0.3)
    assert ask.get("idle")[0] == 200
    body = {"queue": queue} if order is None else {"queue": queue, "order": order}
    status, answer = ask.post("release", body)
    assert status == 200
    got = names(target.wait_for(3))
    assert sorted(got) == ["a", "b", "c"]
    # Without an order they go out together, and connections overtake one another.
    wanted = {"reverse": ["c", "b", "a"], None: got, "random": got}
    assert got == (order if isinstance(order, list) else wanted[order])
    if order is not None:
        assert [name.rpartition("/")[2] for name in answer["delivered"]] == got
    send(queue, target.url, name="d")
    target.wait_for(4)


@pytest.mark.parametrize("order", ["sideways", [1], {}])
def test_an_order_that_is_none_is_refused_and_the_queue_stays_held(ask, queue, send, target, order):
    ask.post("hold", {"queue": queue})
    assert ask.post("release", {"queue": queue, "order": order})[0] == 400
    send(queue, target.url)
    target.stays_at(0, 0.2)


def test_a_bad_order_for_a_queue_that_is_not_held_holds_it_not(ask, queue, send, target):
    assert ask.post("release", {"queue": queue, "order": "sideways"})[0] == 400
    send(queue, target.url)
    target.wait_for(1)
