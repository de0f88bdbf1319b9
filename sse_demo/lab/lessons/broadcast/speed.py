"""``Speed``: how fast a number grows that only grows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Speed:
    """Called now and then, it returns by how much a number has grown in the last second. For a :class:`LiveChart`.

    Args:
        read: Returns the number.
        seconds: Over how long.
    """

    def __init__(self, read: Callable[[], float], seconds: float = 1.0) -> None:
        self._read = read
        self._seconds = seconds
        self._samples: deque[tuple[float, float]] = deque()

    def __call__(self) -> float:
        now = time.monotonic()
        self._samples.append((now, self._read()))
        while len(self._samples) > 2 and now - self._samples[1][0] >= self._seconds:
            self._samples.popleft()
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        return round((last - first) / (end - start), 1) if end > start else 0.0
