"""Measures the emulator beside its peers: `python bench/emulator.py [PART...]`.

Each contender is a process of its own on free ports, seen only from outside, and measured in
turn (A B A B ...) in one run. Trust the ratios, and the CPU, which other load moves least.
"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ["idle", "create", "latency", "sustained", "flat_out", "limits", "waiting"]


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all of {', '.join(PARTS)}")
    parser.add_argument(
        "--root",
        action="append",
        type=Path,
        metavar="FOLDER",
        help="the checkout to measure; repeat it to compare several, the first is on trial",
    )
    parser.add_argument("--rounds", type=int, help="of each part; its own number otherwise")
    parser.add_argument("--scale", type=float, default=1.0, help="shortens every measurement")
    parser.add_argument("--waiting", type=int, default=100_000, help="tasks of the part waiting")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args(given)
    options.parts = options.parts or PARTS
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def main() -> None:
    """Measure each part and end with the targets and what was measured."""
    options = arguments()
    sys.path[0] = str(ROOT)
    from bench.report import show, show_verdicts
    from bench.servers import checkout, peers
    from bench.stage import Stage, in_turn

    roots = [root.resolve() for root in options.root or [ROOT]]
    names = [root.name for root in roots] if len(roots) > 1 else ["ours"]
    contenders = [checkout(root, name) for root, name in zip(roots, names, strict=True)]
    if not options.no_peers:
        found, missing = peers()
        contenders += found
        print("\n".join(f"Skipped: {line}" for line in missing))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} CPUs, load average {load:.1f} before; ours: {roots[0]}")
    verdicts = []
    with Stage(options.scale, options.waiting) as stage:
        for name in options.parts:
            part = import_module(f"bench.{name}").PART
            crew = [*contenders, *part.beside]
            samples = in_turn(part, stage, crew, options.rounds or part.rounds)
            show(part.title, samples)
            verdicts += part.verdicts(samples)
    show_verdicts(verdicts)


if __name__ == "__main__":
    main()
