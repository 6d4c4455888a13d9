"""A default queue's own rate: 500 a second once its burst is through."""

from bench.judging import Figures, Verdict, between, most
from bench.servers import Server
from bench.stage import Part, Stage, faults
from bench.wire import DEFAULT_QUEUE

COUNT = 3_000
RATE = 500.0
WARM_UP = 1.0  # seconds: the burst, and connections that are opened
EXACTNESS = 0.01


def measure(server: Server, stage: Stage) -> Figures:
    """Fill the paused queue, resume it, and look at when the last one arrives.

    A bucket that starts full lets its burst go at once. Its first requests open connections and
    arrive later after their claims than the last ones do, so that the rate of the whole would seem
    higher than it is: what arrives in the first second is left out.
    """
    server.api.pause(DEFAULT_QUEUE)
    count = int(COUNT * stage.scale)
    stage.create(server, queues=[DEFAULT_QUEUE], kind="piped", count=count)
    used = server.cpu()
    server.api.resume(DEFAULT_QUEUE)
    hits = stage.sink.wait_for(count)
    at = sorted(arrived for _, _, arrived, _ in hits)
    return {
        "dispatches/s beyond the burst": rate(at),
        "in the first second": sum(moment < at[0] + 1 for moment in at),
        "server CPU us a task": 1e6 * (server.cpu() - used) / len(at),
        **faults(hits, count),
    }


def rate(at: list[float]) -> float:
    """Return the arrivals a second after the first second, or 0 where there are too few."""
    late = [moment for moment in at if moment > at[0] + WARM_UP]
    return (len(late) - 1) / (late[-1] - late[0]) if len(late) > 1 else 0.0


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """The rate has to be exact, and every task delivered once."""
    low, high = RATE * (1 - EXACTNESS), RATE * (1 + EXACTNESS)
    return [
        between(figures, "dispatches/s beyond the burst", low, high, "default queue dispatches/s"),
        most(figures, "delivered twice", 0, "default queue, delivered twice"),
        most(figures, "lost", 0, "default queue, lost"),
    ]


PART = Part(
    f"{COUNT:,} tasks on a paused default queue, resumed",
    measure,
    judge,
    worst=("delivered twice", "lost"),
)
