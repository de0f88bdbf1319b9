"""``Buttons``: what a reader can do by hand, what came of it, and the state of what the buttons change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from ...notebook import owned_by_cell
from ..look import QUIET, STATES, WRONG
from .view import script

LOOK = 0.5  # seconds between two looks at the state
STOPPED = "Stopped. Run the cell again."


class Buttons(anywidget.AnyWidget):
    """Buttons that call functions. A line beside them says what came of the last click.

    The line also says that a click could not be done, and why; that everything was stopped; and that the kernel has
    gone. A cell that is run again stops the buttons of its last run.

    Args:
        actions: By the word on the button: the function that it calls. What the function returns is said, unless it is
            None.
        state: Gives the state of what the buttons change, one of :data:`look.STATES`. It is asked again and again, in a
            thread.

    Attributes:
        state: What ``state`` has given last.
        said: What came of the last click.
        failed: Whether it could not be done.
    """

    _esm = script("kernel.js", "buttons.js")

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    state = traitlets.Unicode("").tag(sync=True)
    color = traitlets.Unicode("transparent").tag(sync=True)
    wrong = traitlets.Unicode(WRONG).tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)
    failed = traitlets.Bool(False).tag(sync=True)
    clicks = traitlets.Int(0).tag(sync=True)  # that are done
    stopped = traitlets.Bool(False).tag(sync=True)

    @owned_by_cell
    def __init__(self, actions: Mapping[str, Callable[[], object]], state: Callable[[], str] | None = None) -> None:
        self._actions = dict(actions)
        self._ask = state or (lambda: "")
        self._lock = threading.Lock()  # JupyterLab's second line to a kernel has a thread of its own
        self._over = threading.Event()
        super().__init__(names=list(actions))
        self._look()
        self.on_msg(self._receive)
        if state is not None:
            threading.Thread(target=self._keep_looking, name="Buttons", daemon=True).start()

    def __repr__(self) -> str:
        return f"Buttons({', '.join(self.names)})"

    def click(self, name: str) -> None:
        """Do what a click on the button does."""
        with self._lock:
            if self.stopped:
                return
            try:
                result = self._actions[name]()
                said, failed = "done" if result is None else str(result), False
            except Exception as error:  # nobody would see it: it belongs to no cell
                said, failed = f"could not be done: {error or type(error).__name__}", True
            with self.hold_trait_notifications():
                self.said, self.failed = f"{name}: {said}", failed
                self._look()
            self.clicks += 1  # the last one: by then the page has the others

    def stop(self) -> None:
        """Do nothing any more, and say so."""
        self._over.set()
        with self._lock, self.hold_trait_notifications():
            self.said, self.failed, self.stopped = STOPPED, False, True

    def _receive(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        self.click(message["click"])

    def _look(self) -> None:
        state = self._ask()
        if state != self.state:
            with self.hold_trait_notifications():
                self.state, self.color = state, STATES.get(state, QUIET)

    def _keep_looking(self) -> None:
        while not self._over.wait(LOOK):
            with self._lock:
                if not self.stopped:
                    self._look()
