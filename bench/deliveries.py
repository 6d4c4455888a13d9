"""What is measured of a receiver, and the targets."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from bench.issuer import Issuer
from bench.judging import Figures, Verdict, most
from bench.receivers import ReceiverServer
from bench.worker import Worker

Judge = Callable[[dict[str, Figures]], list[Verdict]]

TOKENS = 4000  # more than a receiver keeps, so that each is new when it comes round again


class Stage:
    """The senders and the issuer of their tokens."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.issuer = self._stack.enter_context(Issuer())
        self._load = self._stack.enter_context(Worker("load"))
        self._tokens = self.issuer.tokens(1)
        self._many: list[str] = []
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stack.__exit__(*exc)

    def send(self, server: ReceiverServer, connections: int, **job: Any) -> Figures:
        """Send for some seconds; returns rate, latencies, CPU, and losses."""
        seconds = job.pop("seconds", 4.0) * self.scale
        tokens = self._new_tokens() if job.pop("new", False) else self._tokens
        job |= {"port": server.port, "connections": connections, "tokens": tokens}
        self._load.ask(job | {"seconds": 0.5 * self.scale})  # warms it up
        before, used = server.rows() if server.receiver.keeps else 0, server.cpu()
        done = self._load.ask(job | {"seconds": seconds})
        used = server.cpu() - used
        kept = server.rows() - before if server.receiver.keeps else done["answered 200"]
        return {
            "events/s": done["answered 200"] / done["seconds"],
            "CPU us": 1e6 * used / done["answered 200"],
            "p50 ms": done["p50 ms"],
            "p99 ms": done["p99 ms"],
            "not kept": max(0.0, done["answered 200"] - kept),
            "not 200": done["answered otherwise"],
        }

    def _new_tokens(self) -> list[str]:
        self._many = self._many or self.issuer.tokens(max(1100, int(TOKENS * self.scale)))
        return self._many


@dataclass(frozen=True)
class Part:
    """One measurement; `peers` are the contenders beside ours, `target` is of what to whom."""

    title: str
    measure: Callable[[ReceiverServer, Stage], Figures]
    judges: tuple[Judge, ...]
    peers: tuple[str, ...] = ("flask",)
    rounds: int = 4
    slow_disk: bool = False


def sends(connections: int, **job: Any) -> Callable[[ReceiverServer, Stage], Figures]:
    """Return a measurement that only sends."""
    return lambda server, stage: stage.send(server, connections, **job)


def measure_big(server: ReceiverServer, stage: Stage) -> Figures:
    """Send into an empty table, then into one of a million rows."""
    empty = stage.send(server, 16)
    server.stop()
    server.fill(int(1_000_000 * stage.scale))
    server.start()
    full = stage.send(server, 16)
    return full | {
        "rate, full / empty": full["events/s"] / empty["events/s"],
        "CPU, full / empty": full["CPU us"] / empty["CPU us"],
    }


def measure_idle(server: ReceiverServer, stage: Stage) -> Figures:
    """Look at it after its first deliveries, at rest."""
    stage.send(server, 1, seconds=0.2)
    time.sleep(1)
    used, began = server.cpu(), time.monotonic()
    time.sleep(3 * stage.scale)
    idle = 100 * (server.cpu() - used) / (time.monotonic() - began)
    return {
        "worker RSS MB": server.worker_memory(),
        "master RSS MB": server.master_memory(),
        "idle CPU %": idle,
    }


def against(peer: str, name: str, bound: float, *, below: bool = False) -> Judge:
    """Return a judgement of ours by a peer's figure, where the peer was measured."""

    def judge(figures: dict[str, Figures]) -> list[Verdict]:
        if peer not in figures or name not in figures["ours"]:
            return []
        found = figures["ours"][name] / figures[peer][name]
        holds = found <= bound if below else found >= bound
        target = f"{'<=' if below else '>='} {bound:g}x"
        return [Verdict(f"{name}, ours / {peer}", target, f"{found:.2f}x", holds)]

    return judge


def at_most(name: str, bound: float) -> Judge:
    """Return a judgement of one of our own figures."""
    return lambda figures: [most(figures, name, bound, name)]


KEPT = at_most("not kept", 0)
RATE, CPU = "events/s", "CPU us"
PARTS = {
    "sixteen": Part(
        "16 connections, caller verified",
        sends(16),
        (
            against("flask", RATE, 1.3 if os.environ.get("DATABASE_URL") else 1.5),
            against("flask", CPU, 0.5, below=True),
            KEPT,
        ),
        ("flask", "view"),
    ),
    "sixty_four": Part("64 connections", sends(64), (against("flask", RATE, 3), KEPT)),
    "one": Part(
        "1 connection",
        sends(1),
        (against("view", "p50 ms", 1, below=True), KEPT),
        ("view", "flask"),
    ),
    "new_tokens": Part(
        "16 connections, every token new", sends(16, new=True), (against("flask", RATE, 1), KEPT)
    ),
    "slow_disk": Part(
        "16 connections, each sync of the disk takes 2 ms more",
        sends(16),
        (against("view", RATE, 5), KEPT),
        ("view",),
        rounds=3,
        slow_disk=True,
    ),
    "offered": Part(
        "500 events/s offered on 25 connections, each sync 2 ms more",
        sends(25, rate=500),
        (at_most("p99 ms", 50), at_most("not 200", 0), KEPT),
        (),
        rounds=3,
        slow_disk=True,
    ),
    "big": Part("1,000,000 rows, and none", measure_big, (KEPT,), (), rounds=1),
    "idle": Part(
        "after the first deliveries, at rest",
        measure_idle,
        (at_most("worker RSS MB", 70),),
        (),
        rounds=1,
    ),
}
