"""Everything at once over several queues, each at the highest rate that there is.

`dispatch` fills paused queues and resumes them; `live` creates and dispatches together. Both end
when every queue is empty: each attempt is recorded by then.
"""

import time

from bench.judging import Figures, Verdict, least, most, ratio
from bench.servers import Server
from bench.stage import CLIENTS, Part, Stage, faults
from bench.wire import queue_name

QUEUES = 16
RATE = 500.0
COUNT = 6_400
SECONDS = 5.0
PATIENCE = 60.0
LEAST = 1_000.0


def measure(server: Server, stage: Stage) -> Figures:
    """Dispatch what was there before, then what eight clients create meanwhile."""
    queues = [server.api.make_queue(queue_name(one), RATE, 1000) for one in range(QUEUES)]
    return {**_dispatch(server, stage, queues), **_live(server, stage, queues)}


def _dispatch(server: Server, stage: Stage, queues: list[str]) -> Figures:
    count = int(COUNT * stage.scale) // 2 * 2
    for queue in queues:
        server.api.pause(queue)
    stage.create(server, 2, queues=queues, kind="piped", count=count // 2)
    used, began = server.cpu(), time.monotonic()
    for queue in queues:
        server.api.resume(queue)
    hits = stage.sink.wait_for(count, PATIENCE)
    seconds = _drained(server, queues) - began
    return {
        "dispatch/s": len(hits) / seconds,
        "dispatch, server CPU us": 1e6 * (server.cpu() - used) / len(hits),
        **{f"dispatch, {what}": many for what, many in faults(hits, count).items()},
    }


def _live(server: Server, stage: Stage, queues: list[str]) -> Figures:
    used = server.cpu()
    done = stage.create(server, CLIENTS, queues=queues, kind="raw", seconds=SECONDS * stage.scale)
    created = int(sum(one["created"] for one in done))
    began = min(one["began"] for one in done)
    window = max(one["seconds"] for one in done)
    hits = stage.sink.wait_for(created, PATIENCE)
    seconds = _drained(server, queues) - began
    return {
        "live, created/s": created / window,
        "live, delivered/s meanwhile": sum(at < began + window for _, _, at, _ in hits) / window,
        "live, all done/s": len(hits) / seconds,
        "live, server CPU us": 1e6 * (server.cpu() - used) / len(hits),
        **{f"live, {what}": many for what, many in faults(hits, created).items()},
    }


def _drained(server: Server, queues: list[str]) -> float:
    """Return the moment at which no queue holds a task, or that of losing patience."""
    deadline = time.monotonic() + PATIENCE
    while any(map(server.api.has_tasks, queues)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return time.monotonic()


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold the whole way of a task against its target."""
    return [
        least(figures, "live, all done/s", LEAST, "create, deliver and record, all done/s"),
        least(figures, "dispatch/s", LEAST, "deliver and record, tasks/s"),
        most(figures, "live, delivered twice", 0, "flat out, delivered twice"),
        most(figures, "live, lost", 0, "flat out, lost"),
        *ratio(figures, "live, all done/s"),
        *ratio(figures, "dispatch/s"),
    ]


PART = Part(
    f"flat out over {QUEUES} queues of {RATE:g}/s; {CLIENTS} raw clients live",
    measure,
    judge,
    worst=("live, delivered twice", "live, lost"),
)
