"""``LiveChart``: figures that change, drawn while they do."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape

import ipywidgets

from ..notebook import owned_by_cell
from .repeat import Repeat

SAMPLE = 0.2  # seconds
COLORS = ("#1e88e5", "#d81b60", "#43a047", "#fb8c00")  # readable on JupyterLab's light and dark backgrounds
WIDTH, HEIGHT, LEFT = 640, 170, 50


class LiveChart(ipywidgets.HTML):
    """A line for each figure, over the last seconds.

    A thread reads the figures. A cell that is run again stops the chart of its last run.

    Args:
        title: What the figures are of.
        figures: By name, functions that return a number.
        seconds: How far the chart reaches back.

    Attributes:
        samples: The time of each reading, in seconds, and the value of each figure.
    """

    @owned_by_cell
    def __init__(self, title: str, figures: Mapping[str, Callable[[], float]], seconds: float = 20) -> None:
        self.title = title
        self.figures = dict(figures)
        self.samples: deque[tuple[float, list[float]]] = deque(maxlen=round(seconds / SAMPLE))
        self._seconds = seconds
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
        now = self.samples[-1][0] if self.samples else 0.0
        top = max((value for _, values in self.samples for value in values), default=0) or 1

        def point(at: float, value: float) -> str:
            x = LEFT + (WIDTH - LEFT) * (1 - (now - at) / self._seconds)
            return f"{x:.1f},{HEIGHT - (HEIGHT - 10) * value / top:.1f}"

        lines, labels = [], []
        for number, name in enumerate(self.figures):
            color = COLORS[number % len(COLORS)]
            points = " ".join(point(at, values[number]) for at, values in self.samples)
            value = f"{self.samples[-1][1][number]:,.0f}" if self.samples else "-"
            lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
            labels.append(f'<b style="color:{color}">{escape(name)} {value}</b>')
        trouble = f'<div style="color:#c62828">{escape(repr(error))}</div>' if error else ""
        self.value = (
            f"<div>{escape(self.title)}: {' &nbsp; '.join(labels)}</div>"
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 4}" style="width:100%;max-width:{WIDTH}px" role="img">'
            f'<g stroke="currentColor" opacity=".35"><path d="M{LEFT} 10V{HEIGHT}H{WIDTH}" fill="none"/></g>'
            f'<g fill="currentColor" font-size="11" text-anchor="end"><text x="{LEFT - 6}" y="16">{top:,.0f}</text>'
            f'<text x="{LEFT - 6}" y="{HEIGHT}">0</text></g>{"".join(lines)}</svg>{trouble}'
        )
