"""``ServerProcess``: a server that can be killed."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Unpack

from ..notebook import owned_by_cell
from ..settings import SettingsByName

# The server ends with the process that has started it, however that process ends: its standard input is closed then.
SERVE = """
import os, sys, threading
from sse_demo.cli.main import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(["serve", *sys.argv[1:]])
"""


class ServerProcess:
    """``python -m sse_demo serve`` in a process of its own, with its events in a file and always at the same address.

    A cell that is run again stops the server of its last run.

    Args:
        settings: See :class:`sse_demo.Settings`.

    Attributes:
        url: Where the server is.

    Raises:
        RuntimeError: The server does not start. The error tells what the server has said.
    """

    @owned_by_cell
    def __init__(self, /, **settings: Unpack[SettingsByName]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._said = Path(self._folder.name, "stderr.log")
        self._port = 0  # a free port at the first start, and the same port from then on
        self._options = ["--log", str(Path(self._folder.name, "events.db"))]
        for name, value in settings.items():
            text = ",".join(value) if isinstance(value, (list, tuple)) else value
            self._options += ["--set", f"{name}={text}"]
        self._process: subprocess.Popen[str] | None = None
        try:
            self.start()
        except BaseException:  # also where the cell is interrupted meanwhile
            self.stop()
            raise

    def __repr__(self) -> str:
        return f"ServerProcess({'running' if self._process else 'stopped'})"

    @property
    def state(self) -> str:
        """``running`` or ``killed``."""
        process = self._process
        return "killed" if process is None or process.poll() is not None else "running"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the server, and wait until it accepts connections. A server that runs is left alone.

        Raises:
            RuntimeError: The server does not start, or has been stopped.
        """
        if self._process is not None and self._process.poll() is None:
            return
        if not Path(self._folder.name).exists():
            raise RuntimeError("the server has been stopped; run the cell again that has made it")
        self.kill()  # what is left of one that has ended by itself
        command = [sys.executable, "-c", SERVE, "--port", str(self._port), *self._options]
        pipe = subprocess.PIPE
        with self._said.open("w") as said:
            # In a session of its own: an interrupt of the kernel is not for the server.
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=said, text=True, start_new_session=True
            )
        try:
            assert self._process.stdout, "a pipe"
            address = re.search(r"http://127\.0\.0\.1:(\d+)", self._process.stdout.readline())
            if address is None:
                raise RuntimeError(f"the server does not start: {self._said.read_text()}")
        except BaseException:  # also where the cell is interrupted meanwhile
            self.kill()
            raise
        self._port = int(address[1])

    def kill(self) -> None:
        """End the server in the middle of whatever it does (SIGKILL). The file of its events stays."""
        process, self._process = self._process, None
        if process is not None:
            with process:  # whose pipes are closed at the end
                process.kill()

    def stop(self) -> None:
        """Kill the server, and remove the file of its events."""
        self.kill()
        self._folder.cleanup()
