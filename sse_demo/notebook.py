"""What is different in a notebook: a cell may run again, and the browser may be on another machine.

Running a cell again first stops what its last run started. Else the second run of ``server = serve()`` would only give
the name ``server`` to a new server. The old server would go on in its thread, and keep its port. Outside of a notebook
nothing is stopped.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

# Variables of an environment whose ports a browser reaches by the address of that environment: JupyterHub (and Binder),
# code-server, GitHub Codespaces, Google Colab.
_REMOTE = ("JUPYTERHUB_SERVICE_PREFIX", "VSCODE_PROXY_URI", "CODESPACES", "COLAB_RELEASE_TAG")
_LOCAL = ("localhost", "127.0.0.1", "::1")


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


def stop_everything() -> None:
    """Stop whatever cells have started and nobody has replaced, the newest first."""
    while _started:
        _, _, thing = _started.pop()
        thing.stop()


def is_in_cell() -> bool:
    """Whether a cell of a notebook is running, in this thread."""
    return _running_cell() is not None


def browser_is_elsewhere(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser reaches the ports of this machine by the address of a notebook server, which is no local one.

    So it is on JupyterHub, and wherever else JupyterLab has an address or a base URL of its own, as in a container:
    there jupyter-server-proxy asks a server for the name that JupyterLab has in the browser. The processes that a
    kernel or a terminal of JupyterLab starts are told the same.
    """
    if any(name in environment for name in _REMOTE):
        return True
    url = environment.get("JUPYTER_SERVER_URL") or _url_of_jupyter_server(environment.get("JPY_PARENT_PID", ""))
    parts = urlsplit(url)
    return bool(url) and (parts.hostname not in _LOCAL or parts.path not in ("", "/"))


def _url_of_jupyter_server(pid: str) -> str:
    """The address of the Jupyter Server that has started this kernel, ``""`` where there is none."""
    if not pid.isdecimal():
        return ""
    try:
        from jupyter_core.paths import jupyter_runtime_dir  # it is there wherever a kernel is

        server = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{pid}.json").read_text("utf-8"))
        host = server["hostname"]
        return f"http://{f'[{host}]' if ':' in host else host}{server['base_url']}"
    except (ImportError, OSError, ValueError, KeyError, TypeError):  # another kind of parent
        return ""


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
