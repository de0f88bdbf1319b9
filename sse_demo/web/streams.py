"""The sockets of requests: what goes out where a request cannot be read, and how such a connection is closed."""

from __future__ import annotations

import re
import socket
import sys
from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.httputil import HTTPInputError
from tornado.ioloop import IOLoop
from tornado.iostream import BaseIOStream, SSLIOStream, UnsatisfiableReadError

from ..hub.one_way import HalfOpenStream, Progress
from .lazy_loop import LazyLoop
from .raw_answers import raw_problem

MAX_LINES = 256  # of the head of a request: to read some thousand takes the event loop as long as many requests
FAREWELL = 2.0  # seconds for which a client that was refused may go on sending
FAREWELL_BYTES = 16 * 1024 * 1024  # bytes that it may send meanwhile
_BARE_400 = b"HTTP/1.1 400 Bad Request\r\n\r\n"  # what Tornado writes where a request cannot be read
_TLS_HANDSHAKE = 22  # the first byte of a client that speaks TLS (RFC 8446, 5.1)
_AT_A_TIME = 65_536  # bytes
_TEXT = bytes([*b"\t\r\n", *range(ord(" "), 127), *range(128, 256)])  # what is no control character: RFC 9110, 5.5
# A name with what no name has, which Tornado would log, too. Some clients send an empty line before a request.
_odd_name = re.compile(rb"\n(?![ \t])[!#$%&'*+.^_`|~0-9A-Za-z-]*+[^:\r\n]").search
_odd_value = re.compile(rb"\n[!-9;-~]+:[^\n]*(?:[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n))").search


class RequestStream(Progress):
    """A stream on which requests come.

    Tornado closes a connection without a word where the head of a request is too large, and with a bare 400 where a
    request cannot be read. This stream says why (RFC 6585, 5; RFC 9110, 15.5.1).

    Attributes:
        reads_head: The head of a request is to come.
        reads_body: The body of a request is to come.
        is_refused: The connection ends with an answer of its own.
    """

    reads_head = True
    reads_body = False
    is_refused = False

    @property
    def client_may_send(self) -> bool:
        """Whether the client may be in the midst of sending."""
        return self.reads_body or self.is_refused

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """As in Tornado, which takes away a callback several times for each request."""
        if callback is not None or self._close_callback is not None:
            super().set_close_callback(callback)

    def set_nodelay(self, value: bool) -> None:
        """Does nothing: the server has told the system once, for good.

        Tornado would change it twice for each answer, which are two calls of the system.
        """

    def refuse(self, answer: bytes) -> None:
        """Send a last answer, and close."""
        if not self.closed():
            self.is_refused = True
            self.write(answer)
            self.close()

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Read the head of a request: nothing else in HTTP/1.1 is read up to a pattern."""
        return self._read_head(super().read_until_regex(regex, max_bytes))

    async def _read_head(self, reading: Awaitable[bytes]) -> bytes:
        head = await reading
        if head.count(b"\n") > MAX_LINES:
            error = UnsatisfiableReadError(f"a head of more than {MAX_LINES} lines")
            self.close(error)
            raise error
        if _odd_name(head.lstrip(b"\r\n")):
            raise HTTPInputError("a header name has odd characters, or no colon behind it")
        is_odd = head.translate(None, _TEXT) or head.count(b"\r") != head.count(b"\r\n")
        if is_odd and _odd_value(head):  # which Tornado would log, whatever secret it is
            raise HTTPInputError("a header has a control character")
        return head

    def write(self, data: bytes | memoryview) -> Future[None]:
        if data == _BARE_400:
            self.is_refused = True
            error = sys.exception()
            reason = f": {error}" if isinstance(error, HTTPInputError) else ""
            data = raw_problem(400, f"this is no request that can be read{reason}")
        return super().write(data)

    def close(self, exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            self.is_refused = True
            if self.reads_head:
                super().write(raw_problem(431, "the head of the request is larger than may be"))
            else:
                super().write(raw_problem(400, "the size of a chunk has too many characters"))
        super().close(exc_info)


def send_last(stream: BaseIOStream, answer: bytes) -> None:
    """Send a last answer, and close, also where the application is served by a server of Tornado's own."""
    if isinstance(stream, RequestStream):
        stream.refuse(answer)
    elif not stream.closed():
        stream.write(answer)
        stream.close()


class PlainStream(RequestStream, HalfOpenStream):
    """A connection without TLS. To a client that may still be sending, the end is told as :class:`Farewell` does.

    Args:
        socket: The connection.
        bid_farewell: Takes the socket of such a client.
    """

    def __init__(self, socket: socket.socket, bid_farewell: Callable[[socket.socket], None]) -> None:
        super().__init__(socket)
        self.io_loop = LazyLoop(self.io_loop)  # type: ignore[assignment]  # it gives all that a stream asks for
        self._bid_farewell = bid_farewell
        self._has_begun = False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = super().read_from_fd(buf)
        if size and not self._has_begun:
            self._has_begun = True
            if buf[0] == _TLS_HANDSHAKE:  # no end of a head would ever come of it
                self.close()
                return None
        return size

    def close_fd(self) -> None:
        if self.client_may_send:
            leaving, self.socket = self.socket, None  # type: ignore[assignment]  # as IOStream.close_fd does
            self._bid_farewell(leaving)
        else:
            super().close_fd()


class SecureStream(RequestStream, SSLIOStream):
    """A connection over TLS. A client that finishes sending has left."""


class Farewell:
    """The end of a connection whose client may still be sending (RFC 9112, 9.6).

    Bytes that come to a socket which is closed are answered with a reset, and a client may lose the answer by it. So
    the client is told that nothing more comes, and what it sends is thrown away for a while.

    Args:
        socket: The connection, which is closed at the end.
        ended: Is called at the end.
    """

    def __init__(self, socket: socket.socket, ended: Callable[[Farewell], None]) -> None:
        self._io_loop = IOLoop.current()
        self._socket = socket
        self._ended = ended
        self._left = FAREWELL_BYTES
        self._timeout = self._io_loop.call_later(FAREWELL, self.close)
        self._io_loop.add_handler(socket, self._readable, IOLoop.READ)

    def begin(self) -> None:
        """Tell the client that nothing more comes."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:  # the client has left
            self.close()

    def close(self) -> None:
        """End it now."""
        if self._socket.fileno() >= 0:
            self._io_loop.remove_timeout(self._timeout)
            self._io_loop.remove_handler(self._socket)
            self._socket.close()
            self._ended(self)

    def _readable(self, readable: socket.socket, _events: int) -> None:
        try:
            size = len(readable.recv(_AT_A_TIME))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the client has left
            size = 0
        self._left -= size
        if not size or self._left < 0:
            self.close()
