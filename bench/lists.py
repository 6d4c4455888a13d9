"""Measures the pages over a large table beside a small one: `python bench/lists.py [PAGE...]`.

Both tables hold the same kind of events, received over a week; each page is asked of one and the
other in turn. With --postgresql on a PostgreSQL of its own, else on SQLite.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from bench.judging import Verdict  # noqa: E402
from bench.made_events import fill  # noqa: E402
from bench.report import number, show_verdicts  # noqa: E402
from bench.servers import Server, checkout  # noqa: E402
from bench.worker import Worker  # noqa: E402
from tests.cluster import Cluster  # noqa: E402

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 15
FILES = 3  # rounds of a file of everything
GROWN = 40  # MB that a process may be larger after it
SLOWER = 1.5  # times that a page of the large table may take


@dataclass(frozen=True)
class Page:
    """A page to ask for: its path, given how many events there are; `most` ms, or a ratio.

    Or it is a file of all of them, at a `rate` of at least so many rows a second.
    """

    what: str
    path: Callable[[int], str]
    most: float | None = None
    poll: bool = False
    stranger: bool = False  # nobody let this session in within the last minute
    rate: float | None = None


def _task(count: int) -> str:
    n = count // 2
    return f"default-{n // 2:09}"


PAGES = {
    "first": Page("events, first page", lambda n: "/events/"),
    "next": Page("events, next page", lambda n: f"/events/?before={n - 49}"),
    "middle": Page("events, a page in the middle", lambda n: f"/events/?before={n // 2}"),
    "last": Page("events, last page", lambda n: "/events/?before=51"),
    "queue": Page("events of one queue", lambda n: "/events/?queue=emails"),
    "outcome": Page("events of one outcome", lambda n: "/events/?show=failed"),
    "task": Page("events of one task", lambda n: f"/events/?task={_task(n)}"),
    "poll": Page("poll with nothing new", lambda n: "/events/rows/?", most=3, poll=True),
    "poll_let_in": Page(
        "poll, session and user asked", lambda n: "/events/rows/?", poll=True, stranger=True
    ),
    "rare": Page("search, one event has the word", lambda n: f"/events/?q={n - 7}", most=50),
    "absent": Page("search, no event has the word", lambda n: "/events/?q=zzyzxx", most=50),
    "csv": Page("export of everything, CSV", lambda n: "/events/export/csv/", rate=20_000),
    "ndjson": Page("export of everything, NDJSON", lambda n: "/events/export/ndjson/", rate=20_000),
    "hour": Page("overview, 1 h", lambda n: "/?period=1h", most=100),
    "day": Page("overview, 24 h", lambda n: "/?period=24h", most=100),
    "week": Page("overview, 7 d", lambda n: "/?period=7d", most=100),
    "admin": Page("admin, list of events", lambda n: "/admin/receiver/event/", most=60),
}


class Table:
    """A database with so many events, and a process that asks for pages of it."""

    def __init__(
        self, count: int, environment: dict[str, str], stack: ExitStack, *, searched: bool
    ) -> None:
        self.count, self.environment = count, environment
        self._manage("migrate", "--database=default", "--verbosity=0")
        began = time.monotonic()
        fill(environment["DATABASE_URL"], count)
        self.filled = time.monotonic() - began
        began = time.monotonic()
        self._manage("count_events")
        self.counted = time.monotonic() - began
        began, used = time.monotonic(), os.times().children_user + os.times().children_system
        if searched:
            self._manage("index_events")
        self.indexed = time.monotonic() - began
        self.index_cpu = os.times().children_user + os.times().children_system - used
        self.worker = stack.enter_context(Worker("pages", environment))

    def ask(self, page: Page, **more: Any) -> dict[str, Any]:
        """Ask for a page once."""
        path = page.path(self.count)
        if page.poll:
            first = self.worker.ask({"path": "/events/", "text": True})["text"]
            found = re.search(r'hx-get="(/events/rows/\?[^"]+)"', first)
            assert found, "the first page has no poll"
            path = found[1].replace("&amp;", "&")
        asked = {"path": path, "poll": page.poll, "stranger": page.stranger}
        got = self.worker.ask(asked | more)
        assert got["status"] in (200, 204), (path, got)
        return got

    def _manage(self, *arguments: str) -> None:
        environment = os.environ | self.environment
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def tables(options: argparse.Namespace) -> Iterator[list[Table]]:
    """Make the small and the large table, and an emulator for both."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        emulator = stack.enter_context(Server(checkout(ROOT, "ours"), folder))
        cluster = stack.enter_context(Cluster()) if options.postgresql else None
        made = []
        for name, count in (("small", SMALL), ("large", options.events)):
            file = folder / name
            file.mkdir()
            url = cluster.create(name) if cluster else f"sqlite:///{file}/db.sqlite3"
            environment = {
                "DATABASE_URL": url,
                "VAR_DIR": str(file),
                "CLOUD_TASKS_ENDPOINT": emulator.endpoint,
            }
            searched = bool({"rare", "absent"} & set(options.pages))
            made.append(Table(count, environment, stack, searched=searched))
        yield made


