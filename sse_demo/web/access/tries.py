"""Failed tries, counted for each address: whoever guesses is kept waiting."""

from __future__ import annotations

import time
from collections import OrderedDict

REMEMBERED = 10_000  # addresses


class Tries:
    """How often each address has failed within a minute. For the event loop's thread.

    Args:
        most: How often an address may fail within ``window``.
        window: Seconds.
    """

    def __init__(self, most: float, window: float = 60.0) -> None:
        self._most, self._window = most, window
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, and since when

    def failed(self, address: str) -> None:
        """One more from this address."""
        count, since = self._recent(address)
        self._failed[address] = count + 1, since
        self._failed.move_to_end(address)
        if len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)

    def wait(self, address: str) -> float:
        """Seconds that this address is to wait before it tries again; 0 where it need not."""
        count, since = self._recent(address)
        return since + self._window - time.monotonic() if count >= self._most else 0.0

    def _recent(self, address: str) -> tuple[int, float]:
        now = time.monotonic()
        count, since = self._failed.get(address, (0, now))
        return (0, now) if now - since >= self._window else (count, since)
