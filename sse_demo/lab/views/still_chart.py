"""``StillChart``: what was measured or computed, as a picture that stays. It is drawn by matplotlib."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

from ..look import COLORS, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 7.0  # inches
PIXELS = 672  # of a page
DOTS = 144  # an inch: sharp on fine screens

STYLE: Any = {  # matplotlib has a type of its own for the names
    "figure.facecolor": "none",  # the page shines through, light or dark
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": QUIET,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": QUIET,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "font.size": 10,
}


class StillChart:
    """A chart in the look of the course. Show it as the last value of a cell.

    Draw on :attr:`axes` as matplotlib explains. Each line has a label, and each axis a unit.

    >>> chart = StillChart("delay", x="events a second", y="ms")
    >>> _ = chart.axes.plot([1, 10, 100], [3, 3, 9], label="event stream")

    Args:
        title: What is to be seen.
        x: What the horizontal axis has, with its unit.
        y: What the vertical axis has, with its unit.
        rows: How many plots stand above each other, with one horizontal axis.
        height: Inches of one row; a chart is 7 inches wide.

    Attributes:
        title: What is to be seen.
        figure: The figure of matplotlib.
        rows: The plots, from the top.
        axes: The first of them.
    """

    def __init__(self, title: str, x: str = "", y: str = "", *, rows: int = 1, height: float = 2.8) -> None:
        self.title = title
        with matplotlib.rc_context({**STYLE, "axes.prop_cycle": cycler(color=COLORS)}):
            self.figure = Figure(figsize=(WIDTH, height * rows), dpi=DOTS, layout="constrained")
            self.rows: list[Axes] = list(self.figure.subplots(rows, sharex=True, squeeze=False)[:, 0])
            self.axes = self.rows[0]
            self.axes.set_title(title)
            self.rows[-1].set_xlabel(x)
            for row in self.rows:
                row.set_ylabel(y)

    def __repr__(self) -> str:
        return f"StillChart({self.title!r})"

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, object], dict[str, object]]:
        with matplotlib.rc_context(STYLE):  # for a legend that is drawn now
            told: set[str] = set()
            for row in self.rows:
                names = row.get_legend_handles_labels()[1]
                if not told.issuperset(names) and not row.get_legend():
                    row.legend()
                told.update(names)
            picture = io.BytesIO()
            # Without the name of the program, and so the same bytes each time.
            self.figure.savefig(picture, format="png", metadata={"Software": None})
        bundle: dict[str, object] = {
            "image/png": base64.b64encode(picture.getvalue()).decode(),
            "text/plain": repr(self),
        }
        return bundle, {"image/png": {"width": PIXELS}}
