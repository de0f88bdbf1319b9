"""``LogLines``: what is logged in the background, for a cell that asks for it."""

from __future__ import annotations

import logging
from collections import deque

KEPT = 100  # lines


class LogLines(logging.Handler):
    """Keeps the newest lines of these loggers. None are printed any more: text from a thread lands under any cell."""

    def __init__(self, *loggers: str):
        super().__init__()
        self._lines: deque[str] = deque(maxlen=KEPT)
        for logger in map(logging.getLogger, loggers):
            logger.handlers = [self]
            logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        error = f" {record.exc_info[0].__name__}" if record.exc_info else ""
        self._lines.append(record.getMessage().splitlines()[0] + error)

    def find(self, text: str) -> list[str]:
        """The first line of each message with this text in it, and the name of its exception, where it has one."""
        return [line for line in list(self._lines) if text in line]
