"""``feeding_times``: how long a parser takes for an event that comes in many pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import thread_time
from typing import Protocol

PIECE = 130  # bytes
TRIES = 5  # of which the best counts


class _Fed(Protocol):
    def feed(self, chunk: bytes, /) -> object: ...


def feeding_times(parser: Callable[[], _Fed], sizes: Iterable[int]) -> list[float]:
    """Feed a new parser with one event, in pieces of 130 bytes.

    Args:
        parser: Makes one.
        sizes: How many bytes of data the event has.

    Returns:
        For each size: milliseconds of the processor, so that other programs do not matter.
    """
    return [min(_milliseconds(parser(), size) for _ in range(TRIES)) for size in sizes]


def _milliseconds(parser: _Fed, size: int) -> float:
    event = b"data: " + b"x" * size + b"\n\n"
    pieces = [event[n : n + PIECE] for n in range(0, len(event), PIECE)]
    start = thread_time()
    for piece in pieces:
        parser.feed(piece)
    return (thread_time() - start) * 1000
