"""A retry plan as a small drawing: one dot an attempt, wide waits drawn narrower."""

from math import log

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import words
from .retry_plan import Plan

WIDTH, HEIGHT, EDGE = 360, 46, 12
DOTS = 12


def draw(found: Plan) -> SafeString:
    """Return the first attempts, and the last where there are more, on a line of time.

    The line is logarithmic: waits grow from a tenth of a second to an hour.
    """
    moments = found.moments(DOTS)
    more = found.attempts > len(moments)
    ends = [*moments, found.lasts] if more else moments
    scale = log(1 + ends[-1] / found.config.min_backoff) or 1
    dots = [
        (
            f"{EDGE + (WIDTH - 2 * EDGE) * log(1 + moment / found.config.min_backoff) / scale:.1f}",
            "last" if moment == ends[-1] and len(ends) > 1 else "",
            f"Attempt {n}: +{words.duration(moment)}" if n <= len(moments) else "The last one",
        )
        for n, moment in enumerate(ends, 1)
    ]
    return format_html(
        '<svg class="plan" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<line x1="{left}" x2="{right}" y1="16" y2="16"/>{dots}'
        '<text x="{left}" y="40">first</text>'
        '<text x="{right}" y="40" text-anchor="end">{end}</text></svg>',
        w=WIDTH,
        h=HEIGHT,
        label=words.planned(found),
        left=EDGE,
        right=dots[-1][0],
        dots=format_html_join(
            "", '<circle cx="{}" cy="16" r="5" class="{}"><title>{}</title></circle>', dots
        ),
        end=f"last, +{words.duration(found.lasts)}" if len(ends) > 1 else "",
    )
