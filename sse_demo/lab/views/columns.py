"""``columns``: some fields of some events, one event a line."""

from __future__ import annotations

from collections.abc import Iterable

from ...wire.event import Event


def columns(events: Iterable[Event], *fields: str) -> str:
    """A line with the names of the fields, and one for each event. A field without a value is ``-``.

    >>> print(columns([Event("tea", id="1"), Event("milk")], "event", "id", "data"))
    event    id  data
    message  1   tea
    message  -   milk

    Args:
        events: The events.
        fields: Names of attributes of an event, such as ``"data"``.
    """
    lines = [fields, *(tuple(str(getattr(event, field) or "-") for field in fields) for event in events)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
