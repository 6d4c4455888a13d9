"""What testers do to a running emulator: wait, reset, turn its clock, deliver on purpose."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core.exceptions import AlreadyExists, NotFound
from google.protobuf.duration_pb2 import Duration

from tests.emulator.conftest import PARENT, client_of
from tests.emulator.control import Asker
from tests.processes import EmulatorProcess, eventually


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An emulator whose clock and tasks are nobody else's."""
    with EmulatorProcess(tmp_path_factory.mktemp("control")) as running:
        yield running


@pytest.fixture(scope="module")
def client(own):
    client = client_of(own.endpoint)
    yield client
    client.transport.close()


@pytest.fixture
def ask(own):
    asker = Asker(own.http_url)
    yield asker
    assert asker.post("reset", queues=1)[0] == 200


@pytest.fixture
def queue(ask, client):
    name = f"{PARENT}/queues/q-{uuid.uuid4().hex[:12]}"
    return client.create_queue(parent=PARENT, queue={"name": name}).name


def names(requests):
    return [each.header("X-CloudTasks-TaskName") for each in requests]


# Idle -------------------------------------------------------------------------------------
def test_idle_waits_for_what_is_due_and_under_way(ask, client, queue, send, target):
    target.otherwise = (200, 0.4)
    for _ in range(3):
        send(queue, target.url)
    send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(hours=1))
    assert ask.get("idle", queue=queue) == (200, {"idle": True})
    assert len(target.requests) == 3
    assert target.at_once == 0
    assert ask.get("idle")[0] == 200
    status, answer = ask.get("idle", timeout=0.2, scheduled=1)
    assert status == 408
    assert answer["left"] == [
        {"queue": queue, "state": "RUNNING", "due": 0, "scheduled": 1, "in_flight": 0}
    ]


def test_idle_says_what_is_left(ask, client, queue, send, target):
    target.otherwise = (200, 1.0)
    send(queue, target.url)
    target.wait_for(1)
    status, answer = ask.get("idle", timeout=0.1)
    assert status == 408
    assert answer["error"]["status"] == "DEADLINE_EXCEEDED"
    assert [each["in_flight"] for each in answer["left"]] == [1]


def test_a_paused_queue_is_idle_and_a_deleted_task_ends_a_wait(ask, client, queue, send, target):
    client.pause_queue(name=queue)
    name = send(queue, target.url).name
    assert ask.get("idle", timeout=5)[0] == 200
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(ask.get("idle", scheduled=1)[0]))
    later = send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(hours=1)).name
    waiter.start()
    client.delete_task(name=name)
    client.delete_task(name=later)
    waiter.join(10)
    assert answers == [200]


@pytest.mark.parametrize("query", [{"timeout": "x"}, {"timeout": "-1"}, {"queue": "q"}])
def test_idle_refuses_nonsense(ask, query):
    status, answer = ask.get("idle", **query)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_idle_of_no_queue_is_not_found(ask):
    assert ask.get("idle", queue=f"{PARENT}/queues/none")[0] == 404


# Reset ------------------------------------------------------------------------------------
def test_a_reset_forgets_tasks_and_names_and_keeps_queues(ask, client, queue, send, target):
    send(queue, target.url, name="t")
    assert ask.get("idle", queue=queue)[0] == 200
    send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(hours=1))
    gone = client.create_queue(parent=PARENT, queue={"name": f"{queue}-gone"}).name
    client.delete_queue(name=gone)
    assert ask.post("reset") == (200, {"tasks": 2, "queues": 0})
    assert list(client.list_tasks(parent=queue)) == []
    assert ask.get("tasks") == (200, {"tasks": [], "before": None})
    send(queue, target.url, name="t")
    target.wait_for(2)
    client.create_queue(parent=PARENT, queue={"name": gone})


def test_a_reset_of_one_queue_leaves_the_others(ask, client, queue, send, target):
    other = client.create_queue(parent=PARENT, queue={"name": f"{queue}-b"}).name
    later = datetime.now(UTC) + timedelta(hours=1)
    for each in (queue, other):
        send(each, target.url, schedule_time=later)
    assert ask.post("reset", queue=queue) == (200, {"tasks": 1, "queues": 0})
    assert [len(list(client.list_tasks(parent=each))) for each in (queue, other)] == [0, 1]


def test_a_reset_with_queues_leaves_none_and_no_cooldown(ask, client, queue, send, target):
    assert ask.post("reset", queues=1) == (200, {"tasks": 0, "queues": 1})
    with pytest.raises(NotFound):
        client.get_queue(name=queue)
    client.create_queue(parent=PARENT, queue={"name": queue})
    send(queue, target.url)
    target.wait_for(1)


def test_a_late_answer_after_a_reset_is_dropped(ask, client, queue, send, target):
    target.script = [(500, 0.5)]
    send(queue, target.url, name="t")
    target.wait_for(1)
    ask.post("reset")
    send(queue, target.url, name="t", schedule_time=datetime.now(UTC) + timedelta(hours=1))
    eventually(lambda: target.at_once == 0)
    target.stays_at(1, 0.3)
    (task,) = ask.get("tasks")[1]["tasks"]
    assert (task["state"], task["dispatch_count"]) == ("waiting", 0)


# The clock --------------------------------------------------------------------------------
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
    times = [got.at for got in target.wait_for(20)]
    assert times[19] - times[9] > 0.45


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


# Deliveries on purpose --------------------------------------------------------------------
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


# Nonsense ---------------------------------------------------------------------------------
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "²", "9" * 5000])
def test_a_limit_that_is_none_is_refused(ask, limit):
    status, answer = ask.get("tasks", limit=limit)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert answer["error"]["message"] == "limit must be a whole number from 1 to 1000."


# Who may ask ------------------------------------------------------------------------------
@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://127.0.0.1:1"])
def test_pages_of_other_sites_are_refused(ask, own, queue, origin):
    status, answer = ask.post("reset", headers={"Origin": origin}, queues=1)
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    rebound = {"Origin": "http://evil.test:80", "Host": "evil.test:80"}
    assert ask.post("reset", headers=rebound, queues=1)[0] == 403
    assert ask.get("idle", queue=queue)[0] == 200
    assert ask.get("clock", headers={"Origin": own.http_url})[0] == 200


def test_a_wait_costs_nothing(ask, own, queue, send, target):
    send(queue, target.url, schedule_time=datetime.now(UTC) + timedelta(hours=1))

    def spent():
        fields = Path(f"/proc/{own.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before, started = spent(), time.monotonic()
    assert ask.get("idle", timeout=1, scheduled=1)[0] == 408
    assert time.monotonic() - started >= 1
    assert spent() - before < 20  # hundredths of a second
