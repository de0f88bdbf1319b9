"""``Histogram``: how often something happened, and when, in rows that share one axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape

from .look import COLORS

WIDTH, HEIGHT, TOP = 640, 70, 14  # of one row
BARS = 320


class Histogram:
    """A row of bars for each name. All rows have the same scales, and each says how high its highest bar is.

    Args:
        what: What has happened.
        moments: By name, the moments at which it has happened, in seconds.
        until: The end of the axis, in seconds. Later moments are not drawn. By default the last moment.
    """

    def __init__(self, what: str, moments: Mapping[str, Iterable[float]], until: float | None = None) -> None:
        self.what = what
        self.moments = {name: sorted(values) for name, values in moments.items()}
        self._until = until or max((values[-1] for values in self.moments.values() if values), default=1.0)

    def __repr__(self) -> str:
        return f"Histogram({self.what!r}: {', '.join(self.moments)})"

    def _repr_html_(self) -> str:
        step = self._until / BARS
        rows = []
        counts = {
            name: Counter(int(value / step) for value in values if value < self._until)
            for name, values in self.moments.items()
        }
        top = max((count for bars in counts.values() for count in bars.values()), default=1)
        for row, (name, bars) in enumerate(counts.items()):
            base = (row + 1) * (HEIGHT + TOP) - 2
            width = WIDTH / BARS
            drawn = "".join(
                f'<rect x="{bar * width:.1f}" width="{width:.1f}" y="{base - HEIGHT * count / top:.1f}" '
                f'height="{HEIGHT * count / top:.1f}"/>'
                for bar, count in sorted(bars.items())
            )
            color = COLORS[row % len(COLORS)]
            rows.append(
                f'<g fill="{color}">{drawn}</g><path d="M0 {base}H{WIDTH}" stroke="currentColor" opacity=".35"/>'
                f'<text x="{WIDTH}" y="{base - HEIGHT + 4}" text-anchor="end" font-size="12" fill="{color}" '
                f'font-weight="bold">{escape(name)}: at most {max(bars.values(), default=0):,} in {step:.2g} s</text>'
            )
        height = len(rows) * (HEIGHT + TOP) + 16
        axis = "".join(
            f'<text x="{WIDTH * part / 4:.0f}" y="{height - 2}" font-size="11" fill="currentColor" '
            f'text-anchor="{anchor}">{self._until * part / 4:.4g} s</text>'
            for part, anchor in enumerate(["start", "middle", "middle", "middle", "end"])
        )
        return (
            f"<div>{escape(self.what)}</div>"
            f'<svg viewBox="0 0 {WIDTH} {height}" style="width:100%;max-width:{WIDTH}px" role="img">'
            f"{''.join(rows)}{axis}</svg>"
        )
