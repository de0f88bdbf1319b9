"""``metric`` and ``lagging``: figures of a running server."""

from __future__ import annotations

from ....web.server import Server


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
