"""``gaps``: whether numbers that were sent one after the other have all arrived."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ..wire.event import Event


def gaps(events: Iterable[Event]) -> str:
    """Count what is missing between the lowest number and the highest, what comes twice, and what comes too late.

    >>> gaps([Event("1"), Event("2"), Event("4"), Event("4")])
    '1 missing, 1 twice, 0 out of order'

    Args:
        events: Events whose data is a number.
    """
    numbers = [int(event.data) for event in list(events)]  # a list may grow meanwhile
    if not numbers:
        return "no numbers"
    different = set(numbers)
    missing = max(numbers) - min(numbers) + 1 - len(different)
    late = sum(later < earlier for earlier, later in pairwise(numbers))
    return f"{missing} missing, {len(numbers) - len(different)} twice, {late} out of order"
