"""Is a text JSON (RFC 8259)? The answer comes piece by piece, so that an event loop goes on in between.

``json.loads`` reads a whole text in one piece. A thread of its own would not help: the reader holds Python's global
lock from the first character to the last, and the values that it makes keep the garbage collector busy, for up to 0.4
seconds for 1 MiB. Here nothing is made of the text.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

# Arrays and objects in one another, and a short one without others inside them. A reader that calls itself for each
# level, as that of Python does, reads about twice as deep.
MAX_DEPTH = 500
PIECE = 0.001  # seconds of work between two turns of the event loop

_SPACE = r"[ \t\n\r]*+"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_SCALAR = rf"(?:{_STRING}|{_NUMBER}|true|false|null){_SPACE}"
_NAME = rf"{_STRING}{_SPACE}:{_SPACE}"


def _run(one: str, most: int) -> str:
    """The pattern of up to so many of these, each with the comma after it."""
    return rf"(?:{one},{_SPACE}){{0,{most}}}+"


# Small enough to be read in one step: a scalar, or a short array or object of scalars.
_ARRAY = rf"\[{_SPACE}(?:{_run(_SCALAR, 20)}{_SCALAR})?+\]{_SPACE}"
_OBJECT = rf"\{{{_SPACE}(?:{_run(_NAME + _SCALAR, 20)}{_NAME}{_SCALAR})?+\}}{_SPACE}"
_SMALL = rf"(?:{_SCALAR}|{_ARRAY}|{_OBJECT})"

_space = re.compile(_SPACE)
_name = re.compile(_NAME)
_small = re.compile(_SMALL)
# By the bracket that ends it: what a long array or object has most of.
_many = {"]": re.compile(_run(_SMALL, 200)), "}": re.compile(_run(_NAME + _SMALL, 200))}


async def check_json(text: str) -> None:
    """Check that a text is one JSON value.

    Raises:
        ValueError: The text is none. The error says what was expected, and where.
    """
    pause = time.perf_counter() + PIECE
    for _ in _steps(text):
        if time.perf_counter() > pause:
            await asyncio.sleep(0)
            pause = time.perf_counter() + PIECE


def _steps(text: str) -> Iterator[None]:
    """Reads the text step by step. Raises ``ValueError`` at what is no JSON."""
    closing: list[str] = []  # the brackets that are due, the outermost first
    position = _skip(_space, text, 0)
    while True:
        if closing:
            position = _skip(_many[closing[-1]], text, position)
            if closing[-1] == "}":
                position = _skip(_name, text, position, "a name in quotes and a colon")
        bracket = text[position : position + 1]
        if small := _small.match(text, position):
            position = small.end()
            while closing and text.startswith(closing[-1], position):
                closing.pop()
                position = _skip(_space, text, position + 1)
            if not closing:
                break
            if not text.startswith(",", position):
                raise _unexpected(text, position, f"a comma or {closing[-1]}")
        elif bracket and bracket in "[{":
            if len(closing) == MAX_DEPTH:
                raise ValueError(f"JSON is nested more than {MAX_DEPTH} deep at character {position + 1}")
            closing.append("]" if bracket == "[" else "}")
        else:
            raise _unexpected(text, position, "a value")
        position = _skip(_space, text, position + 1)
        yield
    if position < len(text):
        raise _unexpected(text, position, "the end")


def _skip(pattern: re.Pattern[str], text: str, position: int, expected: str = "") -> int:
    """The position after what the pattern matches."""
    found = pattern.match(text, position)
    if found is None:
        raise _unexpected(text, position, expected)
    return found.end()


def _unexpected(text: str, position: int, expected: str) -> ValueError:
    found = repr(text[position : position + 20]) if position < len(text) else "the end"
    return ValueError(f"JSON has {expected} at character {position + 1}, not {found}")
