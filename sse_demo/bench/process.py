"""A server under test, as a process: started on a core of its own, measured, and stopped."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

START_WITHIN = 20.0  # seconds for a server to accept connections
STOP_WITHIN = 10.0  # seconds for it to end, before it is killed


@dataclass(frozen=True)
class Target:
    """A server to be measured.

    Attributes:
        name: What the tables call it.
        command: Takes a port, and returns the command that starts the server there.
        subscribe: The path and query of its event stream.
        publish: The path and query that an event is posted to.
    """

    name: str
    command: Callable[[int], list[str]]
    subscribe: str
    publish: str


@contextlib.contextmanager
def started(target: Target) -> Iterator[tuple[psutil.Process, int]]:
    """Start a server, and terminate it at the end of the ``with`` block.

    Where the system lets a process choose its core, the server gets the first one, and this process the last one.

    Args:
        target: The server.

    Yields:
        Its process, and the port on which it accepts connections.

    Raises:
        RuntimeError: The server does not start. The error tells what the server has said.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with contextlib.ExitStack() as at_the_end:
        errors = at_the_end.enter_context(tempfile.TemporaryFile())
        cores = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else []
        if cores:
            at_the_end.callback(psutil.Process().cpu_affinity, cores)
            psutil.Process().cpu_affinity(cores[:1])  # which the child inherits
        process = at_the_end.enter_context(
            subprocess.Popen(target.command(port), stdout=subprocess.DEVNULL, stderr=errors)
        )
        at_the_end.callback(_terminate, process)
        if cores:
            psutil.Process().cpu_affinity(cores[-1:])
        deadline = time.monotonic() + START_WITHIN
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                errors.seek(0)
                said = errors.read()[-1000:].decode(errors="replace")
                raise RuntimeError(f"{target.name} does not start: {' '.join(target.command(port))}\n{said}")
            time.sleep(0.02)
        yield psutil.Process(process.pid), port


def _terminate(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()


def cpu_time(process: psutil.Process) -> float:
    """The CPU time of a process and its children, in seconds."""
    return sum(_cpu_time(one) for one in [process, *process.children(recursive=True)])


def _cpu_time(process: psutil.Process) -> float:
    if sys.platform == "linux":  # the clock of a process, in nanoseconds: psutil has hundredths of a second
        return time.clock_gettime(~process.pid << 3 | 2)
    return sum(process.cpu_times()[:2])


def resident_memory(process: psutil.Process) -> int:
    """The resident memory of a process and its children, in bytes."""
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])
