"""JSON as the standard has it (RFC 8259)."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str) -> Any:
    """The value that a text stands for.

    Raises:
        ValueError: The text is no JSON, or it is nested too deeply to be read. ``NaN`` and ``Infinity``, which Python
            would take, are none (RFC 8259, 6).
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
