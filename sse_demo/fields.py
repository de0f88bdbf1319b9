"""Fields of settings that check themselves: what a value may be stands in the field's metadata."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

KiB, MiB = 1024, 1024 * 1024

_Check = Callable[[str, Any], Any]  # of a name and a value: the value to keep; raises ValueError


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A group of settings. Each value is checked, and ``ValueError`` says what it may be."""

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, each.metadata["check"](each.name, getattr(self, each.name)))


def whole(default: int) -> Any:
    """A limit that counts: a whole number from 1 on, or ``math.inf`` for no limit."""
    return field(default=default, metadata={"check": _whole, "parse": int})


def seconds(default: float, *, zero: bool = False, most: float = math.inf) -> Any:
    """A time in seconds, more than zero unless ``zero`` is allowed, too; ``math.inf`` is for ever."""

    def check(name: str, value: object) -> object:
        _number(name, value, zero=zero)
        if value > most:  # type: ignore[operator]  # _number has looked
            raise ValueError(f"{name} must be {most:.0f} seconds at the most, not {value!r}")
        return value

    return field(default=default, metadata={"check": check, "parse": float})


def share(default: float) -> Any:
    """A part of something: a number from 0 to 1."""

    def check(name: str, value: object) -> object:
        _number(name, value, zero=True)
        if value > 1:  # type: ignore[operator]
            raise ValueError(f"{name} must be from 0 to 1, not {value!r}")
        return value

    return field(default=default, metadata={"check": check, "parse": float})


def switch(default: bool) -> Any:
    """``True`` or ``False``."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, not {value!r}")
        return value

    return field(default=default, metadata={"check": check, "parse": bool})


def names(what: str, legal: re.Pattern[str], one: str) -> Any:
    """A list of texts, each matched by ``legal``. ``what`` and ``one`` are how an error calls all of them, and one."""

    def check(name: str, value: object) -> tuple[str, ...]:
        items = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (None,)
        if not all(isinstance(item, str) for item in items):
            raise ValueError(f"{name} must be a list of {what}, not {value!r}")
        for item in items:
            if not legal.fullmatch(item):
                raise ValueError(f"{name}: {item!r} is not {one}")
        return items

    return field(default=(), metadata={"check": check, "parse": tuple})


def _whole(name: str, value: object) -> object:
    _number(name, value)
    if not (isinstance(value, int) or value == math.inf):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return value


def _number(name: str, value: object, *, zero: bool = False) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name} must be a number that is not negative, not {value!r}")
    if value == 0 and not zero:
        raise ValueError(f"{name} must be greater than zero")
