"""``Rings``: the way of one request through its middleware, in words and as a picture.

Each middleware is a ring around the handler.
The request comes from the left, goes in through the rings, and its answer goes out again. Of an exception one sees
which rings it passes, and which one makes an answer of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Literal, TypeAlias

from ...look import GOOD, OURS, QUIET, WAITING, WRONG

#: What happens at a ring, or in the handler:
#:
#: - ``in``: the request has passed, or has come to the handler,
#: - ``out``: the answer has passed, and its headers could be changed,
#: - ``refuses``: a problem is raised, which becomes the answer; or another answer is given,
#: - ``fails``: an exception is raised,
#: - ``passes``: an exception has gone through,
#: - ``explains``: an exception has become an answer,
#: - ``sends``, ``sent``, ``left``: a stream has begun; it has ended; its reader has left before,
#: - ``breaks``: an exception is raised when the headers are sent already.
What: TypeAlias = Literal["in", "out", "refuses", "fails", "passes", "explains", "sends", "sent", "left", "breaks"]

ENDS: frozenset[What] = frozenset({"sent", "left", "breaks"})  # of a stream

HANDLER = "handler"
WIDTH = 640
MARGIN = 64  # to the left of the outermost ring
BOX = (104, 78)  # the handler: its width and its height
STRIP = 18  # of a ring, above what is in it: its name stands there
EDGE = 6  # of a ring, to the right of what is in it and below
STEP = 0.25  # seconds from one step of the picture to the next


@dataclass(frozen=True)
class Step:
    """Something that has happened at a ring, or in the handler.

    Attributes:
        place: The number of the ring, the outermost is 0. The handler has the number after the innermost.
        what: What has happened.
        error: The class of the exception, or ``""``.
    """

    place: int
    what: What
    error: str = ""


@dataclass
class Rings:
    """The way of one request.

    Attributes:
        request: Its method and its path.
        names: The middleware, the outermost first.
        given: How many of them belong to the service itself: the first ones.
        steps: What has happened so far.
        status: That of the answer; 0 as long as there is none.
    """

    request: str
    names: Sequence[str]
    given: int = 0
    steps: list[Step] = field(default_factory=list)
    status: int = 0

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, and no stream that goes on."""
        whats = {step.what for step in self.steps}
        return bool(self.status) and ("sends" not in whats or bool(whats & ENDS))

    def __repr__(self) -> str:
        answer = [f"  answer: {self.status}"] if self.status else []
        return "\n".join([self.request, *(f"  {line}" for line in self.told(self.steps)), *answer])

    def told(self, steps: Iterable[Step]) -> list[str]:
        """What has happened in some steps, in words."""
        lines = []
        for what, group in groupby(steps, lambda step: step.what):
            some = list(group)
            places = ", ".join(self.name(step.place) for step in some)
            error = some[0].error or "exception"
            sentences: dict[What, str] = {
                "in": f"in: {places}",
                "out": f"out: {places}",
                "refuses": f"{places} refuses the request",
                "fails": f"{places} raises {error}",
                "passes": f"{error} passes {places}",
                "explains": f"{places} turns {error} into an answer",
                "sends": f"{places} begins a stream",
                "sent": f"{places} has sent the whole stream",
                "left": f"the reader of {places} has left",
                "breaks": f"{places} raises {error}: the stream breaks off",
            }
            lines.append(sentences[what])
        return lines

    def name(self, place: int) -> str:
        """What is at a place."""
        return self.names[place] if place < len(self.names) else HANDLER

    def html(self, drawn: int = 0) -> str:
        """The picture. Its steps appear one after the other.

        Args:
            drawn: How many of them are there from the beginning.
        """
        return _Picture(self).html(drawn)


