"""``Repeat``: a function that is called again and again, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..notebook import owned_by_cell


class Repeat:
    """Calls a function again and again, until :meth:`stop` is called or the function raises an exception.

    A cell that is run again stops the ``Repeat`` of its last run.

    Args:
        seconds: How long to wait before each call.
        action: The function.

    Attributes:
        error: The exception that the function has raised, or None.
    """

    @owned_by_cell
    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._seconds = seconds
        self._action = action
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Repeat", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"Repeat({self._seconds:g}, {getattr(self._action, '__name__', repr(self._action))})"

    def stop(self) -> None:
        """Call the function no more. A call that is running is waited for."""
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._seconds):
                self._action()
        except Exception as error:  # nobody would see it in this thread
            self.error = error
