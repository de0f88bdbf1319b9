"""What a notebook cell has started, an earlier run of the same cell stops first.

The variable that held a server is taken over by the new one when its cell is run again, and the old server would go
on in its thread, with its port. Outside of a notebook nothing here does anything.
"""

from __future__ import annotations

import sys
import threading
from typing import Protocol


class Stoppable(Protocol):
    def stop(self) -> None: ...


_started: list[tuple[str, int, Stoppable]] = []  # the cell, the number of its run, what it started


def stop_earlier_run() -> None:
    """Stop what earlier runs of the running cell have started."""
    cell = _running_cell()
    if cell:
        for name, run, thing in _started[:]:
            if name == cell[0] and run != cell[1]:
                _started.remove((name, run, thing))
                thing.stop()


def stop_on_rerun(thing: Stoppable) -> None:
    """Have ``thing.stop()`` called when the running cell is run again."""
    cell = _running_cell()
    if cell:
        _started.append((*cell, thing))


def _running_cell() -> tuple[str, int] | None:
    """The running cell and the number of this run, or None outside of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "get_parent") or threading.current_thread() is not threading.main_thread():
        return None
    # JupyterLab says which cell it is; where a front end does not, the same text is the same cell.
    name = shell.get_parent().get("metadata", {}).get("cellId") or shell.user_ns["In"][-1]
    return name, shell.execution_count
