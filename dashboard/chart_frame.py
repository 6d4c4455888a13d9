"""What a chart stands in: a grid with its numbers, and below it when its bars begin."""

from math import ceil

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .figures import Bar, Figures

LEFT, BOTTOM, TOP, RIGHT = 46, 24, 8, 12
WIDE, NARROW = (720, 190), (360, 190)
LABEL = 54  # units that an instant needs below the bars
# So many bars between two instants; hours and minutes are divided by other round numbers.
ROUND = {60: (1, 2, 3, 4, 6, 12), 1: (1, 5, 10, 15, 20, 30)}


class Frame:
    """A chart of so many bars, from 0 to the next round number over `most`."""

    def __init__(self, figures: Figures, size: tuple[int, int], most: float) -> None:
        self.bars, self.period = figures.bars, figures.period
        self.width, self.height = size
        self.scale = round_up(ceil(most))
        self.plot = self.height - BOTTOM - TOP
        self.step = (self.width - LEFT - RIGHT) / len(self.bars)

    def x(self, n: float) -> str:
        return f"{LEFT + n * self.step:.1f}"

    def y(self, value: float) -> str:
        return f"{TOP + self.plot * (1 - value / self.scale):.1f}"

    def draw(self, label: str, content: SafeString) -> SafeString:
        """Return the chart; `label` is what a reader's software says of it."""
        return format_html(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
            *(self.width, self.height, label, self._grid(), content, self._instants()),
        )

    def _grid(self) -> SafeString:
        lines = []
        for quarter in range(5):
            y = float(self.y(self.scale * quarter / 4))
            label = f"{self.scale * quarter // 4:,}"
            lines.append((LEFT, self.width - RIGHT, y, LEFT - 8, f"{y + 4:.1f}", label))
        return format_html_join(
            "",
            '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
            '<text x="{3}" y="{4}" text-anchor="end">{5}</text>',
            lines,
        )

    def _instants(self) -> SafeString:
        form, kind = ("%a %d", "day") if self.period.in_days else ("%H:%M", "hour")
        marked = [(n, bar.start) for n, bar in enumerate(self.bars) if self._is_marked(bar)]
        return format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="middle" data-{}="{}">{}</text>',
            [
                (self.x(n + 0.5), self.height - 6, kind, at.isoformat(), at.strftime(form))
                for n, at in marked
            ],
        )

    def _is_marked(self, bar: Bar) -> bool:
        if self.period.in_days:
            return bar.start.hour == 0
        every = next(n for n in ROUND[self.period.minutes] if n * self.step >= LABEL)
        return int(bar.start.timestamp()) // 60 // self.period.minutes % every == 0


def round_up(value: int) -> int:
    """Return the next round number that quarters divide evenly.

    >>> [round_up(n) for n in (0, 3, 5, 94, 101, 1300)]
    [4, 4, 8, 100, 200, 2000]
    """
    unit = 1
    while True:
        for factor in (4, 8, 20):
            if value <= factor * unit:
                return factor * unit
        unit *= 10 if unit > 1 else 5
