"""PostgreSQL crashes and starts again under load: what the receiver answered 200 is still there."""

import random
import time

import pytest

from tests.faults.counts import ON_POSTGRESQL, times
from tests.faults.load import Load
from tests.faults.receiving import Receiver

pytestmark = pytest.mark.skipif(not ON_POSTGRESQL, reason="of PostgreSQL: in the run on it")

CRASHES = times(3, 20)
EACH = times(20, 200)  # acknowledged for each crash, about
BACK = 3.0  # seconds from PostgreSQL's start to the first 200
LONGEST = 5.0


def crash_at_random(folder, ground, crashes, mutant=""):
    """Crash PostgreSQL that often; returns the load, its faults and the slowest return."""
    chance, slowest = random.Random(random.getrandbits(32)), 0.0  # noqa: S311
    with Receiver(folder, ground, mutant=mutant) as receiver:
        with Load(receiver) as load:
            for _ in range(crashes):
                load.wait_for_answers(chance.randrange(2 * EACH), 60)
                time.sleep(chance.uniform(0, 0.2))  # the moment of the crash is the test
                ground.cluster.stop("immediate")
                ground.cluster.start()
                started = time.monotonic()
                load.wait_for_answers()
                slowest = max(slowest, time.monotonic() - started)
        return load, load.faults(), slowest


def test_a_crash_loses_nothing_acknowledged(tmp_path, ground, tell):
    load, faults, back = crash_at_random(tmp_path, ground, CRASHES)
    acknowledged, longest = len(load.acknowledged), max(a.seconds for a in load.answers)
    away = sum(answer.status == 503 for answer in load.answers)
    tell(
        f"{CRASHES} crashes of PostgreSQL: {acknowledged} "
        f"acknowledged, {faults or '0 lost'}, {away} x 503, back in {back:.1f} s at most, "
        f"longest answer {longest:.1f} s, {load.stored - acknowledged} stored, not acknowledged"
    )
    assert faults == []
    assert load.statuses <= {200, 503}
    assert back <= BACK
    assert longest < LONGEST


def test_commits_that_do_not_wait_for_the_disk_are_found_out(tmp_path, ground):
    runs = (crash_at_random(tmp_path / str(n), ground, 3, "no_sync") for n in range(3))
    assert any(faults for _, faults, _ in runs), "three times three crashes do not show it"
