"""What runs beside the dispatching: that it goes on after a failure, or is seen to have ended."""

import asyncio
import logging

from emulator.beside import Beside
from emulator.dispatcher import Dispatcher, every


async def fail():
    raise OverflowError("date value out of range")


def test_one_that_ends_is_logged_and_seen(caplog):
    async def main():
        beside = Beside()
        beside.start(asyncio.Event().wait())
        alive = beside.alive
        beside.start(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        after = beside.alive
        await beside.stop()
        return alive, after

    assert asyncio.run(main()) == (True, False)
    assert "date value out of range" in caplog.text


def test_a_clock_that_cannot_be_put_right_is_watched_on(caplog):
    dispatcher = Dispatcher()
    dispatcher._insist = lambda operation: fail()
    asyncio.run(dispatcher._put_right())
    assert "date value out of range" in caplog.text


def test_upkeep_that_fails_is_tried_again(caplog):
    caplog.set_level(logging.WARNING)

    async def main():
        calls = []

        async def job():
            calls.append(True)
            if len(calls) == 1:
                await fail()
            done.set()

        done = asyncio.Event()
        task = asyncio.create_task(every(0, job))
        await done.wait()
        task.cancel()

    asyncio.run(main())
    assert "Upkeep failed" in caplog.text
