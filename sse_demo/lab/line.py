"""``Line``: a line of the network in front of a server. It takes its time, counts its bytes, and can go down."""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import StreamReader, StreamWriter
from collections import deque

from tornado.netutil import bind_sockets

from .background import Background

READ = 65_536


class Line:
    """A relay to the server at ``address``. Connect to the line's own ``address`` instead.

    delay
        Seconds for which all bytes are held, each way.

    ``bytes`` counts what the line was given, both ways, headers and all. While ``up`` is false, every connection is
    closed as soon as it is made. ``received`` is for the client at its end, which hands its events to :meth:`take`.
    """

    def __init__(self, background: Background, address: str, delay: float = 0.02):
        self.bytes = 0
        self.up = True
        self.received: list[tuple[str, float, int]] = []
        self._background = background
        self._server = address.split(":")
        self._delay = delay
        self._writers: set[StreamWriter] = set()
        (self._listener,) = bind_sockets(0, "127.0.0.1")
        self.address = "{}:{}".format(*self._listener.getsockname())
        background.start(self._listen())

    def take(self, event: str) -> None:
        """Note an event, the time, and the bytes until now."""
        self.received.append((event, time.perf_counter(), self.bytes))

    def cut(self) -> None:
        """Break all connections, and allow no others until :meth:`mend`. Returns when it is done."""
        self._background.start(self._cut()).result()

    def mend(self) -> None:
        """Be a line again."""
        self.up = True

    async def _cut(self) -> None:
        self.up = False
        for writer in list(self._writers):
            writer.transport.abort()

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._connected, sock=self._listener)
        try:
            await asyncio.Event().wait()  # until it is cancelled
        finally:
            server.close()

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        if not self.up:
            writer.close()
            return
        try:
            its_reader, its_writer = await asyncio.open_connection(*self._server)
        except OSError:  # the server is gone
            writer.close()
            return
        ends = {writer, its_writer}
        self._writers |= ends
        try:
            await asyncio.gather(self._carry(reader, its_writer), self._carry(its_reader, writer))
        except asyncio.CancelledError:  # the background has been stopped; Python 3.11 would call this an error
            pass
        finally:
            self._writers -= ends
            for end in ends:
                end.close()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        on_the_way: deque[bytes] = deque()  # timers of the same moment may come in any order, and bytes may not

        def deliver() -> None:
            if not writer.transport.is_closing():
                writer.write(on_the_way.popleft())

        with contextlib.suppress(OSError):  # the other side is gone
            while data := await reader.read(READ):
                self.bytes += len(data)
                on_the_way.append(data)
                loop.call_later(self._delay, deliver)
        await asyncio.sleep(2 * self._delay)  # what is on the way arrives before the end does
        if writer.can_write_eof() and not writer.transport.is_closing():
            with contextlib.suppress(OSError):
                writer.write_eof()
