"""``gaps``: whether numbers that were sent have all arrived, once and in order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ..wire.event import Event


def gaps(received: Iterable[Event | int], sent: Iterable[int] | None = None) -> str:
    """Count which numbers are missing, which have come twice, and which have come after a larger one.

    >>> gaps([Event("1"), Event("2"), Event("4"), Event("4")])
    '1 missing, 1 twice, 0 out of order'
    >>> gaps([1, 2, 4, 4], range(10))
    '7 missing, 1 twice, 0 out of order'

    Args:
        received: The numbers as they have come, or events whose data is a number.
        sent: The numbers that were sent; by default all from the lowest that has come to the highest.
    """
    came = list(received)  # a list may grow meanwhile
    numbers = [int(one.data) if isinstance(one, Event) else one for one in came]
    if sent is None:
        if not numbers:
            return "no numbers"
        sent = range(min(numbers), max(numbers) + 1)
    wanted, different = set(sent), set(numbers)
    late = sum(later < earlier for earlier, later in pairwise(numbers))
    twice = len(numbers) - len(different)
    said = f"{len(wanted - different)} missing, {twice} twice, {late} out of order"
    strange = len(different - wanted)
    return said + (f", {strange} that nobody has sent" if strange else "")
