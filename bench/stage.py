"""What every part of the bench needs: the clients, the target, and rounds in turn."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.judging import Figures, Verdict
from bench.servers import Contender, Server
from bench.sink import Hit, Sink
from bench.worker import Worker

CLIENTS = 8


class Stage:
    """The clients, as many as were ever needed at once, and a target: each a process of its own.

    `scale` shortens everything: 1.0 makes the figures, less only shows that it works.
    """

    def __init__(self, scale: float = 1.0, waiting: int = 100_000) -> None:
        self.scale, self.waiting = scale, waiting
        self.clients: list[Worker] = []

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.sink = self._stack.enter_context(Sink())
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stack.__exit__(*exc)

    def create(self, server: Server, clients: int = 1, **job: Any) -> list[Figures]:
        """Let so many clients create at the same time; returns what each says of itself."""
        return self.start(server, clients, **job)()

    def start(
        self, server: Server, clients: int = 1, wait: float = 0.0, **job: Any
    ) -> Callable[[], list[Figures]]:
        """Let clients begin to create; returns the function that waits for their end."""
        while len(self.clients) < clients:
            self.clients.append(self._stack.enter_context(Worker("creator")))
        crew = self.clients[:clients]
        shared = {"endpoint": server.endpoint, "url": f"{self.sink.url}/{wait}"} | job
        for number, client in enumerate(crew):
            client.tell({"label": str(number)} | shared)
        for client in crew:
            client.hear()
        for client in crew:
            client.tell("go")
        return lambda: [client.hear() for client in crew]

    def rest(self, server: Server, seconds: float) -> float:
        """Leave it alone and return how many per cent of a core it uses all the same."""
        time.sleep(1)
        used, began = server.cpu(), time.monotonic()
        time.sleep(seconds * self.scale)
        return 100 * (server.cpu() - used) / (time.monotonic() - began)


def faults(hits: list[Hit], created: int) -> Figures:
    """Count the tasks delivered more than once and those that never were."""
    different = len({name for name, *_ in hits})
    return {"delivered twice": len(hits) - different, "lost": created - different}


@dataclass(frozen=True)
class Part:
    """One measurement: `measure` makes the figures of one round, `judge` reads their medians.

    `judge` gets the figures of each contender by its name; the first is the one on trial. Of the
    figures named in `worst`, none of which may ever be high, it gets the highest instead.
    """

    title: str
    measure: Callable[[Server, Stage], Figures]
    judge: Callable[[dict[str, Figures]], list[Verdict]]
    rounds: int = 3
    worst: tuple[str, ...] = ()
    beside: tuple[Contender, ...] = ()  # measured in this part alone

    def verdicts(self, samples: dict[str, "Samples"]) -> list[Verdict]:
        """Judge what all rounds gave."""
        return self.judge(
            {
                who: one.medians() | {name: max(one.all(name)) for name in self.worst}
                for who, one in samples.items()
            }
        )


@dataclass
class Samples:
    """Every round's figures of one contender."""

    rounds: list[Figures] = field(default_factory=list)

    def medians(self) -> Figures:
        """Return the median of each figure."""
        return {name: statistics.median(self.all(name)) for name in self.rounds[0]}

    def all(self, name: str) -> list[float]:
        """Return one figure of every round."""
        return [one[name] for one in self.rounds]


def in_turn(
    part: Part, stage: Stage, contenders: Iterable[Contender], rounds: int
) -> dict[str, Samples]:
    """Measure A B A B ..., each time a new process on an empty folder."""
    samples = {contender.name: Samples() for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            with (
                tempfile.TemporaryDirectory(prefix="bench-") as folder,
                Server(contender, Path(folder)) as server,
            ):
                samples[contender.name].rounds.append(part.measure(server, stage))
            stage.sink.take()
    return samples