def measure(page: Page, made: list[Table], rounds: int) -> list[list[dict[str, Any]]]:
    """Ask for a page in turn; the first time is thrown away."""
    got: list[list[dict[str, Any]]] = [[] for _ in made]
    rounds = min(rounds, FILES) if page.rate else rounds
    for _ in range(rounds + 1):
        for n, table in enumerate(made):
            got[n].append(table.ask(page))
    return [each[1:] for each in got]


def judge_file(page: Page, got: list[list[dict[str, Any]]], count: int) -> Verdict:
    """Hold the large table's file against its target, by the whole time that making it took."""
    assert page.rate
    rate = count / median(one["ms"] / 1000 for one in got[1])
    per_cpu = count / median(one["cpu"] / 1000 for one in got[1])
    size = got[1][-1]["bytes"] / 1e6
    grown = max(one["grown"] for one in got[1])
    print(
        f"  {page.what:34} {number(rate)} rows/s, {number(per_cpu)} a CPU second,"
        f" {number(size)} MB; {number(grown)} MB of memory more",
        flush=True,
    )
    holds = rate >= page.rate and grown <= GROWN
    measured = f"{rate:,.0f}, {grown:.0f} MB more"
    return Verdict(page.what, f">= {page.rate:,.0f} rows/s, <= {GROWN} MB", measured, holds)


def judge(page: Page, got: list[list[dict[str, Any]]], count: int) -> Verdict:
    """Hold the large table's page against its target, and print both tables' figures.

    The CPU time counts where it is all the work; a PostgreSQL works in processes of its own.
    """
    if page.rate:
        return judge_file(page, got, count)
    walls = [median(one["ms"] for one in each) for each in got]
    least = [min(one["ms"] for one in each) for each in got]
    used = [median(one["cpu"] for one in each) for each in got]
    ratio = walls[1] / walls[0]
    print(
        f"  {page.what:34} ms {number(walls[0]):>6} {number(walls[1]):>6}  ratio {ratio:.2f}"
        f"  least {number(least[0]):>6} {number(least[1]):>6}"
        f"  CPU {number(used[0]):>6} {number(used[1]):>6}",
        flush=True,
    )
    if page.most is None:
        return Verdict(page.what, f"<= {SLOWER:g}x", f"{ratio:.2f}x", ratio <= SLOWER)
    target, measured = f"<= {page.most:g} ms", f"{walls[1]:.1f} ms"
    return Verdict(page.what, target, measured, walls[1] <= page.most)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"all of {', '.join(PAGES)}")
    parser.add_argument("--postgresql", action="store_true", help="not on SQLite")
    parser.add_argument("--events", type=int, default=LARGE, metavar="N")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(given)
    options.pages = options.pages or list(PAGES)
    if unknown := set(options.pages) - set(PAGES):
        parser.error(f"no page {', '.join(sorted(unknown))}; there are {', '.join(PAGES)}")
    return options


def main() -> None:
    """Measure each page and end with the targets and what was measured."""
    options = arguments()
    where = "PostgreSQL" if options.postgresql else "SQLite"
    print(f"{where}, {os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f} before")
    with tables(options) as made:
        for table in made:
            print(
                f"{table.count:,} events made in {table.filled:.0f} s, counted ahead in "
                f"{table.counted:.0f} s, indexed in {table.indexed:.0f} s "
                f"({1e6 * table.index_cpu / table.count:.0f} us of CPU an event)"
            )
        print(f"pages of {made[0].count:,} and {made[1].count:,} events (N={options.rounds})")
        verdicts = [
            judge(PAGES[name], measure(PAGES[name], made, options.rounds), made[1].count)
            for name in options.pages
        ]
    show_verdicts(verdicts)


if __name__ == "__main__":
    main()
