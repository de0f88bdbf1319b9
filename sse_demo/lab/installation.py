"""``check_installation``: shows whether everything of the course works here.

What it looks for may be missing. So this module imports none of it before it has looked.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from .views.report import Report

PARTS = {
    "jupyterlab": "the place where you read this",
    "ipywidgets": "live outputs",
    "anywidget": "what the browser itself reads",
    "jupyter-server-proxy": "the way there, where JupyterLab is on another machine",
    "matplotlib": "charts",
    "tornado": "the server",
    "prometheus-client": "figures of the server",
    "aiohttp": "the client",
    "psutil": "this machine as a live source",
    "httpx-sse": "parsers to compare with",
}


def check_installation() -> Report:
    """Look for each part of the course, and stream three messages from a real server to a real client."""
    report = Report("your installation")
    this = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info >= (3, 11)
    report.add(new_enough, "Python 3.11 or newer", "" if new_enough else f"this is {this}")
    for package, purpose in PARTS.items():
        there = _is_installed(package)
        report.add(there, f"{package}: {purpose}", "" if there else "run: pip install -r requirements.txt")
    what = "a server started, streamed three messages, and stopped"
    if report.passed:
        report.expect(what, ["0", "1", "2"], _three_messages)
    else:
        report.add(False, what, "not tried as long as something is missing")
    return report


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _three_messages() -> list[str | None]:
    from .. import listen, serve

    with serve() as server, listen(f"{server.url}/stream?count=3&interval=0") as events:
        return [next(events).id for _ in range(3)]
