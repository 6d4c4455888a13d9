"""Makes the declared queues at the start, and those of the file again whenever it changes."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from .committer import Committer
from .declared import Declared, declare
from .queue_file import BadQueueFile, QueueFile
from .queues import ensure_queue

logger = logging.getLogger("emulator")

LOOK_SECONDS = 1.0


async def declare_at_start(
    committer: Committer, names: Sequence[str], declared: Sequence[Declared], file: QueueFile | None
) -> None:
    """Make the queues of `names`, then of the file, then of `declared`.

    Raises BadQueueFile, and Refused for settings that cannot be together.
    """
    for name in names:
        await committer.run(partial(ensure_queue, name=name))
    if file is not None:
        await committer.run(partial(declare, queues=file.read()))
    for each in declared:
        await committer.run(partial(declare, queues=[each]))


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
