"""Measures the receiver beside the tutorial's event display: `python bench/receiver.py [PART...]`.

Each contender is a process of its own on a new database, seen only from outside, and measured in
turn (A B A B ...) in one run. Trust the ratios, and the CPU, which other load moves least.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from bench.deliveries import PARTS, Part, Stage  # noqa: E402
from bench.receivers import OURS, PLAIN_VIEW, Contender, ReceiverServer, flask  # noqa: E402
from bench.report import show, show_verdicts  # noqa: E402
from bench.stage import Samples  # noqa: E402


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="of each part; its own number otherwise")
    parser.add_argument("--scale", type=float, default=1.0, help="shortens every measurement")
    options = parser.parse_args(given)
    options.parts = options.parts or list(PARTS)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def contenders(part: Part) -> list[Contender]:
    """Return ours and those of the part's peers that are here."""
    here = {"view": PLAIN_VIEW, "flask": flask()}
    return [OURS, *(found for name in part.peers if (found := here[name]))]


def slow_disk(folder: Path) -> Path:
    """Build what makes every sync of the disk slower."""
    library = folder / "slow_sync.so"
    source = ROOT / "bench" / "slow_sync.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return library


def measure(part: Part, stage: Stage, rounds: int, shim: Path | None) -> dict[str, Samples]:
    """Measure A B A B ..., each time a new process on a new database."""
    found = contenders(part)
    samples = {contender.name: Samples() for contender in found}
    for _ in range(rounds):
        for contender in found:
            with (
                tempfile.TemporaryDirectory(prefix="bench-") as folder,
                ReceiverServer(contender, Path(folder), stage.issuer.url, shim) as server,
            ):
                samples[contender.name].rounds.append(part.measure(server, stage))
    return samples


def main() -> None:
    """Measure each part and end with the targets and what was measured."""
    options = arguments()
    if flask() is None:
        print("Skipped: flask is not measured: BENCH_FLASK names no Python that has it.")
    where = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    load = os.getloadavg()[0]
    print(f"{where}, {os.cpu_count()} CPUs, load average {load:.1f} before; ours: {ROOT}")
    verdicts = []
    with Stage(options.scale) as stage, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in options.parts:
            part = PARTS[name]
            if part.slow_disk and not shutil.which("gcc"):
                print(f"Skipped: {name} needs gcc.")
                continue
            shim = slow_disk(Path(folder)) if part.slow_disk else None
            samples = measure(part, stage, options.rounds or part.rounds, shim)
            show(part.title, samples)
            medians = {who: one.medians() for who, one in samples.items()}
            for judge in part.judges:
                verdicts += judge(medians)
    show_verdicts(verdicts)


if __name__ == "__main__":
    main()
