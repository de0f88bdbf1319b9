"""``metric``, ``lagging`` and ``wait_for_subscribers``: figures of a running server."""

from __future__ import annotations

import time

from ....web.server import Server

PAUSE = 0.01  # seconds between two looks


def metric(server: Server, name: str) -> int:
    """What the server's ``/metrics`` says under this name, now.

    Args:
        server: It runs in this process.
        name: A counter or a gauge without labels, such as ``"sse_published_total"``.

    Raises:
        KeyError: There is no such figure.
    """
    value = server.hub.metrics.registry.get_sample_value(name)
    if value is None:
        raise KeyError(f"the server counts no {name}")
    return int(value)


def lagging(server: Server) -> int:
    """How many subscribers of the server lag, now."""
    return metric(server, "sse_lagging_subscribers")


def wait_for_subscribers(server: Server, count: int, timeout: float = 10) -> None:
    """Wait until a server has so many subscribers, or more.

    Raises:
        TimeoutError: It has fewer, and the time is over.
    """
    deadline = time.monotonic() + timeout
    while server.hub.subscribers < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{server.hub.subscribers} of {count} subscribers have come within {timeout:g} s")
        time.sleep(PAUSE)
