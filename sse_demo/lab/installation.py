"""``check_installation``: the first cell of the course, which shows whether everything works here."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

from .. import listen, serve
from .views.report import Report

PARTS = {
    "jupyterlab": "the place where you read this",
    "ipywidgets": "live outputs",
    "anywidget": "what the browser itself reads",
    "jupyter-server-proxy": "the way there, where JupyterLab is on another machine",
    "tornado": "the server",
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
        report.expect(f"{package}: {purpose}", True, _installed, package)
    report.expect("a server started, streamed three messages, and stopped", ["0", "1", "2"], _three_messages)
    return report


def _installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        raise RuntimeError(f"{package} is not installed here; run: pip install -r requirements.txt") from None


def _three_messages() -> list[str | None]:
    with serve() as server, listen(f"{server.url}/stream?count=3&interval=0") as events:
        return [next(events).id for _ in range(3)]
