"""The way out: a socket that takes the bytes of one event stream.

Once the response headers are sent, the connection is taken out of Tornado's HTTP machinery (``RequestHandler.detach``),
so that an idle subscriber holds a socket and little else. What is left of HTTP is the framing of the body: a
chunk for each write (RFC 9112, 7.1), or nothing for a client of HTTP/1.0.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable

from tornado.iostream import IOStream

_LAST_CHUNK = b"0\r\n\r\n"


class Connection:
    """A detached response. All methods are for the event loop's thread."""

    __slots__ = ("_stream", "_chunked", "_send", "_ending", "_close_callbacks")

    def __init__(self, stream: IOStream, *, chunked: bool = True):
        self._stream = stream
        self._chunked = chunked
        self._ending = False
        self._close_callbacks: tuple[Callable[[], None], ...] = ()
        # Straight to the socket, where that is possible: not through TLS, and not without chunks, so that `broadcast`
        # can hand the same bytes to everybody.
        # Nor where the client has left already: then there is no socket.
        direct = chunked and not stream.closed() and not isinstance(stream.socket, ssl.SSLSocket)
        self._send = stream.socket.send if direct else None
        stream.set_nodelay(True)
        stream.set_close_callback(self._closed)

    @property
    def closed(self) -> bool:
        return self._ending or self._stream.closed()

    def write(self, payload: bytes) -> bool:
        """Write these bytes of the event stream. False if they did not all fit into the socket's buffer."""
        return self._write(_chunk(payload) if self._chunked else payload)

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call back, not at once, when everything written has gone out; never if the connection is lost before."""
        if not self.closed:
            self._stream.write(b"").add_done_callback(lambda done: done.exception() is None and callback())

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Call back when the connection has ended, from whichever side, never at once."""
        if self._stream.closed():
            self._stream.io_loop.add_callback(callback)
        else:
            self._close_callbacks += (callback,)

    def end(self) -> None:
        """End the response as it should end, and close. What the socket does not take now, the client never gets."""
        if not self.closed:
            self._ending = True
            if self._chunked and not self._stream.writing():
                self._write(_LAST_CHUNK)
            self._stream.close()

    def abort(self, error: BaseException | None = None) -> None:
        """Close without the mark of a complete response: to the client the connection is lost, and it will be back."""
        self._stream.close(error)

    def _write(self, data: bytes) -> bool:
        if self._stream.closed():
            return True
        self._stream.write(data).add_done_callback(_forget_lost_connection)
        return not self._stream.writing()

    def _closed(self) -> None:
        callbacks, self._close_callbacks = self._close_callbacks, ()
        for callback in callbacks:
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
