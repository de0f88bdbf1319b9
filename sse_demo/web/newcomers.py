"""Connections that have not said a word yet: plain sockets, until their first bytes come."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict, deque
from collections.abc import Callable

from tornado.ioloop import IOLoop

GRACE = 1.0  # seconds in which a new connection need not make room for another
BEGIN_AT_ONCE = 16  # connections whose first requests are read in the same turn of the event loop


class Newcomers:
    """Waits for the first bytes of each new connection.

    What reads requests takes ten times the memory of a socket. Where a thousand connections come in one moment, only a
    few of their requests are read at a time, so that they do not take that memory all at once.

    Args:
        begin: Is called with the socket and the address of a connection whose first bytes have come, or whose client
            has left.
    """

    def __init__(self, begin: Callable[[socket.socket, str], None]) -> None:
        self._begin = begin
        self._waiting: OrderedDict[socket.socket, tuple[str, float]] = OrderedDict()  # the address, and since when
        self._speaking: deque[socket.socket] = deque()  # those among them whose first bytes have come

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, accepted: socket.socket, address: str) -> None:
        """Wait for its first bytes."""
        io_loop = IOLoop.current()
        self._waiting[accepted] = address, io_loop.time()
        io_loop.add_handler(accepted, self._hear, IOLoop.READ)

    def make_room(self) -> bool:
        """Close the one that has been silent for longest, unless it is quite new. Returns whether there was one."""
        return self._close_oldest(GRACE)

    def close_late(self, timeout: float) -> None:
        """Close those that have been silent for longer than this, in seconds."""
        while self._close_oldest(timeout):
            pass

    def close_all(self) -> None:
        """Close all of them."""
        while self._close_oldest(-1):
            pass

    def _close_oldest(self, age: float) -> bool:
        oldest = next(iter(self._waiting), None)
        if oldest is None or IOLoop.current().time() - self._waiting[oldest][1] <= age:
            return False
        IOLoop.current().remove_handler(oldest)
        del self._waiting[oldest]
        oldest.close()
        return True

    def _hear(self, accepted: socket.socket, _events: int) -> None:
        IOLoop.current().remove_handler(accepted)
        if not self._speaking:
            asyncio.get_running_loop().call_soon(self._begin_some)
        self._speaking.append(accepted)

    def _begin_some(self) -> None:
        for _ in range(min(BEGIN_AT_ONCE, len(self._speaking))):
            accepted = self._speaking.popleft()
            if accepted in self._waiting:  # or it had to make room meanwhile
                address, _ = self._waiting.pop(accepted)
                self._begin(accepted, address)
        if self._speaking:
            asyncio.get_running_loop().call_soon(self._begin_some)
