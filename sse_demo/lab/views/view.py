"""``View``: HTML that a thread changes while cells run."""

from __future__ import annotations

import json
from pathlib import Path

import anywidget
import traitlets

from ..look import STATES


def script(*files: str | Path) -> str:
    """Files of JavaScript as one, in this order, after the colours of ``look.py``.

    Args:
        files: A name alone is a file of this folder.
    """
    colors = f"const STATES = {json.dumps(STATES)};"
    return "\n".join([colors, *(Path(__file__).parent.joinpath(file).read_text("utf-8") for file in files)])


class View(anywidget.AnyWidget):
    """Shows HTML, and says so when its kernel has gone.

    A thread may set :attr:`html`. Whatever comes from outside must be escaped in it.

    Attributes:
        html: What is shown.
    """

    _esm = script("kernel.js", "view.js")

    html = traitlets.Unicode("").tag(sync=True)
