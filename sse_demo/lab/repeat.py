"""``Repeat``: something that is done again and again, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .. import notebook


class Repeat:
    """Calls ``action`` every ``seconds``, until :meth:`stop`, or until it raises: the error is kept in ``error``.

    A cell that is run again stops what it had made repeat before.
    """

    def __init__(self, seconds: float, action: Callable[[], object]):
        notebook.stop_earlier_run()
        self.error: Exception | None = None
        self._seconds = seconds
        self._action = action
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Repeat", daemon=True)
        self._thread.start()
        notebook.stop_on_rerun(self)

    def __repr__(self) -> str:
        return f"Repeat({self._seconds:g}, {self._action.__name__})"

    def stop(self) -> None:
        """Do it no more. Returns when the last one is done."""
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._seconds):
                self._action()
        except Exception as error:  # nobody would see it in this thread
            self.error = error
