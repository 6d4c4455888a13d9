"""kill -9 of those who send a batch, at random moments; who comes after sends each row once."""

import random
import time
from types import SimpleNamespace

import pytest

from tests.emulator.conftest import PARENT, client_of
from tests.faults.batch_mutants import FAULTS
from tests.faults.batch_senders import Senders
from tests.faults.counts import times
from tests.processes import EmulatorProcess

KILLS = times(5, 100)
ROWS = times(600, 5000)
EMULATOR_KILLS, EMULATOR_ROWS = times(2, 30), 1000
AT_ONCE = 2  # senders: the page of a batch may be open while the command runs
MUTANTS = sorted(FAULTS.keys() - {"none"})


@pytest.fixture(scope="module")
def senders(stack):
    with Senders(stack.web.environment) as running:
        yield running


class Batch:
    """A batch in the real database, in a queue of its own."""

    def __init__(self, stack, senders, rows, fault="none"):
        self.stack, self.senders, self.rows, self.fault = stack, senders, rows, fault
        self.queue = f"kills-{random.getrandbits(60):x}"  # noqa: S311
        self.pk = senders("make", rows, self.queue)

    def kill_at_random(self, kills):
        """Kill one sender after the other, each some rows after it has begun; wait for the last."""
        chance = random.Random(random.getrandbits(32))  # noqa: S311
        running = [self.senders("send", self.fault, self.pk) for _ in range(AT_ONCE)]
        for number in range(kills):
            step = self.rows // (kills + 2)
            self.wait_for(self.settled() + chance.randint(1, max(1, step)))
            time.sleep(chance.uniform(0, 0.1))  # the moment of the kill is the test
            victim = number % AT_ONCE
            self.senders("kill", running[victim])
            running[victim] = self.senders("send", self.fault, self.pk)
        assert [self.senders("wait", pid) for pid in running] == [0] * AT_ONCE

    def wait_for(self, settled):
        deadline = time.monotonic() + 60
        while self.settled() < min(settled, self.rows):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def settled(self):
        sql = "SELECT count(*) FROM dashboard_batchrow WHERE batch_id = ? AND state = 'sent'"
        return self.value(sql)

    def value(self, sql):
        return self.stack.web.rows(sql, [self.pk])[0][0]

    def story(self):
        """Return what is wrong: rows without a task, tasks without a row, counts that lie."""
        client = client_of(self.stack.emulator.endpoint)
        parent = f"{PARENT}/queues/{self.queue}"
        request = {"parent": parent, "response_view": "FULL", "page_size": 1000}
        # Each row's body has its number.
        bodies = [task.http_request.body for task in client.list_tasks(request=request)]
        client.transport.close()
        sent = self.value("SELECT sent FROM dashboard_batch WHERE id = ?")
        kept = self.value("SELECT count(*) FROM dashboard_senttask WHERE batch_id = ?")
        return {
            "missing": self.rows - len(set(bodies)),
            "twice": len(bodies) - len(set(bodies)),
            "miscounted": abs(sent - self.rows) + abs(kept - self.rows),
        }


def test_kills_neither_lose_nor_double_a_row(stack, senders, tell):
    batch = Batch(stack, senders, ROWS)
    batch.kill_at_random(KILLS)
    story = batch.story()
    found = ", ".join(f"{count} {what}" for what, count in story.items())
    tell(f"{KILLS} kills of the senders of {ROWS:,} rows: {found}")
    assert story == {"missing": 0, "twice": 0, "miscounted": 0}
    assert batch.value("SELECT state FROM dashboard_batch WHERE id = ?") == "finished"


def kill_and_start_again(emulator):
    """Let it be gone, and come back at the port that those who send know."""
    emulator.process.kill()
    emulator.process = emulator.launch(
        *("--port", emulator.endpoint.rpartition(":")[2], "--http-port", "0")
    )
    emulator.process.wait_for_line("Emulator ready")


def test_cloud_tasks_killed_and_started_again_gets_each_row_once(stack, tmp_path, tell):
    with EmulatorProcess(tmp_path) as emulator:
        environment = stack.web.environment | {"CLOUD_TASKS_ENDPOINT": emulator.endpoint}
        with Senders(environment) as senders:
            there = SimpleNamespace(web=stack.web, emulator=emulator)
            batch = Batch(there, senders, EMULATOR_ROWS)
            running = [senders("send", "none", batch.pk) for _ in range(AT_ONCE)]
            for number in range(EMULATOR_KILLS):
                batch.wait_for(EMULATOR_ROWS * number // (EMULATOR_KILLS + 1) + 1)
                kill_and_start_again(emulator)
            assert [senders("wait", pid) for pid in running] == [0] * AT_ONCE
            story = batch.story()
    found = ", ".join(f"{count} {what}" for what, count in story.items())
    tell(f"{EMULATOR_KILLS} kills of Cloud Tasks while {EMULATOR_ROWS:,} rows are sent: {found}")
    assert story == {"missing": 0, "twice": 0, "miscounted": 0}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_sender_that_loses_or_doubles_rows_is_found_out(stack, senders, mutant):
    for _ in range(5):
        batch = Batch(stack, senders, 60, mutant)
        batch.kill_at_random(2)
        if any(batch.story().values()):
            return
    pytest.fail(f"five times two kills do not show {mutant}")
