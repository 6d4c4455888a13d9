"""What it costs to have it: seconds from exec to the first answer, and memory."""

from bench.judging import Figures, Verdict, most
from bench.servers import Server
from bench.stage import Part, Stage


def measure(server: Server, stage: Stage) -> Figures:
    """Start it on an empty folder and again on what that left, and look at it at rest."""
    empty = server.first_answer
    server.stop()
    server.start()
    memory = server.memory()
    return {
        "first answer s, new database": empty,
        "first answer s": server.first_answer,
        "RSS MB": memory,
        "idle CPU %": stage.rest(server, 3.0),
    }


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold start and memory against their targets."""
    return [
        most(figures, "first answer s", 1.5, "first answer s"),
        most(figures, "RSS MB", 80, "idle RSS MB"),
    ]


PART = Part("idle: exec to the first answered ListQueues, memory", measure, judge)
