"""``arrivals`` and ``TimeLine``: when the events of a stream have come, measured and drawn."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from urllib.error import URLError
from urllib.request import urlopen

from ....wire.parser import EventStreamParser
from ...look import OURS, QUIET, WAITING, WRONG
from ...views.still_chart import StillChart

TOGETHER = 0.05  # seconds; events that are closer than that have come together
CROWDED = 0.02  # of the line's length; events that are closer would cover each other


def arrivals(url: str, timeout: float = 5) -> list[float]:
    """Read a stream up to its end. Returns when each event was complete, in seconds from the request on.

    It reads whatever is sent to it, and asks for no type.

    Args:
        url: The stream.
        timeout: The most seconds between two pieces.

    Raises:
        ConnectionError: Nobody answers there.
        OSError: There is no answer, or not in time.
    """
    start, times, parser = time.perf_counter(), [], EventStreamParser()
    try:
        answer = urlopen(url, timeout=timeout)
    except URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise ConnectionError(f"nobody answers at {url}: run the cell again that has started it") from None
        raise
    with answer:
        while chunk := answer.read1():
            times += [time.perf_counter() - start for _ in parser.feed(chunk)]
    return times


def in_words(times: Sequence[float]) -> str:
    """How events have come.

    >>> in_words([0.0, 0.2, 0.4]), in_words([0.4, 0.4, 0.4]), in_words([0.0, 0.0]), in_words([])
    ('3 one by one', '3 together, late', '2 together, at once', 'none')
    """
    if not times:
        return "none"
    if len(times) == 1 or times[-1] - times[0] >= TOGETHER * (len(times) - 1):
        return f"{len(times)} one by one"
    return f"{len(times)} together, {'at once' if times[0] < TOGETHER else 'late'}"


class TimeLine(StillChart):
    """A line of time for each stream, with a numbered dot for each event.

    Dots of the same moment stand above each other. They are amber where events have come together and late, and pink
    where they have come together at once, as what is old does. The text of the chart says in words how the events of
    each stream have come: see :func:`in_words`.

    Args:
        title: What is to be seen.
        streams: By name, the seconds at which events have come.
    """

    def __init__(self, title: str, streams: Mapping[str, Sequence[float]]) -> None:
        super().__init__(title, x="seconds from the request on", height=0.95 + 0.55 * len(streams))
        self.streams = {name: list(times) for name, times in streams.items()}
        last = max((times[-1] for times in self.streams.values() if times), default=0) or 1
        axes = self.axes
        for row, times in enumerate(self.streams.values()):
            axes.axhline(row, color=QUIET, linewidth=1, alpha=0.5, zorder=1)
            color = {"late": WAITING, "at once": WRONG}.get(in_words(times).partition(", ")[2], OURS)
            for number, (at, height) in enumerate(zip(times, _heights(times, last * CROWDED), strict=True)):
                axes.plot(at, row - height, "o", markersize=11, color=color, zorder=2)
                axes.annotate(
                    str(number + 1), (at, row - height), color="white", fontsize=7, ha="center", va="center_baseline"
                )
        axes.set_yticks(range(len(self.streams)), list(self.streams))
        axes.set_ylim(len(self.streams) - 0.4, -0.6)  # the first at the top
        axes.set_xlim(-0.04 * last, 1.06 * last)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)

    def __repr__(self) -> str:
        rows = [f"{name}: {in_words(times)}" for name, times in self.streams.items()]
        return "\n    ".join([f"TimeLine({self.title!r})", *rows])  # the first line is seen where an output is closed


def _heights(times: Sequence[float], near: float) -> list[float]:
    """How high above its line each dot stands: 0 alone, and spread around 0 with its neighbours."""
    heights: list[float] = []
    for at in times:
        crowd = [number for number, other in enumerate(times) if abs(other - at) < near]
        place = crowd.index(len(heights)) if len(heights) in crowd else 0
        heights.append(0.3 * ((len(crowd) - 1) / 2 - place))
    return heights
