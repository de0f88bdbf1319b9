"""``View``: HTML that a thread changes while cells run."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets


class View(anywidget.AnyWidget):
    """Shows HTML, and says so when its kernel has gone.

    A thread may set :attr:`html`. Whatever comes from outside must be escaped in it.

    Attributes:
        html: What is shown.
    """

    _esm = Path(__file__).with_name("view.js").read_text("utf-8")

    html = traitlets.Unicode("").tag(sync=True)
