"""``HeartStrip``: what an event loop does for others while something runs on it, as a strip of beats."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...look import OTHER, OURS, QUIET, WRONG
from ...views.still_chart import StillChart

BEAT = 0.01  # seconds
MARGIN = 0.1  # seconds before and after what is looked at
HOLE = 0.2  # seconds without a beat that are marked; on a busy machine a beat may be late by half of that


@dataclass
class Row:
    """What was seen during one piece of work. All times are in seconds.

    Attributes:
        beats: The time of each beat.
        marks: The time of each call of :meth:`HeartStrip.mark`.
    """

    beats: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)

    @property
    def hole(self) -> tuple[float, float]:
        """Where the longest time without a beat begins and ends."""
        return max(zip(self.beats, self.beats[1:], strict=False), key=lambda pair: pair[1] - pair[0])


class HeartStrip:
    """A row for each piece of work, with a beat every 10 ms, and a hole where the event loop had no turn for it.

    >>> strip = HeartStrip("while a stream is read")
    >>> await strip.during("async", read(url, strip.mark))     # doctest: +SKIP

    The last value of a cell is shown, and each ``await strip.during(...)`` gives the strip.

    Args:
        title: What is to be seen.
        mark: What a call of :meth:`mark` means, for the legend.

    Attributes:
        rows: By name, what was seen.
    """

    def __init__(self, title: str, *, mark: str = "a message") -> None:
        self.title = title
        self._meaning = mark
        self.rows: dict[str, Row] = {}
        self._row = Row()

    def __repr__(self) -> str:
        return f"HeartStrip({self.title!r})"

    async def during(self, name: str, work: Awaitable[object]) -> HeartStrip:
        """Beat while a piece of work is awaited, and a little before and after.

        Nothing goes on beating when this is cancelled, or when the work fails; then there is no row.

        Args:
            name: Of the row.
            work: A coroutine, for instance.

        Returns:
            The strip, so that a cell which ends with the last piece of work shows it.
        """
        row = self._row = Row([time.perf_counter()])
        heart = asyncio.create_task(_beat(row))
        try:
            await asyncio.sleep(MARGIN)
            await work
            await asyncio.sleep(MARGIN)
        finally:
            heart.cancel()
            if inspect.iscoroutine(work):
                work.close()  # where it has not begun
        row.beats.append(time.perf_counter())
        self.rows[name] = row
        return self

    def mark(self, *_: object) -> None:
        """Mark this moment in the row of what runs now. From any thread, with any arguments."""
        self._row.marks.append(time.perf_counter())

    @property
    def gaps(self) -> dict[str, float]:
        """By the name of a row, the longest time without a beat, in seconds."""
        return {name: row.hole[1] - row.hole[0] for name, row in self.rows.items()}

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        bundle, about = self._chart()._repr_mimebundle_()
        return bundle | {"text/plain": repr(self)}, about

    def _chart(self) -> StillChart:
        chart = StillChart(self.title, x="seconds", height=1.3 + 0.45 * len(self.rows))
        axes = chart.axes
        for y, row in enumerate(self.rows.values()):
            start = row.beats[0] + MARGIN
            axes.vlines([beat - start for beat in row.beats], y - 0.22, y + 0.22, color=OURS, linewidth=1)
            axes.plot([mark - start for mark in row.marks], [y - 0.36] * len(row.marks), "v", color=OTHER, markersize=6)
            begin, end = row.hole[0] - start, row.hole[1] - start
            if end - begin > HOLE:
                axes.barh(y, end - begin, 0.44, begin, color=WRONG, alpha=0.22, linewidth=0)
                text = f"no beat for {end - begin:.2f} s"
                axes.text((begin + end) / 2, y, text, ha="center", va="center", color=WRONG, fontweight="bold")
        axes.set_yticks(range(len(self.rows)), list(self.rows))
        axes.set_ylim(len(self.rows) - 0.5, -0.6)
        axes.grid(axis="y", visible=False)
        chart.figure.legend(
            handles=[
                Line2D([], [], color=OURS, marker="|", linestyle="", markersize=11, label="a beat"),
                Line2D([], [], color=OTHER, marker="v", linestyle="", label=self._meaning),
                Patch(color=WRONG, alpha=0.22, label="nobody else has a turn"),
            ],
            loc="outside lower right",
            ncols=3,
            frameon=False,
            labelcolor=QUIET,
        )
        return chart


async def _beat(row: Row) -> None:
    while True:
        await asyncio.sleep(BEAT)
        row.beats.append(time.perf_counter())
