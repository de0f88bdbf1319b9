"""``LogLines``: the lines that were logged in the background, for a cell that asks for them."""

from __future__ import annotations

import logging
from collections import deque

KEPT = 100  # lines


class LogLines(logging.Handler):
    """Keeps the newest lines of some loggers.

    The loggers print nothing any more. A text that a thread prints would appear below any cell.

    Args:
        loggers: Their names.
    """

    def __init__(self, *loggers: str) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=KEPT)
        for logger in map(logging.getLogger, loggers):
            logger.handlers = [self]
            logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of a message. The logger calls this method."""
        kind = record.exc_info[0] if record.exc_info else None
        error = f" {kind.__name__}" if kind else ""
        self._lines.append(record.getMessage().splitlines()[0] + error)

    def find(self, text: str) -> list[str]:
        """The lines that contain a text.

        Args:
            text: Upper and lower case differ.

        Returns:
            The first line of each message, followed by the name of its exception where it has one.
        """
        return [line for line in list(self._lines) if text in line]

    def newest(self, *texts: str) -> list[str]:
        """For each text, the newest of the lines that :meth:`find` finds, where there is one."""
        return [line for text in texts for line in self.find(text)[-1:]]
