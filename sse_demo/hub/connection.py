"""The way out: a socket that takes the bytes of one event stream.

Once the response headers are sent, the connection is taken out of Tornado's HTTP machinery (``RequestHandler.detach``),
so that an idle subscriber holds a socket and little else. What is left of HTTP is the framing of the body: a
chunk for each write (RFC 9112, 7.1), or nothing for a client of HTTP/1.0.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
from asyncio import Future
from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

from ..wire.service_events import HEARTBEAT
from .one_way import OneWayStream, Progress
from .tcp_info import acknowledged_bytes

JOINED_UP_TO = 65536  # bytes that are put together for one write
MAX_HEARD = 65536  # bytes that a client may send after its request; they are thrown away
LOOKS = (0.01, 0.1, 1.0)  # seconds between looks whether a client that sends no more has left; then a heartbeat tells
_LAST_CHUNK = b"0\r\n\r\n"

_logger = logging.getLogger("sse_demo.hub")


class Connection:
    """A detached response. All methods are for the event loop's thread.

    An idle connection is a plain socket: an ``IOStream`` takes more memory than all the rest of it. It gets one again
    when the kernel refuses bytes, and they must wait; over TLS, and where there are no more file descriptors, it keeps
    the one that it came with.

    A stream has no use for what its client sends after the request: a client that sends more than ``MAX_HEARD`` bytes
    is closed. A client that finishes sending goes on reading, unless it has left, which a comment finds out. Over TLS
    there is no such thing: a client that finishes has left.
    """

    __slots__ = ("_io_loop", "_socket", "_stream", "_chunked", "_direct", "_ending", "_close_callbacks", "_heard")

    def __init__(self, stream: IOStream, *, chunked: bool = True):
        self._io_loop = IOLoop.current()
        self._chunked = chunked
        self._ending = False
        self._heard = 0  # bytes
        self._close_callbacks: tuple[Callable[[], None], ...] | None = ()  # None when they have been called
        self._socket: socket.socket | None = None
        self._stream: IOStream | None = stream
        self._direct: socket.socket | None = None
        stream.set_nodelay(True)
        if stream.closed() or isinstance(stream.socket, ssl.SSLSocket):
            self._stay_with(stream)
            return
        try:
            self._socket = stream.socket.dup()
        except OSError:  # there are no more file descriptors
            self._stay_with(stream)
            return
        self._stream = None
        stream.close()
        self._io_loop.add_handler(self._socket, self._readable, IOLoop.READ)
        # An audience is handed the same bytes, and without chunks they would be others.
        self._direct = self._socket if chunked else None

    def _stay_with(self, stream: IOStream) -> None:
        stream.set_close_callback(self._closed)
        if not stream.closed():
            too_much = cast("Future[bytes]", stream.read_bytes(MAX_HEARD + 1))
            too_much.add_done_callback(lambda read: self._hear(MAX_HEARD + 1) if read.exception() is None else None)

    @property
    def closed(self) -> bool:
        return self._ending or (self._stream.closed() if self._stream else self._socket is None)

    @property
    def acknowledged_bytes(self) -> int | None:
        """How many bytes the client has taken. See :func:`~sse_demo.hub.tcp_info.acknowledged_bytes`."""
        where = self._stream.socket if self._stream else self._socket
        return None if where is None else acknowledged_bytes(where)

    def write(self, *blocks: bytes) -> bool:
        """Write these blocks of the event stream. False if they did not all fit into the socket's buffer.

        A large block is not copied: the connections for which it waits share its bytes with the log.
        """
        size = sum(map(len, blocks))
        parts = [b"%x\r\n" % size, *blocks, b"\r\n"] if self._chunked else blocks
        if size <= JOINED_UP_TO:
            return self._write(b"".join(parts))
        return all([self._write(part) for part in parts])  # each is written, also when one has to wait

    def has_stalled(self, now: float, max_stall: float) -> bool:
        """Whether the client has not read for too long. See :meth:`Progress.has_stalled`."""
        return isinstance(self._stream, Progress) and not self.closed and self._stream.has_stalled(now, max_stall)

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call back, not at once, when everything written has gone out; never if the connection is lost before."""
        if self.closed:
            return
        if self._stream:
            self._stream.write(b"").add_done_callback(partial(_call_unless_lost, callback))
        else:
            self._io_loop.add_callback(self._call_unless_closed, callback)

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Call back when the connection has ended, from whichever side, never at once."""
        if self._close_callbacks is None or (self._stream and self._stream.closed()):
            self._io_loop.add_callback(callback)
        else:
            self._close_callbacks += (callback,)

    def end(self) -> None:
        """End the response as it should end, and close. What the socket does not take now, the client never gets."""
        if not self.closed:
            if self._chunked and not (self._stream and self._stream.writing()):
                self._write(_LAST_CHUNK)
            self._ending = True
            self.abort()

    def abort(self, error: BaseException | None = None) -> None:
        """Close without the mark of a complete response: to the client the connection is lost, and it will be back."""
        if self._stream:
            self._stream.close(error)
        elif self._socket:
            self._release(self._socket).close()
            self._io_loop.add_callback(self._closed)

    def _write(self, data: bytes | memoryview) -> bool:
        if self.closed:
            return True
        if self._socket is not None:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:  # the client is gone
                self.abort(error)
                return True
            if sent == len(data):
                return True
            data = memoryview(data)[sent:]
            full = self._release(self._socket)
            # An audience that knows the socket does not know that bytes wait, and must not send others past them.
            renewed = socket.socket(full.family, full.type, full.proto, full.detach())
            self._direct = self._direct and renewed
            self._stream = OneWayStream(renewed, self._hear)
            self._stream.set_close_callback(self._closed)
        assert self._stream is not None
        self._stream.write(data).add_done_callback(_forget_lost_connection)
        return not self._stream.writing()

    def _release(self, released: socket.socket) -> socket.socket:
        """The socket, which somebody else uses or closes from now on."""
        self._socket = None
        self._io_loop.remove_handler(released)
        return released

    def _call_unless_closed(self, callback: Callable[[], None]) -> None:
        if not self.closed:
            callback()

    def _readable(self, readable: socket.socket, _events: int) -> None:
        """The client has something to say, for which a stream has no use; or it has finished sending."""
        try:
            size = len(readable.recv(MAX_HEARD))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # the client is gone
            self.abort(error)
            return
        if not size:
            self._io_loop.remove_handler(readable)  # it would be reported again and again
        self._hear(size)

    def _hear(self, size: int) -> None:
        self._heard += size
        if self._heard > MAX_HEARD:
            _logger.debug("closed a stream whose client has sent more than %d bytes after its request", MAX_HEARD)
            self.abort()
        elif not size:
            self.write(HEARTBEAT)  # the system of a client that has left answers with a reset
            self._look(*LOOKS)

    def _look(self, *pauses: float) -> None:
        """Close where the client's system has refused what was sent, now or after these pauses."""
        where = self._stream.socket if self._stream else self._socket
        if where is None:  # closed meanwhile
            return
        if error := where.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.abort(OSError(error, os.strerror(error)))
        elif pauses:
            self._io_loop.call_later(pauses[0], self._look, *pauses[1:])

    def _closed(self) -> None:
        callbacks, self._close_callbacks = self._close_callbacks, None
        for callback in callbacks or ():
            callback()


