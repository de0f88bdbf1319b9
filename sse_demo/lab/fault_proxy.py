"""``FaultProxy``: a bad network between a client and a server, on one machine and on demand."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ..notebook import owned_by_cell
from .loop_thread import LoopThread

READ_SIZE = 65_536  # bytes
HELD = 64  # pieces that are on the way at most, where there is a delay
TICK = 0.02  # seconds between two writes on a line that is slowed down
ENDS = ("cut", "reset", "silence", "half", "corrupt")


@dataclass(frozen=True)
class Fault:
    """What happens to one connection.

    Attributes:
        end: ``cut`` closes both sides in order. ``reset`` breaks them off (RST). ``silence`` lets nothing pass any more
            and keeps both sides open, as a pulled cable does. ``half`` closes only the way to the client: the client
            sees the end, the server does not. ``corrupt`` flips a bit in each piece from then on. None lets everything
            pass.
        after: So many bytes pass from the server to the client, headers included, before the ``end`` comes.
        delay: Seconds that every byte is on the way, in both directions.
        speed: The most bytes a second to the client.

    Raises:
        ValueError: There is no such ``end``, or a number is out of its range.
    """

    end: str | None = None
    after: int = 0
    delay: float = 0.0
    speed: float = math.inf

    def __post_init__(self) -> None:
        if self.end not in (None, *ENDS):
            raise ValueError(f"a fault ends with one of {', '.join(ENDS)} or None, not with {self.end!r}")
        if self.after < 0 or self.delay < 0 or not self.speed > 0:
            raise ValueError(f"after and delay are 0 or more and speed is more than 0, unlike in {self}")

    @classmethod
    def any(cls, dice: random.Random, most: int, ends: tuple[str, ...] = ENDS) -> Fault:
        """A fault by chance.

        Args:
            dice: What chance comes from. The same seed gives the same faults.
            most: The most bytes that pass before the end.
            ends: The ends to choose from.
        """
        return cls(
            end=dice.choice(ends),
            after=int(dice.choice([most * dice.random(), most ** dice.random()])),  # half of them rather early
            delay=dice.choice([0, 0, 0.002]),
            speed=dice.choice([math.inf, math.inf, 2_000_000]),
        )


class FaultProxy:
    """Stands between a client and a server, in a thread of its own.

    >>> proxy = FaultProxy(server.url)                          # doctest: +SKIP
    >>> proxy.next(Fault("cut", after=1000), Fault("reset"))    # for the next two connections  # doctest: +SKIP
    >>> proxy.now("silence")                                    # for those that are open       # doctest: +SKIP

    The proxy never looks at the bytes, so that TLS works too. :meth:`stop`, or the end of a ``with`` block, closes
    everything.

    Args:
        url: An address of the server.
        faults: What happens to the first connections, one fault for each.
        every: What happens to the connections after those. By default nothing.

    Attributes:
        url: The address for the client: the same path, on the port of the proxy.
        port: The port of the proxy.
        connections: How many connections have been made.
        bytes: How many bytes the connections have carried, in both directions.
    """

    @owned_by_cell
    def __init__(self, url: str, *faults: Fault, every: Fault | None = None) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme])
        self.connections = 0
        self.bytes = 0
        self._every = every or Fault()
        self._is_up = True
        self._faults = deque(faults)
        self._open: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # an event loop alone does not keep them
        self._thread = LoopThread(f"FaultProxy {url}")
        self._server = self._thread.submit(asyncio.start_server(self._connected, "127.0.0.1", 0)).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"127.0.0.1:{self.port}"))

    def __repr__(self) -> str:
        return f"FaultProxy(to port {self._target[1]})"

    def next(self, *faults: Fault) -> None:
        """The next connections get these faults, in this order, after those that wait already."""
        self._faults.extend(faults)

    def now(self, end: str) -> None:
        """End the connections that are open in this way: see :class:`Fault`.

        Raises:
            ValueError: There is no such ``end``.
            RuntimeError: The proxy has been stopped.
        """
        Fault(end)  # raises ValueError where there is no such end
        if not self._thread.is_alive():
            raise RuntimeError("the proxy has been stopped; run the cell again that has made it")

        async def strike() -> None:
            await asyncio.gather(*(line.strike(end) for line in self._open))

        self._thread.submit(strike()).result()

    def down(self) -> None:
        """Break all connections off, and refuse others until :meth:`up`."""
        self._is_up = False
        self.now("reset")

    def up(self) -> None:
        """Let connections pass again."""
        self._is_up = True

    def stop(self) -> None:
        """Break all connections off, and accept no more."""
        if self._thread.is_alive():
            self._thread.call(self._server.close)
            self._thread.stop()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not a coroutine function: asyncio would make the task itself, and log an error when stop() cancels it.
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            if self._is_up:
                self.connections += 1
                fault = self._faults.popleft() if self._faults else self._every
                from_server, to_server = await asyncio.open_connection(*self._target)
                writers.append(to_server)
                line = _Line(fault, (reader, to_server), (from_server, writer), self._count)
                self._open.add(line)
                try:
                    await line.run()
                finally:
                    self._open.discard(line)
        except OSError:  # nobody listens behind the proxy
            pass
        finally:
            for each in writers:
                each.transport.abort()

    def _count(self, size: int) -> None:
        self.bytes += size


class _Line:
    """One connection through the proxy: a reader and a writer for each direction."""

    def __init__(
        self,
        fault: Fault,
        upward: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        downward: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        count: Callable[[int], None],
    ) -> None:
        self.fault = fault
        self._count = count
        self._upward, self._downward = upward, downward
        self._passed = 0  # bytes to the client
        self._struck = False
        self._blocked = False  # nothing passes any more
        self._corrupting = False  # the first byte of each piece
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Pass on in both directions until one side has ended."""
        tasks = [asyncio.create_task(self._up()), asyncio.create_task(self._down())]
        try:
            await self._over.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _up(self) -> None:
        reader, writer = self._upward
        with contextlib.suppress(OSError):
            async for data in self._pieces(reader, READ_SIZE):
                if self._blocked:
                    return
                writer.write(data)
                await writer.drain()
        if not self._blocked:
            self._over.set()

    async def _down(self) -> None:
        reader, writer = self._downward
        fault = self.fault
        size = READ_SIZE if fault.speed == math.inf else max(1, int(fault.speed * TICK))
        with contextlib.suppress(OSError):
            async for data in self._pieces(reader, size):
                await asyncio.sleep(len(data) / fault.speed)
                room = fault.after - self._passed
                if fault.end is not None and not self._struck and len(data) > room:
                    writer.write(data[:room])
                    self._passed += room
                    data = data[room:]
                    await self.strike(fault.end)
                if self._blocked:
                    return
                if self._corrupting:
                    data = bytes([data[0] ^ 0x10]) + data[1:]
                writer.write(data)
                self._passed += len(data)
                await writer.drain()
            writer.close()  # in order: what has come goes out first
            await writer.wait_closed()
        if not self._blocked:
            self._over.set()

    async def _pieces(self, reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
        """The pieces that arrive, each when its delay is over."""
        loop, delay = asyncio.get_running_loop(), self.fault.delay
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD)

        async def read() -> None:
            data = b"?"
            while data:
                data = b""  # the end, also where the connection breaks
                with contextlib.suppress(OSError):
                    data = await reader.read(size)
                self._count(len(data))
                await on_the_way.put((loop.time() + delay, data))

        reading = asyncio.create_task(read())
        try:
            while True:
                due, data = await on_the_way.get()
                if delay:
                    await asyncio.sleep(due - loop.time())
                if not data:
                    return
                yield data
        finally:
            reading.cancel()

    async def strike(self, end: str) -> None:
        """Let the fault happen. Nothing more happens on a line where nothing passes."""
        if self._blocked:
            return
        self._struck = True
        _, to_client = self._downward
        if end == "corrupt":
            self._corrupting = True
            return
        self._blocked = True
        with contextlib.suppress(OSError):  # the client has left
            if end == "cut":
                to_client.close()
                await to_client.wait_closed()
            elif end == "half":
                to_client.write_eof()
            elif end == "reset":
                for _, writer in (self._upward, self._downward):
                    linger = struct.pack("ii", 1, 0)  # closing throws away what is unsent, and sends a RST
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if end in ("cut", "reset"):
            self._over.set()
