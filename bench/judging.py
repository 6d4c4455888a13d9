"""Targets beside what was measured."""

from dataclasses import dataclass

Figures = dict[str, float]
PEER = "gte"  # the one that the targets name


@dataclass(frozen=True)
class Verdict:
    """A target and what was measured, side by side; `holds` is None where no target is set."""

    what: str
    target: str
    measured: str
    holds: bool | None


def ratio(figures: dict[str, Figures], name: str, least: float = 0.0) -> list[Verdict]:
    """Compare the first contender's figure with each other's; with gte's by a target, if given."""
    (first, ours), *others = figures.items()
    verdicts = []
    for other, theirs in others:
        measured = ours[name] / theirs[name]
        aimed = bool(least) and other == PEER
        verdicts.append(
            Verdict(
                f"{name}, {first} / {other}",
                f">= {least:g}x" if aimed else "",
                f"{measured:.2f}x",
                measured >= least if aimed else None,
            )
        )
    return verdicts


def least(figures: dict[str, Figures], name: str, bound: float, what: str) -> Verdict:
    """Hold the first contender's figure against the least that it may be."""
    measured = next(iter(figures.values()))[name]
    return Verdict(what, f">= {bound:,g}", f"{measured:,.4g}", measured >= bound)


def most(figures: dict[str, Figures], name: str, bound: float, what: str) -> Verdict:
    """Hold the first contender's figure against the most that it may be."""
    measured = next(iter(figures.values()))[name]
    target = f"<= {bound:,g}" if bound else "0"
    return Verdict(what, target, f"{measured:,.4g}", measured <= bound)


def between(figures: dict[str, Figures], name: str, low: float, high: float, what: str) -> Verdict:
    """Hold the first contender's figure against both ends."""
    measured = next(iter(figures.values()))[name]
    return Verdict(what, f"{low:,g} to {high:,g}", f"{measured:,.4g}", low <= measured <= high)
