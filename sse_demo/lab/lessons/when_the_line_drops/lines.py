"""What lesson 7 shows of lines that end: buttons, charts, and how long a client gets nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from ...fault_proxy import FaultProxy
from ...look import GOOD
from ...views.buttons import Buttons
from ...views.chart import LiveChart
from ..broadcast.speed import Speed

ENDS = ("cut", "reset", "half", "silence")
ON_THE_WAY = 0.1  # seconds until what has passed a proxy has arrived


class Counting(Protocol):
    """A client, such as :class:`~sse_demo.lab.LiveEvents`."""

    count: int


class Waiting(Counting, Protocol):
    """The same, where one can wait for its events."""

    def wait_for(self, n: int, timeout: float = 10) -> object: ...


class Publishing(Protocol):
    """What publishes numbers, such as :class:`~sse_demo.lab.RetryingPublisher`."""

    numbers: int
    done: int


def line_buttons(proxy: FaultProxy) -> Buttons:
    """A button for each way in which the lines of a proxy may end."""
    return Buttons({end: partial(proxy.now, end) for end in ENDS})


def speed_chart(clients: Mapping[str, Counting]) -> LiveChart:
    """How many numbers a second each client gets.

    Args:
        clients: By their names.
    """
    speeds = {name: Speed(partial(getattr, client, "count")) for name, client in clients.items()}
    return LiveChart("numbers", speeds, "a second")


def pull(proxy: FaultProxy, client: Waiting) -> float:
    """Pull the cables of a proxy, and wait for the next event of a client.

    Returns:
        How many seconds the client has been without one.
    """
    begin = time.monotonic()
    proxy.now("silence")
    time.sleep(ON_THE_WAY)
    client.wait_for(client.count + 1)
    return time.monotonic() - begin


class OrdersChart(LiveChart):
    """How many orders are published, and how many are received. It stands still until they are, and after the last one.

    Args:
        publisher: Publishes the orders.
        client: Receives them.
    """

    def __init__(self, publisher: Publishing, client: Counting) -> None:
        self._publisher = publisher
        figures = {"published": lambda: publisher.done, "received": lambda: min(client.count, publisher.numbers)}
        super().__init__("orders", figures, seconds=4, colors={"received": GOOD})

    def _sample(self) -> None:
        numbers = self._publisher.numbers
        is_over = bool(self.samples) and min(self.samples[-1][1]) >= numbers
        if numbers and not is_over:
            super()._sample()
