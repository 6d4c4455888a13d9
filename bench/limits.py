"""Whether a queue keeps to its limits, and keeps out of its neighbours' way."""

from statistics import median

from bench.judging import Figures, Verdict, between, most
from bench.servers import Server
from bench.sink import Hit
from bench.stage import Part, Stage
from bench.wire import DEFAULT_QUEUE, queue_name

BURST = 10
FAST, SLOW = 10.0, 0.5  # tasks a second
LONG_TASKS = 30


def measure(server: Server, stage: Stage) -> Figures:
    """Measure both rates at the same time, then the concurrency, then a neighbour's delay."""
    return {**_rates(server, stage), **_concurrency(server, stage), **_delay(server, stage)}


def _rates(server: Server, stage: Stage) -> Figures:
    tasks = {FAST: BURST + int(50 * stage.scale), SLOW: BURST + max(2, int(3 * stage.scale))}
    queues = [server.api.make_queue(queue_name(int(rate)), rate, 1000) for rate in tasks]
    for queue, (rate, count) in zip(queues, tasks.items(), strict=True):
        server.api.pause(queue)
        stage.create(server, queues=[queue], kind="raw", label=f"{rate}", count=count)
    for queue in queues:
        server.api.resume(queue)
    hits = stage.sink.wait_for(sum(tasks.values()), 30)
    fast, slow = (_arrivals(hits, f"{rate}") for rate in tasks)
    return {
        "10/s: in the first 0.1 s": sum(at < fast[0] + 0.1 for at in fast),
        "10/s: after the burst": (len(fast) - BURST - 1) / (fast[-1] - fast[BURST]),
        "0.5/s: seconds between": median(
            after - before for before, after in zip(slow[BURST:], slow[BURST + 1 :], strict=False)
        ),
    }


def _arrivals(hits: list[Hit], label: str) -> list[float]:
    return sorted(arrived for name, _, arrived, _ in hits if name.startswith(f"{label}-"))


def _concurrency(server: Server, stage: Stage) -> Figures:
    queue, count = server.api.make_queue(queue_name(2), 500, 2), max(4, int(20 * stage.scale))
    stage.create(server, wait=0.3, queues=[queue], kind="raw", label="two", count=count)
    hits = [hit for hit in stage.sink.wait_for(count, 30) if hit[0].startswith("two-")]
    ends = [(began, 1) for *_, began, _ in hits] + [(ended, -1) for *_, ended in hits]
    now = highest = 0
    for _, change in sorted(ends):
        now += change
        highest = max(highest, now)
    return {
        "concurrency 2: most at once": highest,
        "concurrency 2: seconds of ideal": (
            (max(hit[3] for hit in hits) - min(hit[2] for hit in hits)) / (0.3 * count / 2)
        ),
    }


def _delay(server: Server, stage: Stage) -> Figures:
    crowded, count = server.api.make_queue(queue_name(3), 500, 10), 20
    stage.create(server, wait=2, queues=[crowded], kind="raw", label="long", count=LONG_TASKS)
    stage.create(server, queues=[DEFAULT_QUEUE], rate=40, label="other", count=count)
    others: list[Hit] = []
    for _ in range(100):
        others += [hit for hit in stage.sink.wait_for(1, 0.1) if hit[0].startswith("other")]
        if len(others) == count:
            break
    return {"beside a slow queue: ms": 1000 * max(at - sent for _, sent, at, _ in others)}


def judge(figures: dict[str, Figures]) -> list[Verdict]:
    """Hold each against its target."""
    return [
        between(figures, "10/s: after the burst", 9.7, 10.3, "10/s queue, tasks/s"),
        between(figures, "10/s: in the first 0.1 s", BURST, BURST + 1, "10/s queue, burst"),
        between(figures, "0.5/s: seconds between", 1.9, 2.1, "0.5/s queue, seconds between"),
        between(figures, "concurrency 2: most at once", 2, 2, "concurrency 2, most at once"),
        most(figures, "beside a slow queue: ms", 100, "delay beside a slow queue ms"),
    ]


PART = Part(
    "limits: 10/s, 0.5/s, concurrency 2, a slow neighbour",
    measure,
    judge,
    rounds=2,
    worst=("concurrency 2: most at once", "beside a slow queue: ms"),
)
