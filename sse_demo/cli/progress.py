"""How far a publisher is, on stderr where that is a terminal: a bar where the end is known, else a count."""

from __future__ import annotations

import sys
import time

WIDTH = 30  # characters of the bar


class Progress:
    """Shows how many events there have been, in one line that is written again and again.

    Args:
        total: The bytes that there are to be read; ``None`` where nobody knows.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._terminal = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None
        self._start = time.monotonic()
        self._events = self._bytes = 0
        self._shown = ""

    @property
    def is_shown(self) -> bool:
        """Whether there is a terminal that shows it."""
        return self._terminal is not None

    def advance(self, events: int, size: int) -> None:
        """Tell of so many events more, which were so many bytes of the input."""
        self._events += events
        self._bytes += size
        if self._terminal is not None:
            self._shown = f"{self._line():{len(self._shown)}}"  # at least as long as the line before
            self._terminal.write(f"\r{self._shown}")
            self._terminal.flush()

    def clear(self) -> None:
        """Make room for another line. The next step shows the progress again."""
        if self._terminal is not None:
            self._terminal.write(f"\r{'':{len(self._shown)}}\r")
            self._shown = ""

    def close(self) -> None:
        """Leave the line as it is, and begin another."""
        if self._terminal is not None and self._shown:
            self._terminal.write("\n")

    def _line(self) -> str:
        rate = self._events / max(time.monotonic() - self._start, 1e-3)
        count = f"{self._events:,} published, {rate:,.0f} a second"
        if not self._total:
            return count
        part = min(self._bytes / self._total, 1)
        return f"{part:4.0%} |{'#' * int(part * WIDTH):{WIDTH}}| {count}"
