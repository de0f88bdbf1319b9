"""Running a notebook cell again first stops what its last run started.

Without this module, the second run of ``server = serve()`` would only give the name ``server`` to a new server. The
old server would go on in its thread, and keep its port. Outside of a notebook the functions here do nothing.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Stoppable(Protocol):
    """Anything that runs on after its cell has finished, until it is stopped."""

    def stop(self) -> None: ...


Parameters = ParamSpec("Parameters")
Thing = TypeVar("Thing", bound=Stoppable)

_started: list[tuple[str, int, Stoppable]] = []  # the cell, the number of its run, what that run started


def owned_by_cell(
    init: Callable[Concatenate[Thing, Parameters], None],
) -> Callable[Concatenate[Thing, Parameters], None]:
    """Decorate the ``__init__`` of a class, so that a cell which is run again stops the objects of its last run.

    The old objects are stopped before the new one starts: the new one may then use the same port or file.

    Args:
        init: An ``__init__`` that starts something. The class has a method ``stop()``.
    """

    @functools.wraps(init)
    def owned(self: Thing, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        stop_earlier_run()
        init(self, *args, **kwargs)
        stop_on_rerun(self)

    return owned


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
    if shell is None or not hasattr(shell, "get_parent"):  # no IPython, or one in a terminal
        return None
    if threading.current_thread() is not threading.main_thread():
        return None
    # JupyterLab says which cell is running. For a front end that does not, the same text is the same cell.
    name = shell.get_parent().get("metadata", {}).get("cellId") or shell.user_ns["In"][-1]
    return name, shell.execution_count
