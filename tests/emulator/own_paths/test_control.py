"""What testers do to a running emulator: wait, reset; and who may not."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core.exceptions import NotFound

from tests.emulator.conftest import PARENT
from tests.processes import eventually


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
