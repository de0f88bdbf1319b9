"""What a delivery costs: ``QUEUES``, the usual broadcast server, and a chart of what has been measured."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from ....bench import Result, Target
from ...look import COLORS, OTHER, OURS, QUIET
from ...views.still_chart import StillChart

SERVER = Path(__file__).with_name("queue_server.py")
HEIGHT = 0.75  # inches of a row
SPACE = 0.4  # right of the longest bar, for its figures


def _command(port: int) -> list[str]:
    return [sys.executable, str(SERVER), str(port)]


QUEUES = Target("a queue for each", _command, "/", "/")

MEANS = {"queues": OTHER, "sse_demo": OURS, "bare loop": QUIET}


def cost_chart(results: Mapping[str, Result]) -> StillChart:
    """A bar for each server: the microseconds of CPU time for one delivery, and how often the last one goes into it.

    Args:
        results: By the names of the servers, what was measured. All are compared with the last one.
    """
    costs = [result.cpu_us_per_delivery for result in results.values()]
    colors = [MEANS.get(name, COLORS[number % len(COLORS)]) for number, name in enumerate(results)]
    chart = StillChart("CPU time of the server for one delivery", x="microseconds", height=HEIGHT * (len(costs) + 0.2))
    bars = chart.axes.barh(list(results), costs, color=colors, height=0.6)
    words = [f"{cost:.1f} µs, {cost / costs[-1]:.1f} times the {list(results)[-1]}" for cost in costs[:-1]]
    chart.axes.bar_label(bars, [*words, f"{costs[-1]:.1f} µs"], padding=4, color=QUIET)
    chart.axes.margins(x=SPACE)
    chart.axes.invert_yaxis()  # the first one at the top
    chart.axes.grid(visible=False)  # the figures are there
    return chart
