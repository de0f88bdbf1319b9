"""What several commands read from their arguments."""

from __future__ import annotations

import argparse
import contextlib
import math


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


def header(text: str) -> tuple[str, str]:
    """``NAME:VALUE``, as the two."""
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise argparse.ArgumentTypeError(f"must be NAME:VALUE, not {text!r}")
    return name.strip(), value.strip()
