"""``Trial``: the same feed over three transports, each with a client at the end of a long cable, measured."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from statistics import median

import aiohttp
import ipywidgets
from tornado.httpclient import HTTPClientError

from ....notebook import owned_by_cell
from ...background import Background
from ...fault_proxy import Fault, FaultProxy
from ...views.chart import LiveChart
from .costs import TRANSPORT_COLORS, Costs, Figures
from .transports import DOORS, READERS, Client, Feed

CABLE = 0.02  # seconds that every byte is on its way, in each direction
PAUSE = 0.2  # seconds before a client that was told to comes back
KEPT = 1_000  # of the newest events, for figures
FEWEST = 8  # events at each rate
BUSY = 0.005  # seconds by which an event is late on a machine that is busy with something else
MOST_LATE = 0.2  # of the events, in a measurement that counts
TRIES = 4  # measurements, where the machine is busy
SHOWN = 20  # of the newest events, in the live charts
FASTEST = 200  # events a second, by hand


class Cabled(Client):
    """A client behind a cable that counts its bytes.

    Attributes:
        arrivals: Of the newest events: the delay in seconds, and the bytes that the cable had carried by then.
    """

    def __init__(self, cable: FaultProxy) -> None:
        super().__init__(cable.url)
        self.cable = cable
        self.arrivals: deque[tuple[float, int]] = deque(maxlen=KEPT)

    def take(self, event: str) -> None:
        """Note an event, and how late it is."""
        super().take(event)
        self.arrivals.append((time.perf_counter() - json.loads(event)["at"], self.cable.bytes))

    def delay_ms(self, newest: int) -> float:
        """The median delay of the newest events; 0 where there are none."""
        return 1000 * median([delay for delay, _ in self._newest(newest)] or [0])

    def bytes_each(self, newest: int) -> float:
        """The bytes for each of the newest events; 0 where there are fewer than two."""
        sizes = [size for _, size in self._newest(newest)]
        return (sizes[-1] - sizes[0]) / (len(sizes) - 1) if len(sizes) > 1 else 0.0

    def _newest(self, count: int) -> list[tuple[float, int]]:
        return list(self.arrivals)[-count:]


class Trial:
    """A feed, a server with three doors, and three clients, each behind a cable of 20 ms. All of it runs in a thread.

    A cell that is run again stops the trial of its last run.

    Attributes:
        clients: By the name of the transport.
        rate: Events a second, while :meth:`keep_publishing` goes on.
    """

    @owned_by_cell
    def __init__(self) -> None:
        self.rate = 10.0
        self._background = Background()
        self._feed = Feed()
        server = f"http://{self._background.serve(self._feed.app())}"
        cables = {name: FaultProxy(server, every=Fault(delay=CABLE)) for name in READERS}
        self.clients = {name: Cabled(cable) for name, cable in cables.items()}
        self._reading: dict[str, Future[None]] = {}
        for name in READERS:
            self._start(name, come_back=False)
        self._background.wait_until(lambda: sum(self._feed.requests.values()) == len(READERS))

    def __repr__(self) -> str:
        return f"Trial({', '.join(self.clients)})"

    def publish(self, count: int = 1, rate: float = 1_000) -> int:
        """Publish prices, and wait until they are published. Nobody waits for the clients.

        Returns:
            How often the machine was busy with something else when an event was due.
        """
        return self._background.start(self._publish(count, rate)).result()

    def keep_publishing(self) -> None:
        """Publish prices at :attr:`rate`, until :meth:`stop`."""

        async def for_ever() -> None:
            while True:
                await self._publish(1, self.rate)

        self._background.start(for_ever())

    def measure(self, rate: float, count: int) -> dict[str, Figures]:
        """Publish prices, and measure how each client gets them.

        What is measured while the machine is busy with something else tells of that, and is measured again.

        Args:
            rate: Events a second.
            count: How many.
        """
        for _ in range(TRIES):
            before = self._feed.requests.copy()
            late = self.publish(count, rate)
            self.wait_for_all()
            if late <= count * MOST_LATE:
                break
        return {
            name: Figures(
                client.delay_ms(count),
                1000 * max(delay for delay, _ in list(client.arrivals)[-count:]),
                client.bytes_each(count),
                self._feed.requests[DOORS[name].__name__] - before[DOORS[name].__name__],
            )
            for name, client in self.clients.items()
        }

    def costs(self, rates: Iterable[int], seconds: float = 1) -> Costs:
        """Measure at each of these rates.

        Args:
            rates: Events a second.
            seconds: How long each of them goes on, or longer where the events would be too few.
        """
        return Costs({rate: self.measure(rate, max(FEWEST, round(rate * seconds))) for rate in rates})

    def by_hand(self) -> ipywidgets.VBox:
        """Keep publishing, with a slider for the rate and live charts of delay and bytes."""
        self.keep_publishing()
        wide = ipywidgets.Layout(width="100%", max_width="640px")
        speed = ipywidgets.IntSlider(int(self.rate), 1, FASTEST, description="events/s", layout=wide)
        speed.observe(lambda change: setattr(self, "rate", change.new), "value")

        def of_each(read: Callable[[Cabled], float]) -> dict[str, Callable[[], float]]:
            return {name: lambda client=client: read(client) for name, client in self.clients.items()}  # type: ignore[misc]

        delay = LiveChart("delay", of_each(lambda client: client.delay_ms(SHOWN)), "ms", colors=TRANSPORT_COLORS)
        size = LiveChart("an event", of_each(lambda client: client.bytes_each(SHOWN)), "bytes", colors=TRANSPORT_COLORS)
        return ipywidgets.VBox([speed, delay, size])

    def wait_for_all(self) -> None:
        """Wait until each client has every event."""
        self._background.wait_until(lambda: not any(self.missing.values()))

    def cut(self) -> None:
        """Cut all cables, and wait until the clients know."""
        for client in self.clients.values():
            client.cable.down()

    def mend(self) -> None:
        """Let the cables carry again."""
        for client in self.clients.values():
            client.cable.up()

    def wait_for(self, name: str) -> None:
        """Wait until the client of this transport has every event."""
        self._background.wait_until(lambda: not self.missing[name])

    @property
    def missing(self) -> Mapping[str, int]:
        """How many events each client has not got."""
        return {name: len(self._feed.events) - len(client.received) for name, client in self.clients.items()}

    @property
    def ended(self) -> Mapping[str, bool]:
        """Whether the client of each transport has given up."""
        return {name: reading.done() for name, reading in self._reading.items()}

    def come_back(self, *names: str) -> None:
        """Have these clients try again from now on, with their cursor, whenever their connection is lost."""
        for name in names:
            self._start(name, come_back=True)

    def table(self) -> str:
        """Of each client: whether it has ended, how many events it misses, and how many came twice or out of order."""
        lines = ["client         has ended   misses   twice or out of order"]
        for name, misses in self.missing.items():
            ended = "yes" if self.ended[name] else "no"
            wrong = sum(a != b for a, b in zip(self.clients[name].received, self._feed.events, strict=False))
            lines.append(f"{name:15}{ended:12}{max(misses, 0):<9}{wrong + max(-misses, 0)}")
        return "\n".join(lines)

    def stop(self) -> None:
        """Stop everything: the cables first, so that nobody waits for an answer to a farewell."""
        for reading in self._reading.values():
            reading.cancel()
        for client in self.clients.values():
            client.cable.stop()
        self._background.stop()

    def _start(self, name: str, *, come_back: bool) -> None:
        if name in self._reading:
            self._reading[name].cancel()
        self._reading[name] = self._background.start(self._read(name, come_back))

    async def _read(self, name: str, come_back: bool) -> None:
        if not come_back:
            await READERS[name](self.clients[name])
            return
        while True:
            with suppress(OSError, aiohttp.ClientError, HTTPClientError):
                await READERS[name](self.clients[name])
            await asyncio.sleep(PAUSE)

    async def _publish(self, count: int, rate: float) -> int:
        """Returns how often the machine was busy with something else when the next event was due."""
        late = 0
        for _ in range(count):
            price = f"{random.uniform(180, 190):.2f}"
            now = time.perf_counter()
            self._feed.publish(json.dumps({"price": price, "at": now}))
            await asyncio.sleep(1 / rate)
            late += time.perf_counter() - now > 1 / rate + BUSY
        return late
