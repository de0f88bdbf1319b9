"""``tally``: whether numbers that were sent have all arrived, once and in order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise


def tally(received: Iterable[int], sent: Iterable[int]) -> str:
    """Say how many of the numbers have come, how many are missing or have come twice, and whether they are in order.

    >>> tally([0, 1, 1, 4], range(5))
    '3 of 5 received, 2 missing, 1 twice, in order'

    Args:
        received: The numbers, as they have come.
        sent: The numbers that were sent, each once.
    """
    wanted = set(sent)
    all_of_them = list(received)
    ours = [number for number in all_of_them if number in wanted]
    strange = len(all_of_them) - len(ours)
    came = set(ours)
    order = "in order" if all(one <= other for one, other in pairwise(ours)) else "out of order"
    said = (
        f"{len(came)} of {len(wanted)} received, {len(wanted - came)} missing, {len(ours) - len(came)} twice, {order}"
    )
    return said + (f", {strange} that nobody has sent" if strange else "")
