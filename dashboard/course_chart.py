"""A task's attempts on two lines of time, as planned and as they were; wide waits narrower."""

from collections.abc import Callable
from math import log
from typing import TYPE_CHECKING

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import words
from .retry_plan import Plan

if TYPE_CHECKING:
    from .course import Made, Step

WIDTH, HEIGHT, LEFT, RIGHT = 400, 76, 64, 12


def draw(found: Plan, done: list["Made"], rows: list["Step"]) -> SafeString:
    """Return the drawing of these steps; the lines are logarithmic, as the waits grow."""
    planned = [(row.number, found.config.after(row.number)) for row in rows if _is_planned(row)]
    shown = [made for made in done if made.number <= rows[-1].number]
    start = found.config.after(shown[0].number) if shown else 0.0
    really = [(made, start + (made.at - shown[0].at).total_seconds()) for made in shown]
    longest = max([moment for _, moment in [*planned, *really]], default=0)
    x = _scale(longest, found.config.min_backoff)
    return format_html(
        '<svg class="course" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<text x="0" y="20">Planned</text><text x="0" y="44">Real</text>'
        '<line x1="{left}" x2="{right}" y1="16" y2="16"/>'
        '<line x1="{left}" x2="{right}" y1="40" y2="40"/>{planned}{really}'
        '<text x="{left}" y="66">first</text>'
        '<text x="{right}" y="66" text-anchor="end">+{end}</text></svg>',
        w=WIDTH,
        h=HEIGHT,
        label="Attempts as planned and as they were, on a line of time",
        left=LEFT,
        right=WIDTH - RIGHT,
        planned=format_html_join(
            "",
            '<circle cx="{}" cy="16" r="5" class="planned"><title>{}</title></circle>',
            ((x(at), f"Attempt {n} planned: +{words.duration(at)}") for n, at in planned),
        ),
        really=format_html_join(
            "",
            '<circle cx="{}" cy="40" r="5" class="{}"><title>{}</title></circle>',
            (
                (x(at), made.kind, f"Attempt {made.number}: +{words.duration(at)}")
                for made, at in really
            ),
        ),
        end=words.duration(longest),
    )


def _is_planned(row: "Step") -> bool:
    return row.number == 1 or row.planned is not None


def _scale(longest: float, step: float) -> Callable[[float], str]:
    """Return where an instant, in seconds after the first attempt, lies on the line."""
    whole = log(1 + longest / step) or 1
    width = WIDTH - LEFT - RIGHT
    return lambda moment: f"{LEFT + width * log(1 + max(moment, 0) / step) / whole:.1f}"
