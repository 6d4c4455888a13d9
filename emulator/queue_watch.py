"""Applies the file of queues again whenever it changes."""

import asyncio
import logging
from functools import partial

from .committer import Committer
from .declared import declare
from .queue_file import BadQueueFile, QueueFile

logger = logging.getLogger("emulator")

LOOK_SECONDS = 1.0


async def watch(file: QueueFile, committer: Committer) -> None:
    """Look at the file each second, for ever; a bad one leaves the queues as they are."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if file.changed():
            await apply(file, committer)


async def apply(file: QueueFile, committer: Committer) -> None:
    """Read the file and set its queues; says in one sentence why where that cannot be done."""
    try:
        declared = file.read()
        await committer.run(partial(declare, queues=declared))
    except BadQueueFile as bad:
        logger.warning("The queues stay as they are: %s", bad)
    except Exception as error:
        file.forget()
        logger.warning("Applying %s failed, trying again: %s", file.path, error)
    else:
        logger.info("%s applied: %d queues.", file.path, len(declared))
