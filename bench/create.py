"""CreateTask a second: eight clients that wait for each answer, onto a paused queue."""

from bench.empty import CONTENDER as EMPTY
from bench.judging import PEER, Figures, Verdict, ratio
from bench.servers import Server
from bench.stage import CLIENTS, Part, Stage
from bench.wire import DEFAULT_QUEUE

SECONDS = 3.0


def measure(server: Server, stage: Stage) -> Figures:
    """Create with Google's client, then with the cheapest, each in eight processes."""
    server.api.pause(DEFAULT_QUEUE)
    return {
        **_rate(server, stage, "official", CLIENTS),
        **_rate(server, stage, "raw", CLIENTS),
        **_rate(server, stage, "official", 1),
    }


def _rate(server: Server, stage: Stage, kind: str, clients: int) -> Figures:
    job = {"queues": [DEFAULT_QUEUE], "kind": kind}
    stage.create(server, clients, seconds=0.5 * stage.scale, **job)  # warms it up
    used = server.cpu()
    done = stage.create(server, clients, seconds=SECONDS * stage.scale, **job)
    used = server.cpu() - used
    created = sum(one["created"] for one in done)
    name = f"{clients} {kind}"
    return {
        f"{name}/s": sum(one["created"] / one["seconds"] for one in done),
        f"{name} server CPU us": 1e6 * used / created,
    }


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold the official clients' rate against the peer's in memory, and say how far it could go."""
    name = f"{CLIENTS} official/s"
    bound = {EMPTY.name: figures[EMPTY.name]} | {
        who: each for who, each in figures.items() if who == PEER
    }
    return [*ratio(figures, name, 1.5), *ratio(bound, name)]


PART = Part(
    "CreateTask, a process each client, every answer after its commit",
    measure,
    judge,
    rounds=5,
    beside=(EMPTY,),
)
