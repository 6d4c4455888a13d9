"""Measures deliveries while people watch: `python bench/watched.py`.

One server gets deliveries with 60 live pages open, and without, in turn (A B A B ...). The pages
poll as a browser's do, from a process of their own. On PostgreSQL where DATABASE_URL says so.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from bench.deliveries import Stage  # noqa: E402
from bench.judging import Figures, Verdict  # noqa: E402
from bench.made_events import fill  # noqa: E402
from bench.receivers import OURS, ReceiverServer  # noqa: E402
from bench.report import show, show_verdicts  # noqa: E402
from bench.servers import Server, checkout  # noqa: E402
from bench.stage import Samples  # noqa: E402
from bench.worker import Worker  # noqa: E402

EVENTS = 100_000  # there before
USER, PASSWORD = "admin", "for-the-bench"  # noqa: S105
PAGES = [
    *["/events/"] * 30,
    *["/"] * 10,
    *["/tasks/"] * 10,
    *["/events/?queue=emails"] * 5,
    *["/replies/"] * 5,
]


@dataclass(frozen=True)
class Load:
    """Deliveries over so many connections: `rate` a second offered, flat out without one."""

    title: str
    connections: int
    rate: float | None = None


OFFERED = Load("200 events/s offered on 25 connections", 25, 200)
FLAT_OUT = Load("16 connections, flat out", 16)


@contextmanager
def a_server(stage: Stage, events: int) -> Iterator[tuple[ReceiverServer, Worker]]:
    """Start our server on a table of so many events, and the process of those who watch."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with Server(checkout(ROOT, "ours"), folder) as emulator:
            environment = {
                "CLOUD_TASKS_ENDPOINT": emulator.endpoint,
                "DJANGO_SUPERUSER_USERNAME": USER,
                "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            }
            ours = replace(OURS, environment=environment)
            with ReceiverServer(ours, folder, stage.issuer.url) as server:
                fill(server.url, events)
                command = [sys.executable, "manage.py", "count_events", "--verbosity=0"]
                subprocess.run(command, cwd=ROOT, env=server.environment(), check=True)
                with Worker("watchers") as watchers:
                    watchers.ask({"port": server.port, "user": USER, "password": PASSWORD})
                    yield server, watchers


def measure(
    load: Load, stage: Stage, server: ReceiverServer, watchers: Worker, pages: list[str]
) -> dict[str, Figures]:
    """Send with the pages open, then without."""
    watchers.ask({"open": pages})
    watched = stage.send(server, load.connections, rate=load.rate)
    asked = watchers.ask("close")
    alone = stage.send(server, load.connections, rate=load.rate)
    polls = {"polls/s": asked["asked"] / asked["seconds"], "bad polls": asked["bad"]}
    polls |= {"poll p50 ms": asked["p50 ms"], "poll p99 ms": asked["p99 ms"]}
    return {"watched": watched | polls, "alone": alone | dict.fromkeys(polls, 0.0)}


def judge(load: Load, samples: dict[str, Samples]) -> list[Verdict]:
    """Hold what the pages do to the deliveries against what they may."""
    watched, alone = samples["watched"].medians(), samples["alone"].medians()
    rate = watched["events/s"] / alone["events/s"]
    found = [Verdict("events/s, watched / alone", ">= 0.9x", f"{rate:.2f}x", rate >= 0.9)]
    for name, most in {"p50 ms": 1.25, "p99 ms": 1.5}.items():
        times = watched[name] / alone[name]
        what, target = f"{name}, watched / alone", f"<= {most:g}x"
        found.append(Verdict(what, target, f"{times:.2f}x", times <= most))
    for name in ("not kept", "not 200", "bad polls"):
        bad = max(samples["watched"].all(name))
        found.append(Verdict(name, "0", f"{bad:.0f}", bad == 0))
    return found


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", type=int, choices=range(1, 61), default=60, metavar="N")
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N")
    parser.add_argument("--scale", type=float, default=1.0, help="shortens every measurement")
    return parser.parse_args(given)


def main() -> None:
    """Measure each load and end with the targets and what was measured."""
    options = arguments()
    where = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    print(f"{where}, {os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f} before")
    pages = PAGES[:: len(PAGES) // options.pages][: options.pages]
    print(f"{len(pages)} live pages, {options.events:,} events there before")
    verdicts: list[Verdict] = []
    with Stage(options.scale) as stage, a_server(stage, options.events) as (server, watchers):
        for load in (OFFERED, FLAT_OUT):
            samples = {"watched": Samples(), "alone": Samples()}
            for _ in range(options.rounds):
                found = measure(load, stage, server, watchers, pages)
                for who, figures in found.items():
                    samples[who].rounds.append(figures)
            show(load.title, samples)
            verdicts += judge(load, samples)
    show_verdicts(verdicts)


if __name__ == "__main__":
    main()
