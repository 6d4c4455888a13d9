"""What it costs to have it: seconds from exec to the first answer, and memory."""

import time

from bench.servers import Server
from bench.stage import Figures, Part, Stage, Verdict

MOST_MEGABYTES = 80
MOST_SECONDS = 1.5


def measure(server: Server, stage: Stage) -> Figures:
    """Start it on an empty folder and again on what that left, and look at it at rest."""
    empty = server.first_answer
    server.stop()
    server.start()
    memory, used, seconds = server.memory(), server.cpu(), 3 * stage.scale
    time.sleep(seconds)
    return {
        "first answer s, new database": empty,
        "first answer s": server.first_answer,
        "RSS MB": memory,
        "idle CPU %": 100 * (server.cpu() - used) / seconds,
    }


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold start and memory against their targets."""
    ours = next(iter(figures.values()))
    first, memory = ours["first answer s"], ours["RSS MB"]
    return [
        Verdict("first answer", f"< {MOST_SECONDS} s", f"{first:.2f} s", first < MOST_SECONDS),
        Verdict("idle RSS", f"< {MOST_MEGABYTES} MB", f"{memory:.0f} MB", memory < MOST_MEGABYTES),
    ]


PART = Part("idle: exec to the first answered ListQueues, memory", measure, judge, 5)
