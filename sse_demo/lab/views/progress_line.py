"""``ProgressLine``: which exercises of the course have passed, lesson by lesson."""

from __future__ import annotations

from html import escape

from ...notebook import owned_by_cell
from .. import progress
from ..check import EXERCISES
from ..look import GOOD, QUIET
from ..repeat import Repeat
from .view import View

LOOK_EVERY = 1.0  # seconds; an exercise passes in another notebook


class ProgressLine(View):
    """A dot for each exercise, filled once it has passed. It changes while the index is open."""

    @owned_by_cell
    def __init__(self) -> None:
        super().__init__()
        self._draw()
        self._looking = Repeat(LOOK_EVERY, self._draw)

    def __repr__(self) -> str:
        return "ProgressLine()"

    def stop(self) -> None:
        """Look no more."""
        self._looking.stop()

    def _draw(self) -> None:
        passed = progress.passed()
        rows, done = [], 0
        for lesson, exercises in EXERCISES.items():
            number, _, name = lesson.partition("_")
            dots = "".join(_dot(exercise, f"{name}.{exercise}" in passed) for exercise in exercises)
            done += sum(f"{name}.{exercise}" in passed for exercise in exercises)
            title = escape(name.replace("_", " "))
            named = f'<td style="text-align:left;padding-right:1em;white-space:nowrap">{title}</td>'
            rows.append(f'<tr><td>{int(number)}</td>{named}<td style="text-align:left">{dots}</td></tr>')
        total = sum(map(len, EXERCISES.values()))
        self.html = f"<div><b>{done} of {total} exercises passed</b></div><table>{''.join(rows)}</table>"


def _dot(name: str, has_passed: bool) -> str:
    sign, color = ("●", GOOD) if has_passed else ("○", QUIET)
    return f'<span style="color:{color};white-space:nowrap;padding-right:1em">{sign} {escape(name)}</span>'
