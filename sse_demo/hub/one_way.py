"""Streams that go on writing when their client has finished sending, and that tell whether it still reads.

To half-close a connection is not to leave it (RFC 9293, 3.6): ``nc -N`` and many scripts say in this way that nothing
more comes from them, and read on. A client that has closed its connection sends the same sign. Which of the two it was
shows when something is written to it: the system of a client that has left refuses what comes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from tornado.ioloop import IOLoop
from tornado.iostream import BaseIOStream, IOStream


class Progress(BaseIOStream):
    """A stream that knows how long its client has not read."""

    _sent = 0  # bytes that the system has taken
    _sent_before = 0  # at the last look
    _waits_since: float | None = None

    def write_to_fd(self, data: memoryview) -> int:
        sent = super().write_to_fd(data)
        self._sent += sent
        return sent

    def has_stalled(self, now: float, max_stall: float) -> bool:
        """Whether bytes wait, and the client has taken none for longer than this. To be asked from time to time.

        Args:
            now: A time, in seconds of any clock.
            max_stall: Seconds, counted from the first time that the same bytes were found waiting.
        """
        if not self.writing():
            self._waits_since = None
        elif self._waits_since is None or self._sent != self._sent_before:
            self._waits_since, self._sent_before = now, self._sent
        else:
            return now - self._waits_since > max_stall
        return False


class HalfOpenStream(Progress, IOStream):
    """A stream that a client's end of sending does not close, unless something is still to be read."""

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = super().read_from_fd(buf)
        if size == 0 and not self.reading():
            self.stop_watching()
            return None  # an IOStream takes 0 for the end of the connection
        return size

    def stop_watching(self) -> None:
        """Look no more at what the client sends: an end of sending would be reported again and again."""
        self.io_loop.update_handler(self.fileno(), IOLoop.WRITE if self.writing() else IOLoop.NONE)


class OneWayStream(HalfOpenStream):
    """A stream that is only written to. What the client sends is thrown away.

    Args:
        socket: The connection.
        heard: Is called with the number of bytes that were thrown away; with 0, once the client has finished sending.
    """

    def __init__(self, socket: socket.socket, heard: Callable[[int], None]) -> None:
        super().__init__(socket)
        self._heard = heard
        self._end_was_heard = False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = IOStream.read_from_fd(self, buf)
        if size:
            self.io_loop.add_callback(self._heard, size)
        elif size == 0:
            self.stop_watching()
            if not self._end_was_heard:  # it is met again after each time that bytes have waited
                self._end_was_heard = True
                self.io_loop.add_callback(self._heard, 0)
        return None
