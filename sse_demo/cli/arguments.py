"""What several commands read from their arguments."""

from __future__ import annotations

import argparse
import contextlib
import math
import re
from typing import BinaryIO

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


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
