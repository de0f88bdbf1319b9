"""``LiveChart``: figures that change, drawn while they do."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape

from ...notebook import owned_by_cell
from ..look import COLORS, QUIET, WRONG
from ..repeat import Repeat
from .view import View

SAMPLE = 0.2  # seconds
WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 34  # of the plot, from the edges of the chart
DASHES = ("", "9 5", "2 4", "12 4 2 4")  # so that lines are told apart without colours, and where they cover each other
STEPS = (1, 2, 2.5, 5, 10)  # between two ticks, times a power of ten
MOST_TICKS = 4


class LiveChart(View):
    """A line for each figure, over the last seconds.

    A thread reads the figures. A cell that is run again stops the chart of its last run.

    Args:
        title: What the figures are of.
        figures: By name, functions that return a number.
        unit: What the figures are counted in, such as ``"a second"``.
        seconds: How far the chart reaches back.
        colors: By name, colours of :mod:`sse_demo.lab.look` for figures in which a colour has a meaning.

    Attributes:
        samples: The time of each reading, in seconds, and the value of each figure.
    """

    @owned_by_cell
    def __init__(
        self,
        title: str,
        figures: Mapping[str, Callable[[], float]],
        unit: str = "",
        *,
        seconds: float = 20,
        colors: Mapping[str, str] | None = None,
    ) -> None:
        self.title = title
        self.figures = dict(figures)
        self.unit = unit
        self.samples: deque[tuple[float, list[float]]] = deque(maxlen=round(seconds / SAMPLE))
        self._seconds = seconds
        self._colors = [(colors or {}).get(name, COLORS[n % len(COLORS)]) for n, name in enumerate(self.figures)]
        super().__init__()
        self._draw()
        self._sampling = Repeat(SAMPLE, self._sample)

    def __repr__(self) -> str:
        return f"LiveChart({self.title!r}: {', '.join(self.figures)})"

    def stop(self) -> None:
        """Read no more figures. The chart stays as it is."""
        self._sampling.stop()

    def _sample(self) -> None:
        try:
            self.samples.append((time.monotonic(), [read() for read in self.figures.values()]))
        except Exception as error:
            self._draw(error)
            raise
        self._draw()

    def _draw(self, error: Exception | None = None) -> None:
        samples = list(self.samples)
        now = samples[-1][0] if samples else 0.0
        ticks = nice_ticks(max((value for _, values in samples for value in values), default=0))

        def place(at: float, value: float) -> str:
            return f"{self._x(at - now):.1f},{_y(value, ticks[-1]):.1f}"

        lines, labels = [], []
        for number, (name, color) in enumerate(zip(self.figures, self._colors, strict=True)):
            dash = DASHES[number % len(DASHES)]
            stroke = f'stroke="{color}" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
            points = " ".join(place(at, values[number]) for at, values in samples)
            lines.append(f'<polyline points="{points}" {stroke}/>')
            value = figure(samples[-1][1][number]) if samples else "-"
            sign = f'<svg width="34" height="8"><path d="M2 4H32" {stroke}/></svg>'
            labels.append(f'<span style="white-space:nowrap">{sign} {escape(name)} <b>{value}</b></span>')
        trouble = f'<div style="color:{WRONG}">{escape(repr(error))}</div>' if error else ""
        unit = f", {escape(self.unit)}" if self.unit else ""
        self.html = (
            f"<div><b>{escape(self.title)}</b>{unit}: {' &nbsp; '.join(labels)}</div>"
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" style="width:100%;max-width:{WIDTH}px" role="img" '
            f'aria-label="{escape(self.title)}">{self._axes(ticks)}{"".join(lines)}</svg>{trouble}'
        )

    def _x(self, age: float) -> float:
        """Of a moment; ``age`` is 0 for now, and negative seconds for what was before."""
        return WIDTH - RIGHT + (WIDTH - LEFT - RIGHT) * age / self._seconds

    def _axes(self, ticks: list[float]) -> str:
        """Both axes with their ticks and units, and a line across for each tick of the figures."""
        parts = []
        for tick in ticks:
            y = _y(tick, ticks[-1])
            parts.append(
                f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{QUIET}" opacity="{0.35 if tick else 1}"/>'
            )
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:,.9g}</text>')
        for part in range(5):
            age = -self._seconds * part / 4
            anchor, text = ("middle", f"{age:g}") if part else ("end", "now")
            x = self._x(age)
            parts.append(f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v4" stroke="{QUIET}"/>')
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="{anchor}">{text}</text>')
        middle = self._x(-self._seconds / 2)
        parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 3}" text-anchor="middle">seconds ago</text>')
        return f'<g fill="currentColor" font-size="11">{"".join(parts)}</g>'


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def figure(value: float) -> str:
    """A value as it is written beside its line."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def nice_ticks(highest: float) -> list[float]:
    """Round numbers from 0 on, a few of them, of which the last is not below the highest value.

    >>> nice_ticks(363)
    [0, 100, 200, 300, 400]
    """
    if highest <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(highest / MOST_TICKS))
    step = next(step * power for step in STEPS if step * power * MOST_TICKS >= highest)
    return [number * step for number in range(math.ceil(highest / step - 1e-9) + 1)]
