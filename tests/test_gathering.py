"""Who is waited for at a commit, and who is not: the emulator's rule and the receiver's own."""

import asyncio

import pytest

from emulator import gathering as emulators
from receiver import gathering as receivers


@pytest.fixture(params=[emulators, receivers], ids=["emulator", "receiver"])
def gathering(request):
    return request.param


@pytest.fixture
def handed(gathering, monkeypatch):
    """Run a scenario with a Gathering; returns the batches that it handed over."""

    def run(scenario, patience=60.0):
        monkeypatch.setattr(gathering, "PATIENCE", patience)
        batches = []

        async def main():
            await scenario(gathering.Gathering(batches.append), batches)

        asyncio.run(asyncio.wait_for(main(), 10))
        return batches

    return run


async def turns():
    """Let the loop do what is due now, timers left out."""
    for _ in range(3):
        await asyncio.sleep(0)


async def add(jobs, these):
    """Add them in one turn of the loop."""
    for one in these:
        jobs.add(one)
    await turns()


async def until(batches, count):
    """Wait for so many batches; the time-out of the scenario ends a wait in vain."""
    while len(batches) < count:
        await asyncio.sleep(0)


def test_one_caller_alone_waits_for_nobody(handed):
    async def scenario(jobs, batches):
        for one in "abc":
            jobs.add(one)
            await turns()
            jobs.ended(1)

    assert handed(scenario) == [["a"], ["b"], ["c"]]


def test_what_one_turn_of_the_loop_brings_goes_together(handed):
    async def scenario(jobs, batches):
        await add(jobs, "abc")

    assert handed(scenario) == [["a", "b", "c"]]


def test_what_comes_while_one_is_under_way_goes_after_it(handed):
    async def scenario(jobs, batches):
        jobs.add("a")
        await turns()
        await add(jobs, "bc")
        assert batches == [["a"]]
        jobs.ended(1)

    assert handed(scenario) == [["a"], ["b", "c"]]


def test_those_that_were_just_answered_are_waited_for(handed):
    async def scenario(jobs, batches):
        await add(jobs, range(8))
        jobs.add(8)
        jobs.ended(8)
        for one in range(9, 15):  # 7 with the one that waited: one less than nine tenths of 9
            jobs.add(one)
            await turns()
        assert len(batches) == 1
        jobs.add(15)
        await turns()

    assert handed(scenario) == [[*range(8)], [*range(8, 16)]]


def test_those_that_do_not_come_are_waited_for_once(handed, gathering):
    async def scenario(jobs, batches):
        await add(jobs, range(8))
        jobs.ended(8)
        jobs.add("late")
        await until(batches, 2)
        gathering.PATIENCE = 60.0
        jobs.ended(1)
        jobs.add("alone")
        await turns()

    assert handed(scenario, patience=0.001) == [[*range(8)], ["late"], ["alone"]]


def test_who_waited_already_when_one_ended_is_not_left_waiting(handed):
    async def scenario(jobs, batches):
        await add(jobs, range(8))
        jobs.add("waited")
        jobs.ended(8)
        await until(batches, 2)

    assert handed(scenario, patience=0.001)[1] == ["waited"]


@pytest.mark.parametrize("gathering", [emulators])
def test_a_batch_of_the_emulator_has_an_end(handed, monkeypatch):
    monkeypatch.setattr(emulators, "LARGEST_BATCH", 3)

    async def scenario(jobs, batches):
        await add(jobs, range(7))
        jobs.ended(3)
        assert len(batches) == 2
        jobs.ended(3)
        await until(batches, 3)

    assert handed(scenario, patience=0.001) == [[0, 1, 2], [3, 4, 5], [6]]


def test_an_end_leaves_nothing_behind(handed):
    async def scenario(jobs, batches):
        jobs.add("under way")
        await turns()
        jobs.add("waits")
        jobs.flush()
        jobs.flush()

    assert handed(scenario) == [["under way"], ["waits"]]


@pytest.mark.parametrize("gathering", [receivers])
def test_of_a_crowd_at_the_receiver_no_more_than_some_are_waited_for(handed):
    crowd = receivers.CROWD

    async def scenario(jobs, batches):
        await add(jobs, range(3 * crowd))
        jobs.ended(3 * crowd)
        await add(jobs, range(crowd - 1))
        assert len(batches) == 1
        await add(jobs, ["last"])
        assert len(batches) == 2
        await add(jobs, range(crowd))
        jobs.ended(crowd)

    assert [len(batch) for batch in handed(scenario)] == [3 * crowd, crowd, crowd]
