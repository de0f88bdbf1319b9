"""The last cell of a lesson: a button, so that *Run All Cells* leaves the live outputs alive."""

from __future__ import annotations

import ipywidgets

from ..notebook import Stoppable


class StopButton(ipywidgets.Button):
    """Stops, when it is pressed, all that it was given, in that order."""

    def __init__(self, *things: Stoppable):
        super().__init__(description="Stop everything", icon="stop")
        self._things = things
        self.on_click(lambda _: self.stop())

    def __repr__(self) -> str:
        return f"StopButton({', '.join(type(thing).__name__ for thing in self._things)})"

    def stop(self) -> None:
        for thing in self._things:
            thing.stop()
        self.description = "Stopped"
        self.disabled = True
