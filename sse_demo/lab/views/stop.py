"""``StopButton``: the last cell of a lesson. As a button, it lets *Run All Cells* leave the live outputs alive."""

from __future__ import annotations

import ipywidgets

from ...notebook import stop_everything


class StopButton(ipywidgets.Button):
    """A button that stops everything which cells have started: servers, views, threads and processes."""

    def __init__(self) -> None:
        super().__init__(description="Stop everything", icon="stop")
        self.on_click(lambda _: self.stop())

    def __repr__(self) -> str:
        return "StopButton()"

    def stop(self) -> None:
        """Stop everything, as pressing the button does. What is started later can be stopped by pressing it again."""
        stop_everything()
        self.description = "Stopped"
