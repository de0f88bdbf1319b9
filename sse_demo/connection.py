"""The way out: a socket that takes the bytes of one event stream.

Once the response headers are sent, the connection is taken out of Tornado's HTTP machinery (``RequestHandler.detach``),
so that an idle subscriber holds a socket and little else. What is left of HTTP is the framing of the body: a
chunk for each write (RFC 9112, 7.1), or nothing for a client of HTTP/1.0.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

_LAST_CHUNK = b"0\r\n\r\n"
_IGNORED = 65536  # bytes that are taken from a client at a time, and thrown away


class Connection:
    """A detached response. All methods are for the event loop's thread.

    An idle connection is a plain socket: an ``IOStream`` takes more memory than all the rest of it. It gets one again
    when the kernel refuses bytes, and they must wait; over TLS it keeps the one that it came with.
    """

    __slots__ = ("_io_loop", "_socket", "_stream", "_chunked", "_send", "_ending", "_close_callbacks")

    def __init__(self, stream: IOStream, *, chunked: bool = True):
        self._io_loop = stream.io_loop
        self._chunked = chunked
        self._ending = False
        self._close_callbacks: tuple[Callable[[], None], ...] | None = ()  # None when they have been called
        self._socket: socket.socket | None = None
        self._stream: IOStream | None = stream
        self._send = None
        stream.set_nodelay(True)
        if stream.closed() or isinstance(stream.socket, ssl.SSLSocket):
            stream.set_close_callback(self._closed)
            return
        self._socket = stream.socket.dup()
        self._stream = None
        stream.close()
        self._io_loop.add_handler(self._socket, self._readable, IOLoop.READ)
        # `broadcast` hands the same bytes to everybody, and without chunks they would be others.
        self._send = self._socket.send if chunked else None

    @property
    def closed(self) -> bool:
        return self._ending or (self._stream.closed() if self._stream else self._socket is None)

    def write(self, payload: bytes) -> bool:
        """Write these bytes of the event stream. False if they did not all fit into the socket's buffer."""
        return self._write(_chunk(payload) if self._chunked else payload)

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call back, not at once, when everything written has gone out; never if the connection is lost before."""
        if self.closed:
            return
        if self._stream:
            self._stream.write(b"").add_done_callback(lambda done: done.exception() is None and callback())
        else:
            self._io_loop.add_callback(lambda: self.closed or callback())

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
            self._release().close()
            self._io_loop.add_callback(self._closed)

    def _write(self, data: bytes) -> bool:
        if self.closed:
            return True
        if not self._stream:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:  # the client is gone
                self.abort(error)
                return True
            if sent == len(data):
                return True
            data = data[sent:]
            self._stream = IOStream(self._release())
            self._stream.set_close_callback(self._closed)
        self._stream.write(data).add_done_callback(_forget_lost_connection)
        return not self._stream.writing()

    def _release(self) -> socket.socket:
        released, self._socket = self._socket, None
        self._io_loop.remove_handler(released)
        return released

    def _readable(self, _socket: socket.socket, _events: int) -> None:
        """The client has left; or it has something to say, for which a stream has no use."""
        try:
            gone = not self._socket.recv(_IGNORED)
        except (BlockingIOError, InterruptedError):
            gone = False
        except OSError:
            gone = True
        if gone:
            self.abort()

    def _closed(self) -> None:
        callbacks, self._close_callbacks = self._close_callbacks, None
        for callback in callbacks or ():
            callback()


def broadcast(connections: Iterable[Connection], payload: bytes) -> list[Connection]:
    """Write the same bytes to all of them, framed once. Returns those whose socket could not take everything.

    The connections must be drained. The kernel takes the bytes directly; only what it refuses goes through Tornado's
    buffer, which costs several times as much.
    """
    behind = []
    chunk = _chunk(payload)
    size = len(chunk)
    for connection in connections:
        send = connection._send
        if send is None:
            if not connection._write(chunk if connection._chunked else payload):
                behind.append(connection)
            continue
        try:
            sent = send(chunk)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:  # the client is gone
            connection.abort(error)
            continue
        if sent < size and not connection._write(chunk[sent:]):
            behind.append(connection)
    return behind


def _chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def _forget_lost_connection(written) -> None:
    written.exception()  # StreamClosedError: when_closed tells what there is to tell
