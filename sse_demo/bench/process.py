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
TRIES = 3  # ports, since another program may be faster
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
    with contextlib.ExitStack() as at_the_end:
        cores = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else []
        if cores:
            at_the_end.callback(psutil.Process().cpu_affinity, cores)
        for more_tries in reversed(range(TRIES)):
            if cores:
                psutil.Process().cpu_affinity(cores[:1])  # which the child inherits
            try:
                process, port = at_the_end.enter_context(_on_a_free_port(target))
                break
            except RuntimeError:
                if not more_tries:
                    raise
        if cores:
            psutil.Process().cpu_affinity(cores[-1:])
        yield process, port


@contextlib.contextmanager
def _on_a_free_port(target: Target) -> Iterator[tuple[psutil.Process, int]]:
    """Start the server. Somebody else may take the port before the server does: then it does not start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with contextlib.ExitStack() as at_the_end:
        errors = at_the_end.enter_context(tempfile.TemporaryFile())
        child = at_the_end.enter_context(
            subprocess.Popen(target.command(port), stdout=subprocess.DEVNULL, stderr=errors)
        )
        at_the_end.callback(_terminate, child)
        process = psutil.Process(child.pid)
        deadline = time.monotonic() + START_WITHIN
        while not _listens(process, port):
            if child.poll() is not None or time.monotonic() > deadline:
                errors.seek(0)
                said = errors.read()[-1000:].decode(errors="replace")
                raise RuntimeError(f"{target.name} does not start: {' '.join(target.command(port))}\n{said}")
            time.sleep(0.02)
        yield process, port


def _listens(process: psutil.Process, port: int) -> bool:
    """Whether this very process, or a child of it, accepts connections there."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it has ended
        return any(
            one.status == psutil.CONN_LISTEN and one.laddr.port == port
            for each in [process, *process.children(recursive=True)]
            for one in each.net_connections("tcp")
        )
    return False


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
