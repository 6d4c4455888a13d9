"""Charts as SVG drawn here: no script, no style attribute, testable as text."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .chart_frame import TOP, WIDE, Frame
from .figures import Bar, Figures, Period

SERIES = (("succeeded", "ok"), ("failed", "bad"), ("refused", "info"))


def bars(figures: Figures, size: tuple[int, int] = WIDE, *, refused: bool = True) -> SafeString:
    """Return stacked bars of events and refusals; what failed is hatched as well as red."""
    series = SERIES if refused else SERIES[:2]
    tallest = max(sum(getattr(bar, name) for name, _ in series) for bar in figures.bars)
    frame = Frame(figures, size, tallest)
    return frame.draw(
        f"Events and refusals in {figures.period.words}, a bar for each {figures.period.bar_words}",
        format_html(
            '<pattern id="hatch-{0}" width="5" height="5" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect class="hatch" width="2" height="5"/></pattern>'
            '{1}<path fill="url(#hatch-{0})" d="{2}"/>{3}',
            frame.width,
            format_html_join("", '<path class="bar-{}" d="{}"/>', _stacks(frame, series)),
            dict(_stacks(frame, series))["bad"],
            _tips(frame, [_said(bar, series) for bar in figures.bars]),
        ),
    )


def lines(figures: Figures, size: tuple[int, int] = WIDE) -> SafeString:
    """Return the handler time's p95 as a line and its median as a dashed one, in ms."""
    values = {name: [getattr(bar, name) for bar in figures.bars] for name in ("p95", "p50")}
    known = [value for value in values["p95"] if value is not None]
    frame = Frame(figures, size, max(known, default=0))
    drawn = [(name, _stretches(frame, series)) for name, series in values.items()]
    paths = format_html_join(
        "",
        '<path class="line {}" d="M{}"/>',
        [(name, " L".join(one)) for name, every in drawn for one in every if one[1:]],
    )
    lone = format_html_join(
        "",
        '<circle class="lone {}" cx="{}" cy="{}" r="{}"/>',
        # A ring around a dot: with one event both are in the same place.
        [
            (name, *one[0].split(), {"p95": 3.5, "p50": 6}[name])
            for name, every in drawn
            for one in every
            if not one[1:]
        ],
    )
    return frame.draw(
        f"Handler time in {figures.period.words}: p95 and median",
        paths + lone + _tips(frame, map(handled, figures.bars)),
    )


def handled(bar: Bar) -> str:
    """Return a bar's handler times in words.

    >>> handled(Bar())
    'nothing'
    """
    p50, p95 = bar.p50, bar.p95
    if p50 is None or p95 is None:
        return "nothing"
    return f"p95 {milliseconds(p95)}, median {milliseconds(p50)}"


def milliseconds(value: float) -> str:
    """Return a time with as many digits as a bucket can tell.

    >>> [milliseconds(ms) for ms in (0.28, 1.94, 37.4, 1234)]
    ['0.3 ms', '1.9 ms', '37 ms', '1.2 s']
    """
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


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


def _said(bar: Bar, series: Iterable[tuple[str, str]]) -> str:
    parts = [f"{getattr(bar, name):,} {name}" for name, _ in series if getattr(bar, name)]
    return ", ".join(parts) or "nothing"


def _tips(frame: Frame, texts: Iterable[str]) -> SafeString:
    """Return a column over each bar that says what it is when pointed at."""
    hit = f'<rect class="hit" x="{{}}" y="{TOP}" width="{frame.step:.1f}" height="{frame.plot}"/>'
    return format_html_join(
        "",
        f"<g><title>{{}}: {{}}</title>{hit}</g>",  # to escape its numbers each time takes long
        [
            (when(frame.period, bar.start), text, frame.x(n))
            for n, (bar, text) in enumerate(zip(frame.bars, texts, strict=True))
        ],
    )


def when(period: Period, start: datetime) -> str:
    """Return a bar's beginning in words."""
    return f"{start:%a %H:%M} UTC" if period.in_days else f"{start:%H:%M} UTC"


def _stacks(frame: Frame, series: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each series as one path: its part of every bar, upon those before it."""
    below = [0] * len(frame.bars)
    paths = []
    for name, css in series:
        parts = []
        for n, bar in enumerate(frame.bars):
            if value := getattr(bar, name):
                top = frame.y(below[n] + value)
                tall = max(frame.plot * value / frame.scale - 1, 0.6)
                wide = 0.68 * frame.step
                parts.append(f"M{frame.x(n + 0.16)} {top}h{wide:.1f}v{tall:.1f}h-{wide:.1f}z")
                below[n] += value
        paths.append((css, "".join(parts)))
    return paths


def _stretches(frame: Frame, series: list[float | None]) -> list[list[str]]:
    """Return the series as points, a list for each stretch without a gap."""
    stretches: list[list[str]] = [[]]
    for n, value in enumerate(series):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{frame.x(n + 0.5)} {frame.y(value)}")
    return [one for one in stretches if one]
