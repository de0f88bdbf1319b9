"""What several commands read from their arguments."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import stat
from collections.abc import Iterator
from typing import BinaryIO

from ..hub.topics import TOPIC_PATTERN
from . import output

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LIFETIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}  # in seconds


class WrongCall(Exception):
    """A call that cannot be meant as it is. The text says how to go on, and the exit status is 2."""


def count(text: str) -> int:
    """A whole number from 1 on."""
    with contextlib.suppress(ValueError):
        if (number := int(text)) >= 1:
            return number
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")


def seconds(text: str) -> float:
    """A number of seconds that is not negative."""
    with contextlib.suppress(ValueError):
        if 0 <= (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"must be a number of seconds that is not negative, not {text!r}")


def duration(text: str) -> float:
    """A number of seconds that is greater than zero."""
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"must be a number of seconds greater than zero, not {text!r}")


def lifetime(text: str) -> float:
    """A time such as ``90s``, ``15m``, ``1h`` or ``7d``, in seconds. A number alone is one of seconds."""
    found = _LIFETIME.fullmatch(text)
    if found and 0 < (seconds := float(found[1]) * _UNITS[found[2]]) < math.inf:
        return seconds
    raise argparse.ArgumentTypeError(f"must be a time greater than zero, such as 90s, 15m, 1h or 7d, not {text!r}")


def topics(text: str) -> list[str]:
    """Names and patterns of topics, with commas between them."""
    names = text.split(",")
    if not all(map(TOPIC_PATTERN.fullmatch, names)):
        raise argparse.ArgumentTypeError(f"must be a topic, or a pattern such as 'prices/*', not {text!r}")
    return names


def host(text: str) -> str:
    """An address of this machine, or a name of one. Python would take an empty text for all addresses."""
    with contextlib.suppress(UnicodeError):
        if text.encode("idna"):
            return text
    raise argparse.ArgumentTypeError(f"must be an address or a name of this machine, not {text!r}")


def method(text: str) -> str:
    """The method of a request (RFC 9110, 9.1), in capitals."""
    if not _TOKEN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"must be a method, such as GET or POST, not {text!r}")
    return text.upper()


def header(text: str) -> tuple[str, str]:
    """``NAME:VALUE``, as the two."""
    name, colon, value = text.partition(":")
    if not (_TOKEN.fullmatch(name.strip()) and colon):
        beginning = re.split("[^:!#$%&'*+.^_`|~0-9A-Za-z-]", text, maxsplit=1)[0]  # the rest may be a secret
        beginning += "..." if len(beginning) < len(text) else ""
        raise argparse.ArgumentTypeError(f"must be NAME:VALUE, not {beginning!r}")
    return name.strip(), value.strip()


def read_file(path: str, most: int) -> bytes:
    """The bytes of a file.

    Args:
        path: The file.
        most: The bytes that it may have.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is larger.
    """
    with open(path, "rb") as file:
        return read_all(file, path, most)


def read_all(file: BinaryIO, name: str, most: int) -> bytes:
    """All that a file still has. Arguments and errors as for :func:`read_file`."""
    data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} has more than {most:,} bytes")
    return data


@contextlib.contextmanager
def wrong_call() -> Iterator[None]:
    """Take what cannot be used in this block for a :class:`WrongCall`."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise WrongCall(in_words(error)) from None


def in_words(error: Exception) -> str:
    """What an error says, without the system's number for it."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)!r}: {error.strerror}"
    return str(error)


def tell_if_open(path: str, what: str) -> None:
    """Warn of a secret in a file that everybody on this machine may read.

    Args:
        path: The file.
        what: The secret, such as ``"the token"``.
    """
    if os.name == "posix" and os.path.isfile(path) and os.stat(path).st_mode & stat.S_IROTH:
        output.tell(f"everybody on this machine may read {what} in {path}; chmod 600 would change that")
