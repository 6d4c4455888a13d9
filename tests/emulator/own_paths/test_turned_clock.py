"""A running emulator whose clock is turned."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import AlreadyExists, NotFound
from google.protobuf.duration_pb2 import Duration

from tests.emulator.own_paths.conftest import names


def test_what_is_due_by_then_goes_out_when_the_clock_is_turned(ask, queue, send, target):
    due = datetime.now(UTC) + timedelta(hours=1)
    send(queue, target.url, name="hour", schedule_time=due)
    send(queue, target.url, name="day", schedule_time=due + timedelta(days=1))
    status, answer = ask.post("clock", {"advance": 3700})
    assert status == 200
    assert answer["offset"] == 3700
    assert ask.get("idle")[0] == 200
    (got,) = target.wait_for(1)
    assert float(got.header("X-CloudTasks-TaskETA")) == due.timestamp()
    assert ask.get("clock")[1]["offset"] == 3700
    ask.post("clock", {"to": (due + timedelta(days=2)).isoformat()})
    assert names(target.wait_for(2)) == ["hour", "day"]


def test_the_next_due_task_is_jumped_to(ask, queue, send, target):
    target.script = [500]
    due = datetime.now(UTC) + timedelta(hours=5)
    send(queue, target.url, schedule_time=due)
    status, answer = ask.post("clock", {"next": True})
    assert status == 200
    assert abs(answer["offset"] - 5 * 3600) < 30
    target.wait_for(2)  # the retry comes on its own
    assert ask.get("idle")[0] == 200
    assert ask.post("clock", {"next": True})[0] == 400


def test_a_backoff_of_an_hour_takes_no_hour(ask, client, queue, send, target):
    hour = {"min_backoff": Duration(seconds=3600), "max_backoff": Duration(seconds=3600)}
    client.update_queue(queue={"name": queue, "retry_config": hour})
    target.script = [500, 500, 200]
    name = send(queue, target.url).name
    for count in (1, 2):
        target.wait_for(count)
        assert ask.get("idle")[0] == 200
        ask.post("clock", {"advance": 3601})
    target.wait_for(3)
    assert ask.get("idle", scheduled=1)[0] == 200
    with pytest.raises(NotFound):
        client.get_task(name=name)


def test_names_rest_by_the_turned_clock(ask, client, queue, send, target):
    send(queue, target.url, name="t")
    ask.get("idle")
    with pytest.raises(AlreadyExists):
        send(queue, target.url, name="t")
    ask.post("clock", {"advance": 3601})
    send(queue, target.url, name="t")
    target.wait_for(2)


def test_a_request_under_way_is_not_sent_again_by_a_turn(ask, queue, send, target):
    target.script = [(200, 0.6)]
    send(queue, target.url)
    target.wait_for(1)
    ask.post("clock", {"advance": 86400})
    assert ask.get("idle", scheduled=1)[0] == 200
    assert len(target.requests) == 1


def test_rates_hold_however_the_clock_is_turned(ask, client, queue, send, target):
    limits = {"max_dispatches_per_second": 20}
    client.update_queue(queue={"name": queue, "rate_limits": limits})
    due = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(20):
        send(queue, target.url, schedule_time=due)
    ask.post("clock", {"advance": 7200})
    target.wait_for(20)
    # As they were sent: on a busy machine they arrive when they can.
    attempts = ask.get("tasks/attempts", queue=queue, limit=20)[1]["attempts"]
    times = sorted(datetime.fromisoformat(each["dispatch_time"]) for each in attempts)
    assert times[19] - times[9] > timedelta(seconds=0.45)


def test_the_clock_comes_back(ask, queue, send, target):
    ask.post("clock", {"advance": 7200})
    assert ask.post("clock", {"resume": True})[1]["offset"] == 0
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    send(queue, target.url, schedule_time=due)
    (got,) = target.wait_for(1)
    assert 0 <= got.wall - due.timestamp() < 0.5


@pytest.mark.parametrize(
    "body",
    [
        {"advance": -1},
        {"advance": "1"},
        {"advance": True},
        {"advance": 1e300},
        {"to": "yesterday"},
        {"to": "2020-01-01T00:00:00Z"},
        {"to": "2099-01-01T00:00:00"},
        {"next": False},
        {"advance": 1, "resume": True},
        {},
        [],
    ],
)
def test_the_clock_refuses_nonsense(ask, body):
    status, answer = ask.post("clock", body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert ask.get("clock")[1]["offset"] == 0
