"""kill -9 of the receiver at random moments, under load: what it answered 200 is on disk."""

import random
import time

from tests.faults.counts import times
from tests.faults.load import Load
from tests.faults.receiving import Receiver

KILLS = times(4, 200)
EACH = times(20, 60)  # acknowledged for each kill, about
LEAST = times(20, 10_000)  # acknowledged in all, else the run says nothing


def kill_at_random(folder, ground, kills, mutant=""):
    """Kill the receiver that often under load; returns the load and the faults found."""
    chance = random.Random(random.getrandbits(32))  # noqa: S311
    with Receiver(folder, ground, mutant=mutant) as receiver:
        with Load(receiver) as load:
            for _ in range(kills):
                load.wait_for_answers(chance.randrange(2 * EACH))
                time.sleep(chance.uniform(0, 0.2))  # the moment of the kill is the test
                receiver.process.kill()
                receiver.start()
        return load, load.faults()


def test_a_receiver_that_is_killed_loses_nothing_it_acknowledged(tmp_path, ground, tell):
    load, faults = kill_at_random(tmp_path, ground, KILLS)
    acknowledged = len(load.acknowledged)
    tell(
        f"{KILLS} kills of the receiver: {acknowledged} acknowledged, {faults or '0 lost'}, "
        f"{load.stored - acknowledged} stored whose answer was cut off"
    )
    assert faults == []
    assert load.statuses == {200}
    assert acknowledged >= LEAST


def test_a_receiver_that_answers_before_its_commit_is_found_out(tmp_path, ground):
    runs = (kill_at_random(tmp_path / str(n), ground, 2, "answer_first") for n in range(3))
    assert any(faults for _, faults in runs), "three times two kills do not show it"
