"""``CutSlider`` and ``CutMap``: a stream that is cut in two, and what a parser makes of it."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import anywidget
import traitlets

from ...look import GOOD, OTHER, OURS, WRONG
from ...views.view import script
from .judge import Contestant, read

NAMES = {9: "\\t", 10: "↵", 13: "␍", 32: "␣"}  # of bytes that would not be seen


class CutSlider(anywidget.AnyWidget):
    """The bytes of a stream as a strip, with a cut that can be dragged, also by the arrow keys.

    Below the strip stand the events that a parser gives when the stream comes in these two chunks, and a mark for each
    place that was tried: whether the events are the same as without a cut.

    Sliders of the same stream move together, whichever of their cells has run last.

    Args:
        stream: The bytes, some 50 at most.
        contestant: A parser, as for :func:`sse_demo.lab.score_board`.
        at: Before which byte the stream is cut at first. The other sliders of the stream move there.

    Attributes:
        at: Before which byte the stream is cut.
        tried: Of each place, from the start of the stream to its end: 1 where the cut does no harm, -1 where it does, 0
            where it was not tried.
        events: What the parser gives: a list of events, or in words how it failed.
    """

    _esm = script("kernel.js", Path(__file__).with_name("cut_slider.js"))

    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    tried = traitlets.List(traitlets.Int()).tag(sync=True)
    result = traitlets.Unicode("").tag(sync=True)  # HTML
    shown = traitlets.Int(-1).tag(sync=True)  # the place that the result is of
    _all: ClassVar[WeakSet[CutSlider]] = WeakSet()

    colors = traitlets.Dict({"first": OURS, "second": OTHER, "good": GOOD, "wrong": WRONG}).tag(sync=True)

    def __init__(self, stream: bytes, contestant: Contestant, at: int = 0) -> None:
        self.stream = stream
        self.events: list[Any] | str = []
        self._contestant = contestant
        self._whole = read(contestant, [stream])
        super().__init__(labels=[_label(byte) for byte in stream], at=at, tried=[0] * (len(stream) + 1))
        self._cut()
        self.observe(self._cut, "at")
        self._all.add(self)
        self._move_the_others()
        self.observe(self._move_the_others, "at")

    def __repr__(self) -> str:
        return f"CutSlider({len(self.stream)} bytes)"  # and not what comes of it: a reader is to find out

    @traitlets.validate("at")
    def _inside(self, proposal: dict[str, Any]) -> int:
        return max(0, min(int(proposal["value"]), len(self.stream)))

    def _cut(self, _: object = None) -> None:
        place = self.at
        self.events = read(self._contestant, [self.stream[:place], self.stream[place:]])
        harmless = self.events == self._whole
        self.tried = [*self.tried[:place], 1 if harmless else -1, *self.tried[place + 1 :]]
        self.result = self._result(harmless)
        self.shown = place

    def _move_the_others(self, _: object = None) -> None:
        for other in list(self._all):
            if other.stream == self.stream:
                other.at = self.at

    def _result(self, harmless: bool) -> str:
        color = GOOD if harmless else WRONG
        known = Counter(self._whole) if isinstance(self._whole, list) else Counter()
        chips = []
        for event in self.events if isinstance(self.events, list) else [self.events]:
            right = known[event] > 0
            known[event] -= 1
            style = f"border:2px solid {GOOD if right else WRONG};border-radius:9px;padding:0 8px;margin-right:6px"
            chips.append(f'<span style="{style};white-space:pre">{escape(_data([event])) or "<i>empty</i>"}</span>')
        said = "the same events as without a cut" if harmless else f"wrong: it must be {escape(_data(self._whole))}"
        return f'{"".join(chips) or "no event"} <b style="color:{color}">{said}</b>'


class CutMap:
    """The bytes of a stream as a strip, with a mark for each place: whether a cut there does harm to a parser.

    Args:
        stream: The bytes, some 50 at most.
        contestant: A parser, as for :func:`sse_demo.lab.score_board`.

    Attributes:
        harmless: Of each place, from the start of the stream to its end, whether a cut there does no harm.
    """

    def __init__(self, stream: bytes, contestant: Contestant) -> None:
        whole = read(contestant, [stream])
        self.stream = stream
        self.name = getattr(contestant, "__name__", "the parser")
        self.harmless = [
            read(contestant, [stream[:place], stream[place:]]) == whole for place in range(len(stream) + 1)
        ]

    @property
    def _heads(self) -> tuple[str, str]:
        places = f"{self.name}, cut in two at each of {len(self.harmless)} places"
        return places, f"{sum(self.harmless)} cuts are harmless, {self.harmless.count(False)} are not"

    def __repr__(self) -> str:
        strip = "".join(f" {_label(byte)}" for byte in self.stream)
        widths = [0, *(len(_label(byte)) + 1 for byte in self.stream)]
        marks = "".join(" " * max(0, w - 1) + "x."[good] for w, good in zip(widths, self.harmless, strict=True))
        return "\n".join([self._heads[0], strip, marks, self._heads[1]])

    def _repr_html_(self) -> str:
        count = len(self.stream)
        boxes = "".join(
            f'<span style="flex:1 1 0;min-width:0;text-align:center;line-height:30px;background:{OURS}33;'
            f'border-bottom:3px solid {OURS}">{escape(_label(byte))}</span>'
            for byte in self.stream
        )
        shapes = {
            True: f"background:{GOOD};width:8px;height:8px;border-radius:4px;margin-left:-4px",
            False: f"background:{WRONG};width:3px;height:10px;margin-left:-1px",
        }
        marks = "".join(
            f'<span style="position:absolute;top:1px;left:{100 * place / count:.2f}%;{shapes[good]}"></span>'
            for place, good in enumerate(self.harmless)
        )
        return (
            f'<div style="max-width:760px"><div>{escape(self._heads[0])}</div>'
            f'<div style="margin:4px 8px"><div style="display:flex;font:600 14px monospace">{boxes}</div>'
            f'<div style="position:relative;height:12px;margin-top:3px">{marks}</div></div>'
            f"<div><b>{self._heads[1]}</b></div></div>"
        )


def _label(byte: int) -> str:
    return NAMES.get(byte) or (chr(byte) if 32 < byte < 127 else f"{byte:02x}")


def _data(events: list[Any] | str) -> str:
    """The data of each event, which is all that there is to see in a small stream."""
    if isinstance(events, str):
        return events
    return ", ".join(str(event[1]) if isinstance(event, tuple) and len(event) == 3 else str(event) for event in events)
