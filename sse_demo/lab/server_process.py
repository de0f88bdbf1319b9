"""``ServerProcess``: a server that can be killed."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import cells

# It ends with the process that has started it, however that ends: then its standard input is closed.
SERVE = """
import os, sys, threading
from sse_demo.cli import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(["serve", *sys.argv[1:]])
"""


class ServerProcess:
    """``python -m sse_demo serve`` in a process of its own, with its events in a file and always at the same address.

    ``settings`` are those of :class:`sse_demo.Settings`. Raises ``RuntimeError`` when the server does not start.
    """

    def __init__(self, **settings: object):
        cells.stop_earlier_run()
        self._folder = tempfile.TemporaryDirectory()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        log = Path(self._folder.name, "events.db")
        self._options = ["--port", str(port), "--log", str(log)]
        for name, value in settings.items():
            self._options += ["--set", f"{name}={value}"]
        self._process: subprocess.Popen | None = None
        self.start()
        cells.stop_on_rerun(self)

    def __repr__(self) -> str:
        return f"ServerProcess({'running' if self._process else 'stopped'})"

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        if self._process is None:
            command = [sys.executable, "-c", SERVE, *self._options]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
            if not self._process.stdout.readline():
                said = self._process.stderr.read()
                self.stop()
                raise RuntimeError(f"the server does not start: {said}")

    def kill(self) -> None:
        """End it in the middle of whatever it does (SIGKILL). Its file stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                pipe.close()
            self._process = None

    def stop(self) -> None:
        """Kill it, and remove its file."""
        self.kill()
        self._folder.cleanup()
