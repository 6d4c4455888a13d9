"""Many tasks that wait for their hour: memory, CPU, and a start with all of them there."""

from bench.judging import Figures, Verdict, most
from bench.servers import Server
from bench.stage import Part, Stage
from bench.wire import DEFAULT_QUEUE

CLIENTS = 2
SECONDS = 8.0


def measure(server: Server, stage: Stage) -> Figures:
    """Create them an hour ahead, look at the server at rest, and start it again."""
    empty = server.memory()
    count = max(CLIENTS, int(stage.waiting * stage.scale))
    job = {"queues": [DEFAULT_QUEUE], "kind": "piped", "hours": 1.0}
    done = stage.create(server, CLIENTS, count=count // CLIENTS, **job)
    rest = stage.rest(server, SECONDS)
    memory = server.memory()
    server.stop()
    server.start()
    return {
        "waiting": count,
        "created/s meanwhile": sum(one["created"] / one["seconds"] for one in done),
        "KB a task": 1000 * (memory - empty) / count,
        "RSS MB": memory,
        "idle CPU %": rest,
        "first answer s, all waiting": server.first_answer,
        "RSS MB after that": server.memory(),
        "kept": server.api.has_tasks(DEFAULT_QUEUE),
    }


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold each against its target."""
    count = f"{next(iter(figures.values()))['waiting']:,.0f} waiting"
    return [
        most(figures, "KB a task", 2.0, f"{count}, KB a task"),
        most(figures, "idle CPU %", 1.0, f"{count}, idle CPU %"),
        most(figures, "first answer s, all waiting", 3.0, f"{count}, first answer s"),
    ]


PART = Part("tasks that wait", measure, judge, rounds=1)
