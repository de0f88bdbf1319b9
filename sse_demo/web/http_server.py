"""The HTTP server: it accepts connections, counts them, and closes those that only take up room.

Tornado reads the requests of each connection, one after the other. What stands around that is here: how many
connections there may be, which of them makes room for another, and which has not read its answer for too long.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from tornado.http1connection import HTTP1ConnectionParameters, HTTP1ServerConnection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.ioloop import IOLoop
from tornado.netutil import add_accept_handler

from .bodies import has_body
from .newcomers import GRACE, Newcomers
from .raw_answers import raw_problem
from .request_heads import check_body, origin_form
from .server_socket import ServerSocket
from .service import App
from .streams import Farewell, PlainStream, RequestStream, SecureStream

RESERVE = 128  # connections beside those of event streams: /health and publishers are answered while streams are full
MAX_HEAD = 65_536  # bytes of a request's head
LOOK_EVERY = 1.0  # seconds between two looks at those who are late, or do not read

_logger = logging.getLogger("sse_demo.server")


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a request comes from, as Tornado asks for it.

    Attributes:
        remote_ip: The address of the other end.
        protocol: ``"http"`` or ``"https"``.
    """

    remote_ip: str
    protocol: str

    def __str__(self) -> str:
        return self.remote_ip


class HttpServer(HTTPServerConnectionDelegate):
    """Serves an application. For the event loop's thread.

    All connections together, event streams among them, are ``max_connections`` and :data:`RESERVE` at the most. For
    one more, the one makes room that has been kept alive without a request for longest. Where there is none, the new
    one is answered with 503.

    Args:
        app: What is served.
        tls: A server's context with its certificate loaded. Without one, connections are not encrypted.
    """

    def __init__(self, app: App, tls: ssl.SSLContext | None = None) -> None:
        self._app = app
        self._service = app.service
        self._tls = tls
        limits = app.service.settings
        self._max_stall = app.service.hub.settings.max_stall
        self._request_timeout = limits.request_timeout
        self._most = limits.max_connections + RESERVE
        self._parameters = HTTP1ConnectionParameters(
            max_header_size=MAX_HEAD,
            max_body_size=sys.maxsize,  # the application decides, for each of its handlers
        )
        self._newcomers = Newcomers(self._begin)
        self._ordinary: set[HTTP1ServerConnection] = set()  # all but newcomers and event streams
        # Connections that wait for something, and since when, those that have waited longest first. Timers of their own
        # would cost each request more than all else here.
        self._new: OrderedDict[HTTP1ServerConnection, float] = OrderedDict()  # for the head of their first request
        self._idle: OrderedDict[HTTP1ServerConnection, float] = OrderedDict()  # for another one
        self._receiving: OrderedDict[HTTP1ServerConnection, float] = OrderedDict()  # for the body of a request
        self._farewells: dict[Farewell, None] = {}  # in their order
        self._stop_accepting: Callable[[], None] | None = None
        self._look: object = None

    @property
    def connections(self) -> int:
        """How many there are, event streams among them."""
        streams = self._service.connections
        return len(self._newcomers) + len(self._ordinary) + len(streams) + len(self._farewells)

    def start(self, bound: ServerSocket) -> None:
        """Accept connections from now on."""
        self._io_loop = IOLoop.current()
        self._service.hub.metrics.connections = lambda: self.connections
        self._stop_accepting = add_accept_handler(bound, self._accept)
        self._look_around()

    def stop(self) -> None:
        """Accept no more connections."""
        if self._stop_accepting:
            self._stop_accepting()
            self._io_loop.remove_timeout(self._look)

    async def close_all_connections(self) -> None:
        """Close all but the event streams."""
        self._newcomers.close_all()
        for connection in list(self._ordinary):
            await connection.close()
        for farewell in list(self._farewells):
            farewell.close()

    # What Tornado tells of its connections

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """A connection waits for a request."""
        connection = cast(HTTP1ServerConnection, server_conn)
        if connection not in self._new:
            self._idle[connection] = self._io_loop.time()
        cast(RequestStream, connection.stream).reads_head = True
        return _Request(self, connection, self._app.start_request(server_conn, request_conn))

    def begun(self, connection: HTTP1ServerConnection, *, body_follows: bool) -> None:
        """The head of a request has come."""
        self._new.pop(connection, None)
        self._idle.pop(connection, None)
        if body_follows:
            self._receiving[connection] = self._io_loop.time()

    def received(self, connection: HTTP1ServerConnection) -> None:
        """The whole request has come."""
        self._receiving.pop(connection, None)

    def on_close(self, server_conn: object) -> None:
        """A connection has ended, or has become an event stream."""
        connection = cast(HTTP1ServerConnection, server_conn)
        self.begun(connection, body_follows=False)
        self.received(connection)
        self._ordinary.discard(connection)

    # Connections

    def _accept(self, accepted: socket.socket, address: Any) -> None:
        if self.connections >= self._most and not self._make_room():
            self._service.hub.metrics.refused.labels("connections").inc()
            self._turn_away(accepted)
            return
        accepted.setblocking(False)
        with contextlib.suppress(OSError):  # the client has left, which the stream finds out
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._newcomers.add(accepted, address[0])

    def _begin(self, accepted: socket.socket, address: str) -> None:
        """The first bytes of a connection have come, or its client has left."""
        stream: RequestStream
        if self._tls is None:
            stream = PlainStream(accepted, self._bid_farewell)
        else:
            try:
                secured = self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
            except OSError:  # the client has left
                accepted.close()
                return
            stream = SecureStream(secured)
        connection = HTTP1ServerConnection(stream, self._parameters, Peer(address, "https" if self._tls else "http"))
        self._ordinary.add(connection)
        self._new[connection] = self._io_loop.time()
        connection.start_serving(self)

    def _make_room(self) -> bool:
        """Close the connection that can best be spared."""
        if self._farewells:
            next(iter(self._farewells)).close()
            return True
        if self._idle:
            connection, _ = self._idle.popitem(last=False)
        elif self._newcomers.make_room():
            return True
        elif self._new and self._io_loop.time() - next(iter(self._new.values())) > GRACE:
            connection, _ = self._new.popitem(last=False)
        else:
            return False
        self._ordinary.discard(connection)
        connection.stream.close()
        return True

    def _turn_away(self, accepted: socket.socket) -> None:
        """Answer with 503, as far as it is possible at once; over TLS it is not."""
        with accepted, contextlib.suppress(OSError):
            accepted.setblocking(False)
            if self._tls is None:
                accepted.send(raw_problem(503, f"{self.connections} connections are open, which is the limit"))
                accepted.recv(MAX_HEAD)  # what is left unread is answered with a reset, and the answer may be lost

    def _bid_farewell(self, leaving: socket.socket) -> None:
        farewell = Farewell(leaving, lambda ended: self._farewells.pop(ended, None))
        self._farewells[farewell] = None
        farewell.begin()

    def _look_around(self) -> None:
        now = self._io_loop.time()
        self._close_late(now)
        self._close_stalled(now)
        wait = min(LOOK_EVERY, self._max_stall / 4, self._request_timeout / 4)
        self._look = self._io_loop.call_later(wait, self._look_around)

    def _close_late(self, now: float) -> None:
        """Close those whose request has not come in time."""
        self._newcomers.close_late(self._request_timeout)
        for waiting in (self._new, self._idle, self._receiving):
            while waiting and now - next(iter(waiting.values())) > self._request_timeout:
                connection, _ = waiting.popitem(last=False)
                connection.stream.close()

    def _close_stalled(self, now: float) -> None:
        """Close those that have not read for too long. Those who follow topics are also looked after by the hub."""
        for ordinary in list(self._ordinary):
            stream = cast(RequestStream, ordinary.stream)
            if stream.has_stalled(now, self._max_stall):
                _logger.debug("closed a connection whose client has not read its answer for %g s", self._max_stall)
                stream.close()
        for connection in list(self._service.connections):
            if connection.has_stalled(now, self._max_stall):
                self._service.hub.metrics.closed.labels("stall").inc()
                connection.abort()


class _Request(HTTPMessageDelegate):
    """A request on its way to the application."""

    __slots__ = ("_connection", "_delegate", "_server")

    def __init__(self, server: HttpServer, connection: HTTP1ServerConnection, delegate: HTTPMessageDelegate) -> None:
        self._server = server
        self._connection = connection
        self._delegate = delegate

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        body_follows = has_body(headers)
        self._server.begun(self._connection, body_follows=body_follows)
        stream = cast(RequestStream, self._connection.stream)
        if stream.is_refused:
            raise HTTPInputError("it follows one that was refused")
        stream.reads_head = False
        assert isinstance(start_line, RequestStartLine)  # that of an answer is for clients
        if body_follows:
            stream.reads_body = True
            check_body(start_line.version, headers)
        elif "Expect" in headers:
            del headers["Expect"]  # there is nothing to send, and a client of HTTP/1.0 knows no answer before it
        if not start_line.path.startswith("/"):
            start_line = start_line._replace(path=origin_form(start_line, headers))
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        cast(RequestStream, self._connection.stream).reads_body = False
        self._server.received(self._connection)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()