class _Picture:
    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        count = len(rings.names)
        self._band = min(78.0, (WIDTH - MARGIN - BOX[0] - EDGE * (count + 1)) / max(count, 1))
        self._height = STRIP * count + BOX[1] + EDGE * (count + 1)
        self._way_in = STRIP * count + 34
        self._way_out = STRIP * count + 62
        self._shapes: list[str] = []

    def html(self, drawn: int) -> str:
        rings = self._rings
        for number, step in enumerate(rings.steps):
            moves = f' style="{_appears(number - drawn)}"' if number >= drawn else ""
            self._shapes.append(f"<g{moves}>{self._step(step)}</g>")
        label = escape(repr(rings).replace("\n", "; "))
        news = [step for step in rings.steps if step.what not in ("in", "out")]
        last = _appears(max(0, len(rings.steps) - drawn))
        return (
            f'<div><b>{escape(rings.request)}</b></div><svg viewBox="0 0 {WIDTH} {self._height}" '
            f'style="width:100%;max-width:{WIDTH}px" class="sse-rings" role="img" aria-label="{label}" font-size="12" '
            f'font-family="system-ui,sans-serif"><style>@keyframes sse-ring{{from{{opacity:0}}}}'
            f"@media (prefers-reduced-motion:reduce){{.sse-rings g{{animation:none!important}}}}</style>"
            f"{self._boxes()}{''.join(self._shapes)}</svg>"
            f'<div style="font-size:12px;{last}">{escape(", ".join(rings.told(news)))}</div>'
        )

    def _x(self, place: int) -> float:
        return MARGIN + place * self._band

    def _boxes(self) -> str:
        parts = []
        count = len(self._rings.names)
        for place in range(count + 1):
            x, y = self._x(place), place * STRIP + 1
            right = WIDTH - 1 - EDGE * place
            bottom = self._height - 1 - EDGE * place
            color = QUIET if place < self._rings.given else OURS
            fill = 0.25 if place == count else 0.07
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{right - x:.1f}" height="{bottom - y}" rx="7" fill="{color}" '
                f'fill-opacity="{fill}" stroke="{color}"/>'
                f'<text x="{x + 7:.1f}" y="{y + 13}" fill="currentColor">{escape(self._rings.name(place))}</text>'
            )
        parts.append(
            f'<g fill="{QUIET}"><text x="2" y="{self._way_in + 4}">request</text>'
            f'<text x="2" y="{self._way_out + 4}">answer</text></g>'
        )
        return "".join(parts)

    def _step(self, step: Step) -> str:
        if step.place == len(self._rings.names):
            return self._in_handler(step)
        start, end = self._x(step.place), self._x(step.place + 1)
        middle = (start + end) / 2
        match step.what:
            case "in":
                return self._arrow(start - 14 if step.place == 0 else start, end, self._way_in, OURS)
            case "out":
                return self._leaves(step.place, end, GOOD)
            case "passes":
                return self._leaves(step.place, end, WRONG)
            case "explains":
                return (
                    self._line(f"M{end:.1f} {self._way_out}H{middle:.1f}", WRONG)
                    + self._dot(middle, self._way_out, WRONG)
                    + self._leaves(step.place, middle, GOOD)
                )
        color = WAITING if step.what == "refuses" else WRONG  # it turns back here
        top = self._way_in if step.what == "refuses" else self._way_out
        turn = f"M{start - 14 if step.place == 0 else start:.1f} {top}H{middle:.1f}V{self._way_out}"
        return (
            self._line(turn, OURS if step.what == "refuses" else color)
            + self._dot(middle, top, color)
            + self._line(f"M{middle:.1f} {top}V{self._way_out}", color)
            + self._leaves(step.place, middle, color)
        )

    def _in_handler(self, step: Step) -> str:
        start = self._x(len(self._rings.names))
        turn = start + 30
        if step.what == "in":
            return self._arrow(start, turn - 2, self._way_in, OURS)
        if step.what in ENDS:
            color = WRONG if step.what == "breaks" else QUIET
            sign = "✕" if step.what == "breaks" else "■"
            place = f'x="{turn + 8:.1f}" y="{self._way_in + 5}"'
            word = self._word(turn + 22, self._way_in + 4, step.error or step.what)
            return f'<text {place} fill="{color}" font-size="16">{sign}</text>{word}'
        color = {"refuses": WAITING, "fails": WRONG}.get(step.what, GOOD)
        word = {"refuses": "problem", "sends": "stream", "out": "done"}.get(step.what, step.error)
        return (
            self._line(f"M{turn:.1f} {self._way_in}V{self._way_out}H{start:.1f}", color)
            + self._dot(turn, self._way_in, color)
            + self._word(turn + 8, self._way_out + 4, word)
        )

    def _leaves(self, place: int, start: float, color: str) -> str:
        """On the way out through a ring. Outside of the last one stands the status."""
        end = self._x(place)
        if place:
            return self._arrow(start, end, self._way_out, color)
        status = f'<text x="{end - 14:.1f}" y="{self._way_out + 22}" text-anchor="end" font-weight="bold" '
        status += f'fill="{color}">{self._rings.status or ""}</text>'
        return self._arrow(start, end - 14, self._way_out, color) + status

    def _arrow(self, start: float, end: float, y: float, color: str) -> str:
        tail = 7 if start > end else -7
        head = f"M{end:.1f} {y}l{tail} -4v8z"
        dash = ' stroke-dasharray="5 3"' if color == WRONG else ""
        return (
            f'<path d="M{start:.1f} {y}H{end + tail:.1f}" stroke="{color}" stroke-width="2.5"{dash}/>'
            f'<path d="{head}" fill="{color}"/>'
        )

    def _line(self, path: str, color: str) -> str:
        dash = ' stroke-dasharray="5 3"' if color == WRONG else ""
        return f'<path d="{path}" stroke="{color}" stroke-width="2.5" fill="none"{dash}/>'

    def _dot(self, x: float, y: float, color: str) -> str:
        return f'<circle cx="{x:.1f}" cy="{y}" r="4.5" fill="{color}"/>'

    def _word(self, x: float, y: float, word: str) -> str:
        return f'<text x="{x:.1f}" y="{y}" fill="currentColor" font-weight="bold">{escape(word)}</text>'


def _appears(number: int) -> str:
    """As a style: a shape appears after so many others."""
    return f"animation:sse-ring .3s {number * STEP:.2f}s both"
