"""What the commands print: results on stdout, all that is told beside them on stderr.

What strangers have sent is shown, and never obeyed: a terminal follows control characters, and a bidirectional
override makes a reader see another text than the one that is there.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sys
from collections import deque
from typing import TextIO

# C0, DEL and C1; marks and overrides of the writing direction (Unicode, UAX 9); line and paragraph separators; and
# lone surrogates, which no encoding can carry.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
MIN_HIDDEN = 16  # characters: a shorter text may be a word that is told

_hidden: deque[str] = deque(maxlen=8)  # the secrets that were sent last
_NAMES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


class ReaderHasLeft(Exception):
    """Nobody reads our output any more, as after ``| head``. That is no failure."""


def visible(text: str) -> str:
    r"""The text with a backslash escape for each character that would be obeyed instead of shown.

    >>> print(visible("red \x1b[31m and\nback \u202e"))
    red \x1b[31m and\nback \u202e
    """
    return _CONTROLS.sub(lambda found: _escape(found[0]), text)


def visible_json(value: object) -> str:
    """The value as one line of JSON that is safe on a terminal, and that the encoding of stdout can carry."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def prepare() -> None:
    """Have stdout escape the characters that its encoding has not, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print a result on stdout, at once.

    Args:
        text: Lines whose characters are safe: see :func:`visible`.

    Raises:
        ReaderHasLeft: Nobody reads stdout any more.
        OSError: Stdout is closed, or its disk is full.
    """
    if sys.stdout is None:
        raise OSError("standard output is closed")
    try:
        print(text, flush=True)
    except OSError as error:
        _give_up(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise ReaderHasLeft from None
        raise OSError(f"standard output cannot be written: {error.strerror}") from None


def hide(secret: str) -> None:
    """Show this nowhere on stderr from now on, whoever says it: a server may repeat in an error what it was sent."""
    if len(secret) >= MIN_HIDDEN and secret not in _hidden:
        _hidden.append(secret)


def tell(text: str) -> None:
    """Tell something on stderr, in one line. Where stderr takes nothing, nobody is left to be told."""
    explain(f"sse_demo: {visible(_without_secrets(text))}")


def explain(text: str) -> None:
    """Print text of our own on stderr, as it is. Some Pythons would fail where stderr takes nothing."""
    if sys.stderr is not None:
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:
            _give_up(sys.stderr)


def log_to_stderr(*, verbose: bool) -> None:
    """Send the package's log to stderr: its warnings, and with ``verbose`` also what is going on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(message)s" if verbose else "sse_demo: %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])


class _Formatter(logging.Formatter):
    """Makes messages visible. The lines of a traceback stay lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return visible(_without_secrets(super().formatMessage(record)))

    def formatException(self, ei: logging._SysExcInfoType) -> str:
        return "\n".join(map(visible, _without_secrets(super().formatException(ei)).split("\n")))


def _without_secrets(text: str) -> str:
    for secret in _hidden:
        text = text.replace(secret, "[hidden]")
    return text


def _give_up(stream: TextIO) -> None:
    """Lead a stream that takes nothing nowhere: Python would try again at its end, and complain."""
    with contextlib.suppress(io.UnsupportedOperation):  # it is no file of the system
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _escape(character: str) -> str:
    code = ord(character)
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
