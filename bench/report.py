"""How the figures are printed."""

from bench.judging import Verdict
from bench.stage import Samples


def show(title: str, samples: dict[str, Samples]) -> None:
    """Print one row for each figure: each contender's median, least and most, and the ratio."""
    first = next(iter(samples))
    count = len(samples[first].rounds)
    print(f"\n{title} (N={count}, medians, least-most)")
    width = max(len(name) for name in samples[first].medians())
    for name, ours in samples[first].medians().items():
        cells = []
        for who, one in samples.items():
            median, every = one.medians()[name], one.all(name)
            cell = f"{who} {number(median)} ({number(min(every))}-{number(max(every))})"
            if who != first and median:
                cell += f" {first}/{who} {ours / median:.2f}"
            cells.append(cell)
        print(f"  {name:{width}}  {'; '.join(cells)}", flush=True)


def number(value: float) -> str:
    """Return a figure with as many digits as mean anything."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def show_verdicts(verdicts: list[Verdict]) -> None:
    """Print each target beside what was measured."""
    print("\ntarget and measured")
    for one in verdicts:
        word = {True: "holds", False: "misses", None: ""}[one.holds]
        print(f"  {one.what:44} {one.target:18} {one.measured:18} {word}")
