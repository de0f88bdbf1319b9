"""``behind_chart``: how far the readers of a server are behind what has been published."""

from __future__ import annotations

import math
from functools import partial

from ....web.server import Server
from ...look import OURS, WAITING
from ...views.chart import LiveChart
from .server_figures import metric
from .slow import SlowReader


def behind_chart(server: Server, **readers: SlowReader) -> LiveChart:
    """A line for each reader: how many of the published events it has not read yet.

    Args:
        server: Where they read. All that it publishes is for them.
        readers: By the names that the lines get.
    """
    lines = {name: partial(_behind, server, reader) for name, reader in readers.items()}
    colors = {name: OURS if reader.speed == math.inf else WAITING for name, reader in readers.items()}
    return LiveChart("how far behind", lines, "events", colors=colors)


def _behind(server: Server, reader: SlowReader) -> int:
    return metric(server, "sse_published_total") - reader.count