class Audience:
    """The connections that are sent the same bytes. They must be drained."""

    __slots__ = ("_connections", "_direct")

    def __init__(self, connections: Iterable[Connection] = ()):
        self._connections = dict.fromkeys(connections)
        self._direct: tuple[list[socket.socket], list[Connection]] | None = None  # made when it is needed

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        self._connections[connection] = None
        self._direct = None

    def remove(self, connection: Connection) -> None:
        del self._connections[connection]
        self._direct = None

    def send(self, payload: bytes) -> list[Connection]:
        """Write the same bytes to all of them, framed once. Returns those whose socket could not take everything.

        The kernel takes the bytes directly; only what it refuses goes through Tornado's buffer, which costs several
        times as much. The sockets are in a list of their own: to touch another object for each costs a tenth.
        """
        behind = []
        chunk = _chunk(payload)
        size = len(chunk)
        send = socket.socket.send
        sockets, connections = self._direct or self._sort()
        for index, one in enumerate(sockets):
            try:
                sent = send(one, chunk)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                if one.fileno() >= 0:  # the client is gone
                    connections[index].abort(error)
                    continue
                sent = 0  # somebody has written to the connection meanwhile, or closed it
                self._direct = None
            if sent < size and not connections[index]._write(memoryview(chunk)[sent:]):
                behind.append(connections[index])
        for connection in connections[len(sockets) :]:
            if not connection._write(chunk if connection._chunked else payload):
                behind.append(connection)
        return behind

    def _sort(self) -> tuple[list[socket.socket], list[Connection]]:
        """The sockets that can be written to directly, and the connections in the same order, those first."""
        sockets, direct, others = [], [], []
        for connection in self._connections:
            if connection._direct is None:
                others.append(connection)
            else:
                sockets.append(connection._direct)
                direct.append(connection)
        self._direct = sockets, direct + others
        return self._direct


def _chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def _forget_lost_connection(written: Future[None]) -> None:
    written.exception()  # StreamClosedError: when_closed tells what there is to tell


def _call_unless_lost(callback: Callable[[], None], written: Future[None]) -> None:
    if written.exception() is None:
        callback()
