"""From the call of CreateTask to the request at the target, at 20 tasks a second."""

from statistics import quantiles

from bench.judging import Figures, Verdict, most, ratio
from bench.servers import Server
from bench.stage import Part, Stage, faults
from bench.wire import DEFAULT_QUEUE

RATE = 20.0
SECONDS = 10.0
WARM_UP = 10
P50_MS, P99_MS = 5.0, 25.0


def measure(server: Server, stage: Stage) -> Figures:
    """Let one official client create at a steady pace; the clock starts before its call."""
    for count in (WARM_UP, max(2, int(SECONDS * RATE * stage.scale))):
        stage.create(server, queues=[DEFAULT_QUEUE], rate=RATE, count=count)
        hits = stage.sink.wait_for(count)
    every = quantiles((1000 * (arrived - sent) for _, sent, arrived, _ in hits), n=100)
    return {"p50 ms": every[49], "p99 ms": every[98], **faults(hits, count)}


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold both against their targets."""
    return [
        most(figures, "p50 ms", P50_MS, "create to delivery p50 ms"),
        most(figures, "p99 ms", P99_MS, "create to delivery p99 ms"),
        *ratio(figures, "p50 ms"),
    ]


PART = Part(f"create to delivery at {RATE:g} tasks/s, one official client", measure, judge)
