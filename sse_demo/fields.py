"""Fields of settings that check themselves.

The metadata of a field has two functions, each of the setting's name and a value: ``check`` returns the value that is
kept, ``parse`` reads a value from a text of the command line. Both raise ``ValueError``, which says what it may be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

KiB, MiB = 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A group of settings. Each value is checked when the group is made.

    Raises:
        ValueError: A value is none that the setting may have; the error says what it may be.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, each.metadata["check"](each.name, getattr(self, each.name)))


def whole(default: int) -> Any:
    """A limit that counts: a whole number from 1 on, or ``math.inf`` for no limit."""
    return field(default=default, metadata={"check": _whole, "parse": _parse_whole})


def seconds(default: float, *, zero: bool = False, most: float = math.inf) -> Any:
    """A time in seconds.

    Args:
        default: Unless another is given.
        zero: Whether the time may be zero.
        most: The longest time. ``math.inf`` is for ever.
    """

    def check(name: str, value: object) -> float:
        number = _number(name, value, zero=zero)
        if number > most:
            raise ValueError(f"{name} must be {most:.0f} seconds at the most, not {value!r}")
        return number

    return field(default=default, metadata={"check": check, "parse": _parse_number})


def share(default: float) -> Any:
    """A part of something: a number from 0 to 1."""

    def check(name: str, value: object) -> float:
        number = _number(name, value, zero=True)
        if number > 1:
            raise ValueError(f"{name} must be from 0 to 1, not {value!r}")
        return number

    return field(default=default, metadata={"check": check, "parse": _parse_number})


def switch(default: bool) -> Any:
    """``True`` or ``False``."""

    def check(name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, not {value!r}")
        return value

    return field(default=default, metadata={"check": check, "parse": _parse_switch})


def text(default: str, legal: Callable[[str], object], one: str) -> Any:
    """A text.

    Args:
        default: Unless another is given.
        legal: Says of a text whether it may be the value.
        one: How an error calls what it may be, such as "the name of an event".
    """

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or not legal(value):
            raise ValueError(f"{name} must be {one}, not {value!r}")
        return value

    return field(default=default, metadata={"check": check, "parse": check})


def names(what: str, legal: Callable[[str], object], one: str) -> Any:
    """A list of texts.

    Args:
        what: How an error calls all of them, such as "topic names".
        legal: Says of a text whether it may be one of them.
        one: How an error calls one of them, such as "a topic name".
    """

    def check(name: str, value: object) -> tuple[str, ...]:
        items = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (None,)
        if not all(isinstance(item, str) for item in items):
            raise ValueError(f"{name} must be a list of {what}, not {value!r}")
        for item in items:
            if not legal(item):
                raise ValueError(f"{name}: {item!r} is not {one}")
        return items

    return field(default=(), metadata={"check": check, "parse": _parse_names})


def _whole(name: str, value: object) -> float:
    number = _number(name, value)
    if not (isinstance(number, int) or number == math.inf):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return number


def _number(name: str, value: object, *, zero: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name} must be a number that is not negative, not {value!r}")
    if value == 0 and not zero:
        raise ValueError(f"{name} must be greater than zero")
    return value


def _parse_whole(name: str, text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return _parse_number(name, text)


def _parse_number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}") from None


def _parse_switch(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{name} must be true or false, not {text!r}")
    return text == "true"


def _parse_names(name: str, text: str) -> tuple[str, ...]:
    return tuple(text.split(","))
