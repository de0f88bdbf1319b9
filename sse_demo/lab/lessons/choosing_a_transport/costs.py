"""``Costs``: what an event costs with each transport at several rates, as a table and as a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...look import GOOD, OTHER, OURS
from ...views.still_chart import StillChart

#: Of each transport, in all charts of lesson 8.
TRANSPORT_COLORS = {"long polling": OURS, "WebSocket": OTHER, "SSE": GOOD}

HEAD = "events a second        median, ms   worst, ms   bytes an event   requests"
LATE = 1.5  # times the delay of the quickest
TICKS = [5, 10, 25, 50, 100]  # of the rates
ROOM = 1.5  # of the upper plot, for its legend


class Figures(NamedTuple):
    """What was measured of one transport at one rate.

    Attributes:
        delay_ms: From the publication of an event to its arrival, the median.
        worst_ms: The longest one.
        bytes_each: What an event has cost on the cable, in both directions, headers included.
        requests: How many were made meanwhile.
    """

    delay_ms: float
    worst_ms: float
    bytes_each: float
    requests: int


class Costs:
    """A table of what was measured. Show it as the last value of a cell.

    Args:
        measured: By the rate, in events a second, and by the name of the transport.
    """

    def __init__(self, measured: Mapping[int, Mapping[str, Figures]]) -> None:
        self.measured = measured

    def late(self, rate: int) -> str:
        """The transports whose median delay is half as long again as that of the quickest, or longer; or "nobody"."""
        delays = {name: figures.delay_ms for name, figures in self.measured[rate].items()}
        return ", ".join(name for name, delay in delays.items() if delay > LATE * min(delays.values())) or "nobody"

    def dearest(self, rate: int) -> str:
        """The transport with the most bytes for each event."""
        figures = self.measured[rate]
        return max(figures, key=lambda name: figures[name].bytes_each)

    def chart(self, mark: float) -> StillChart:
        """Delay and bytes against the rate.

        Args:
            mark: A rate that is marked by a vertical line.
        """
        chart = StillChart("What an event costs", x="events a second", rows=2, height=2.2)
        rates = list(self.measured)
        for row, (unit, what) in zip(chart.rows, [("delay, ms", "delay_ms"), ("bytes", "bytes_each")], strict=True):
            for name, color in TRANSPORT_COLORS.items():
                values = [getattr(self.measured[rate][name], what) for rate in rates]
                row.plot(rates, values, "--" if name == "SSE" else "-", color=color, label=name)
            row.axvline(mark, color="gray", linestyle=":")
            row.set(ylabel=unit, xscale="log", ylim=0, xticks=TICKS, xticklabels=TICKS)
        chart.axes.set_ylim(top=ROOM * max(each.delay_ms for at in self.measured.values() for each in at.values()))
        return chart

    def __repr__(self) -> str:
        lines = [HEAD]
        for rate, figures in self.measured.items():
            for name, (delay, worst, size, requests) in figures.items():
                lines.append(f"{rate:6}  {name:13}{delay:12.0f}{worst:12.0f}{size:17.0f}{requests:11}")
        return "\n".join(lines)
