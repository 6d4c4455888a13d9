"""Charts as SVG drawn here: no script, no style attribute, testable as text."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .figures import Hour

SERIES = (("succeeded", "ok"), ("failed", "bad"), ("refused", "info"))
LEFT, BOTTOM, TOP, RIGHT = 38, 24, 8, 6


def bars(hours: list[Hour], width: int = 980, height: int = 220, every: int = 3) -> SafeString:
    """Return stacked bars, one an hour; a label at each hour that `every` divides."""
    scale = _round_up(max(hour.events + hour.refused for hour in hours))
    plot = height - BOTTOM - TOP
    step = (width - LEFT - RIGHT) / len(hours)
    columns = format_html_join(
        "",
        "<g><title>{}</title>{}</g>",
        (
            (_tip(hour), _stack(hour, LEFT + n * step + step * 0.16, step * 0.68, plot, scale))
            for n, hour in enumerate(hours)
        ),
    )
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        width,
        height,
        "Events and refusals per hour, the last 24 hours",
        _grid(scale, plot, width),
        columns,
        _hour_labels(hours, step, height, every),
    )


def spark(values: list[int], width: int = 240, height: int = 30) -> SafeString:
    """Return a small line with its area; its numbers stand beside it, so readers skip it."""
    top = max(values) or 1
    step = width / (len(values) - 1)
    points = " ".join(
        f"{n * step:.1f},{height - 2 - (height - 4) * value / top:.1f}"
        for n, value in enumerate(values)
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon class="area" points="0,{h} {p} {w},{h}"/>'
        '<polyline class="line" points="{p}" vector-effect="non-scaling-stroke"/></svg>',
        w=width,
        h=height,
        p=points,
    )


def _round_up(value: int) -> int:
    """Return the next round number that quarters divide evenly.

    >>> [_round_up(n) for n in (0, 3, 5, 94, 101, 1300)]
    [4, 4, 8, 100, 200, 2000]
    """
    unit = 1
    while True:
        for factor in (4, 8, 20):
            if value <= factor * unit:
                return factor * unit
        unit *= 10 if unit > 1 else 5


def _tip(hour: Hour) -> str:
    parts = [f"{getattr(hour, name)} {name}" for name, _ in SERIES if getattr(hour, name)]
    return f"{hour.start:%H:%M} UTC: {', '.join(parts) or 'nothing'}"


def _stack(hour: Hour, x: float, width: float, plot: float, scale: int) -> SafeString:
    rows, y = [], TOP + plot
    for name, css in SERIES:
        if value := getattr(hour, name):
            tall = plot * value / scale
            y -= tall
            rows.append((css, f"{x:.1f}", f"{y:.1f}", f"{width:.1f}", f"{max(tall - 1, 0.6):.1f}"))
    return format_html_join(
        "", '<rect class="bar-{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>', rows
    )


def _grid(scale: int, plot: float, width: int) -> SafeString:
    def lines() -> Iterable[tuple[object, ...]]:
        for quarter in range(5):
            y = TOP + plot * (1 - quarter / 4)
            label = f"{scale * quarter // 4:,}"
            yield LEFT, width - RIGHT, f"{y:.1f}", LEFT - 8, f"{y + 4:.1f}", label

    return format_html_join(
        "",
        '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
        '<text x="{3}" y="{4}" text-anchor="end">{5}</text>',
        lines(),
    )


def _hour_labels(hours: list[Hour], step: float, height: int, every: int) -> SafeString:
    return format_html_join(
        "",
        '<text class="hour" x="{}" y="{}" text-anchor="middle" data-hour="{}">{}</text>',
        (
            (
                f"{LEFT + (n + 0.5) * step:.1f}",
                height - 6,
                hour.start.isoformat(),
                f"{hour.start:%H:%M}",
            )
            for n, hour in enumerate(hours)
            if hour.start.hour % every == 0
        ),
    )
