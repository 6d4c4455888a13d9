"""The store locked, full, frozen or overrun under load: no 200 without a row, then it heals."""

import time
import urllib.request

import pytest

from tests.faults import outages
from tests.faults.counts import ON_POSTGRESQL, times
from tests.faults.load import Load
from tests.faults.receiving import Receiver

# The seconds that each lasts: a lock longer than SQLite's own patience of 5.
LASTS = {
    outages.locked: times(6, 8),
    outages.no_room: times(1, 5),
    outages.disk_full: times(1, 5),
    outages.frozen: times(4, 20),
    outages.no_connection_left: times(1, 5),
}
OURS = list(LASTS)[3:] if ON_POSTGRESQL else list(LASTS)[:3]
HEALS = 5.0


@pytest.fixture(scope="module")
def receiver(tmp_path_factory, ground):
    """One for all: a receiver that needs a new start after a fault fails the next test."""
    with Receiver(tmp_path_factory.mktemp("away"), ground) as running:
        yield running


def load_through(receiver, outage, seconds):
    """Return the load, how often `/health` answered during the outage, and when that was over."""
    with Load(receiver, clients=8, timeout=60, pause=0.02) as load:
        load.wait_for_answers()
        with outage(receiver):
            ends, probes = time.monotonic() + seconds, 0
            while time.monotonic() < ends:
                with urllib.request.urlopen(f"{receiver.url}/health", timeout=2):
                    probes += 1
                time.sleep(0.1)  # the fault lasts
        over = time.monotonic()
        load.wait_for_answers(seconds=HEALS)
        time.sleep(0.5)  # some more load: healed is healed
    return load, probes, over


@pytest.mark.parametrize("outage", OURS, ids=lambda outage: outage.__name__)
def test_it_answers_503_or_waits_and_then_heals(receiver, tell, outage):
    pid, seconds = receiver.worker, LASTS[outage]
    load, probes, over = load_through(receiver, outage, seconds)
    faults = load.faults()
    away = [answer for answer in load.answers if answer.status == 503]
    healed = min(answer.at for answer in load.answers if answer.status == 200 and answer.at > over)
    tell(
        f"store away ({outage.__name__}) {seconds} s: {len(load.acknowledged)} acknowledged, "
        f"{faults or '0 of them without a row'}, {len(away)} x 503, healed in {healed - over:.1f} s"
    )
    assert faults == []
    assert load.statuses <= {200, 503}
    assert {answer.retry_after for answer in away} <= {"5"}
    # Whoever waits on a connection that has gone silent waits on until it is back.
    assert away or outage is outages.frozen
    assert all(answer.at <= over + HEALS for answer in away)
    assert probes
    assert receiver.worker == pid


def test_a_receiver_that_swallows_the_database_s_error_is_found_out(tmp_path, ground):
    outage = outages.no_connection_left if ON_POSTGRESQL else outages.no_room
    with Receiver(tmp_path, ground, mutant="swallow") as receiver:
        load, *_ = load_through(receiver, outage, 1)
        assert load.faults()
