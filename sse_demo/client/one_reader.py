"""A guard for what only one task or thread may do at a time."""

from __future__ import annotations

import threading


class OneReader:
    """Refuses a second reader, whatever thread or task it is in, and lets the first go on.

    >>> guard = OneReader()
    >>> with guard:
    ...     "reading"
    'reading'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(
                "another task or thread waits for the next event of this stream already; each needs a stream of its own"
            )

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()
