"""``ServerProcess``: a server that can be killed."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import notebook

# It ends with the process that has started it, however that ends: then its standard input is closed.
SERVE = """
import os, sys, threading
from sse_demo.cli.main import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(["serve", *sys.argv[1:]])
"""


class ServerProcess:
    """``python -m sse_demo serve`` in a process of its own, with its events in a file and always at the same address.

    ``settings`` are those of :class:`sse_demo.Settings`. Raises ``RuntimeError`` when the server does not start.
    """

    def __init__(self, **settings: object):
        notebook.stop_earlier_run()
        self._folder = tempfile.TemporaryDirectory()
        self._said = Path(self._folder.name, "stderr.log")
        self._port = 0  # any that is free, and that one from then on
        self._options = ["--log", str(Path(self._folder.name, "events.db"))]
        for name, value in settings.items():
            self._options += ["--set", f"{name}={value}"]
        self._process: subprocess.Popen | None = None
        self.start()
        notebook.stop_on_rerun(self)

    def __repr__(self) -> str:
        return f"ServerProcess({'running' if self._process else 'stopped'})"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        if self._process is not None:
            return
        command = [sys.executable, "-c", SERVE, "--port", str(self._port), *self._options]
        pipe = subprocess.PIPE
        with self._said.open("w") as said:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True)
        address = re.search(r"http://127\.0\.0\.1:(\d+)", self._process.stdout.readline())
        if address is None:
            said = self._said.read_text()
            self.stop()
            raise RuntimeError(f"the server does not start: {said}")
        self._port = int(address[1])

    def kill(self) -> None:
        """End it in the middle of whatever it does (SIGKILL). Its file stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def stop(self) -> None:
        """Kill it, and remove its file."""
        self.kill()
        self._folder.cleanup()
