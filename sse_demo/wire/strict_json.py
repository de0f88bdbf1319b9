"""JSON as the standard has it (RFC 8259)."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str, *, unique: bool = False) -> Any:
    """The value that a text stands for.

    Args:
        text: The JSON.
        unique: Whether an object that has a member twice is an error. Readers differ in which of both counts
            (RFC 8259, 4).

    Raises:
        ValueError: The text is no JSON, or it is nested too deeply to be read. ``NaN`` and ``Infinity``, which Python
            would take, are none (RFC 8259, 6).
    """
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique if unique else None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("an object has a member twice")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
