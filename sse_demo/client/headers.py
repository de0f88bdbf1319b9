"""What may stand in a header (RFC 9110, 5)."""

from __future__ import annotations

import re

_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_not_in_a_value = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def is_sendable(value: str) -> bool:
    """Whether a text may be the value of a header. What is not ASCII is sent as UTF-8."""
    return not _not_in_a_value.search(value)


def require_header(name: str, value: object) -> None:
    """Raise ``ValueError`` where a header cannot be sent. The error tells its name, and not its value."""
    if not _name.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    if not isinstance(value, str):
        raise ValueError(f"the header {name} is no text, but {type(value).__name__}")
    if not is_sendable(value):
        raise ValueError(f"the header {name} has a control character, such as a line end")
