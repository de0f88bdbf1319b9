"""``StopButton``: the last cell of a lesson. As a button, it lets *Run All Cells* leave the live outputs alive."""

from __future__ import annotations

import ipywidgets

from ..notebook import Stoppable


class StopButton(ipywidgets.Button):
    """A button that stops everything which still runs.

    Args:
        things: What is stopped when the button is pressed, in this order.
    """

    def __init__(self, *things: Stoppable) -> None:
        super().__init__(description="Stop everything", icon="stop")
        self._things = things
        self.on_click(lambda _: self.stop())

    def __repr__(self) -> str:
        return f"StopButton({', '.join(type(thing).__name__ for thing in self._things)})"

    def stop(self) -> None:
        """Stop everything, as pressing the button does."""
        for thing in self._things:
            thing.stop()
        self.description = "Stopped"
        self.disabled = True
