"""``SideBySide``: widgets in columns, each below its title, to be compared with each other."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import ipywidgets

COLUMN = "1 1 260px"  # as wide as the others, and below them where the page is too narrow


class SideBySide(ipywidgets.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """Widgets in columns. On a narrow page the columns stand below each other.

    Args:
        columns: The widgets, by their titles.
    """

    def __init__(self, columns: Mapping[str, ipywidgets.DOMWidget]) -> None:
        self.columns = dict(columns)
        boxes = [
            ipywidgets.VBox(
                [ipywidgets.HTML(f"<b>{escape(title)}</b>"), widget],
                layout=ipywidgets.Layout(flex=COLUMN, min_width="0", overflow="hidden"),
            )
            for title, widget in self.columns.items()
        ]
        super().__init__(boxes, layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="8px 24px"))

    def __repr__(self) -> str:
        return f"SideBySide({', '.join(f'{title!r}: {widget!r}' for title, widget in self.columns.items())})"
