"""A request on its way through its middleware to its answer, and what becomes of an error on that way."""

from __future__ import annotations

import json
from asyncio import Future
from collections.abc import Awaitable
from contextlib import suppress
from types import TracebackType
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import Finish, HTTPError, RequestHandler

from ...errors import ServerStopped
from ...hub.connection import Connection
from ...hub.hub import Hub
from ...wire.service_events import HEARTBEAT
from ..bodies import UNEXPECTED
from ..origins import frame_ancestors
from ..problems import Problem, problem
from ..service import Service
from .accept import takes_event_streams
from .failures import explained, log_failure
from .identified import Identified
from .own_stream import Items, OwnStream, require_items
from .query import Query

METHODS_WITH_BODY = ("POST", "PUT", "PATCH")


class Handler(Identified):
    """A Tornado handler behind middleware, with a strict query, event streams, and errors that explain themselves.

    An :class:`SSEError` that a handler lets out, such as what the hub refuses, becomes a problem with its status.

    Attributes:
        origin_is_allowed: The request comes from a page that the middleware ``cors`` lets in.
    """

    origin_is_allowed = False
    _stream: Connection | None = None
    _query: Query | None = None

    @property
    def service(self) -> Service:
        """What the handlers of the service share."""
        return self.application.service

    @property
    def hub(self) -> Hub:
        """Publishes, and sends to subscribers."""
        return self.service.hub

    @property
    def query(self) -> Query:
        """The query of the request."""
        if self._query is None:
            self._query = Query(self.request.query_arguments, self.service.settings.max_topics_per_connection)
        return self._query

    def last_event_id(self) -> str:
        """The id after which the client resumes, ``""`` where it begins.

        The header wins over the query: a browser that reconnects sends it to the address of its first time. The header
        is UTF-8 (HTML standard, 9.2.3); one that is none is as good as an id that nobody knows.

        Raises:
            Problem: 400 where the query gives several.
        """
        sent = self.request.headers.get("Last-Event-ID")  # Tornado takes the bytes of a header for Latin-1
        return sent.encode("latin-1").decode(errors="replace") if sent else self.query.text("last_event_id", "")

    def body_text(self) -> str:
        """The body of the request as text.

        Raises:
            Problem: 415 where the body is not UTF-8.
        """
        try:
            return self.request.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise problem(415, f"the body must be UTF-8: {error}") from None

    @classmethod
    def max_body_size(cls, request: HTTPServerRequest, service: Service) -> float:
        """Bytes of the largest body that is received for a request of this handler; a larger one is refused with 413.

        By default as many as an event may have, for the methods that have a body; for all others very few. What is
        wrong with the head of a request may be raised, too: the answer then does not wait for the body.
        """
        takes = request.method in METHODS_WITH_BODY and cls._implements(request.method)
        return service.hub.settings.max_event_size if takes else UNEXPECTED

    # Methods

    @classmethod
    def allowed_methods(cls) -> list[str]:
        """The methods that the address answers."""

        return [method for method in cls.SUPPORTED_METHODS if cls._implements(method)]

    @classmethod
    def _implements(cls, method: str) -> bool:
        name = "get" if method == "HEAD" else method.lower()
        return getattr(cls, name) is not getattr(RequestHandler, name)

    def head(self, *args: str, **kwargs: str) -> Awaitable[None] | None:
        """Does what GET does. Tornado sends the headers alone."""
        return self.get(*args, **kwargs)

    def options(self, *args: str, **kwargs: str) -> None:
        """Tells the methods that the address answers."""
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.allowed_methods()))

    # Event streams

    def check_accept(self) -> None:
        """Refuse a client that takes no event streams.

        Raises:
            Problem: 406.
        """
        accept = self.request.headers.get("Accept", "")
        if not takes_event_streams(accept):
            raise problem(406, f"this address sends text/event-stream, which Accept: {accept} excludes")

    async def send_events(self, events: Items) -> bool:
        """Send a stream of one's own to the reader who has asked for it, and end the response.

        The next event is asked for when the reader has taken the last one. An idle stream has a comment each
        ``heartbeat``. What gives the events is closed as soon as the reader leaves. An exception that it raises breaks
        the stream off, so that the reader does not take it for complete, and so do ``max_stall`` and
        ``max_connection_age``. A server that drains lets the stream come to its end.

        Whether the client takes event streams is for the handler to decide: see :meth:`check_accept`.

        Args:
            events: An async generator or iterable of :class:`Event`, :class:`Comment` or text, which is the data of an
                event. Any other iterable, such as a generator or a list, is read in a thread, so that it may block.

        Returns:
            Whether all were sent. They were not where the reader has left, or the server has closed the stream.

        Raises:
            TypeError: ``events`` gives no events.
            ServerStopped: The server is about to stop.
            ServerFull: There is no room for another stream.
        """
        require_items(events)
        if self.service.draining:
            raise ServerStopped("the server is about to stop; ask again in a moment")
        connection = await self._begin_stream(HEARTBEAT)
        self.service.keep(connection, finite=True)
        if not self.watch_stream(connection, finite=True):
            return False
        return await OwnStream(connection, self.hub.settings, self.hub.metrics).send(events)

    async def open_event_stream(self, hello: bytes = HEARTBEAT) -> Connection:
        """Send the headers and a first block, and take the connection out of Tornado's hands.

        A request with the method HEAD ends after the headers. While the service drains, the stream ends after its first
        block, so that the client reconnects elsewhere. So does the stream of somebody whose right has ended meanwhile.
        In all three cases the rest of the handler is not run.

        Args:
            hello: The first block of the stream.

        Raises:
            ServerFull: There is no room for another stream.
        """
        connection = await self._begin_stream(hello)
        if self.service.draining:  # no 503: a browser that is refused never comes back (HTML standard, 9.2.2)
            connection.end()
            raise Finish
        self.service.keep(connection)
        if not self.watch_stream(connection, finite=False):
            raise Finish
        return connection

    async def _begin_stream(self, hello: bytes) -> Connection:
        self.service.require_room()
        self.require_stream()
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store, no-transform")  # a proxy that compresses would hold it back
        self.set_header("X-Accel-Buffering", "no")  # nginx would collect the stream before it passes it on
        if self.request.method == "HEAD":
            self.flush()
            raise Finish
        if not (chunked := self.request.version == "HTTP/1.1"):
            self.request.headers["Connection"] = "close"  # or Tornado would promise to keep it alive
            self.set_header("Connection", "close")
        self._http._disconnect_on_finish = False  # or Tornado would send "close", with which Node hides a cut
        self.write(hello)
        flushed = self.flush()
        if self._http.stream.writing():  # seldom; where many clients come at once, each turn of the loop takes memory
            with suppress(StreamClosedError):  # the client has left: when_closed tells, soon
                await flushed
        connection = self._stream = Connection(self.detach(), chunked=chunked)
        return connection

    # The way in, and the way out

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")

    def on_connection_close(self) -> None:
        """Ends the middleware of a handler that takes its body in pieces, and whose client has left in between."""
        body: Future[None] | None = getattr(self.request, "_body_future", None)
        is_to_come = body is not None and not body.done()
        super().on_connection_close()
        if is_to_come:  # Tornado runs nothing of the handler any more
            self._chain.close()

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Sends the headers, and what has been written. Each middleware may look at the headers and change them."""
        if not self._headers_written:
            self._require_middleware()
            self._chain.leave()
        return super().flush(include_footers)

    # Errors

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answers with the problem, whatever fails on the way out."""
        _, error, _ = kwargs.get("exc_info") or (None, HTTPError(status_code), None)
        if not self._chain.begun:  # Tornado itself has refused the request
            try:
                Identified.prepare(self)
            except Exception as other:  # a middleware has refused the request: answer with its error
                error = other
        if not isinstance(error, Exception):
            error = RuntimeError(f"what was awaited has ended with {error!r}")
        if self._headers_written:
            return
        for _ in range(len(self._chain) + 2):  # each turn, there is one middleware less that could fail
            answer = explained(self, self._chain.throw(error))
            if self._headers_written:  # a middleware has answered
                return
            try:
                return super().send_error(answer.status_code, exc_info=(type(answer), answer, None))
            except Exception as other:
                error = other
                if self._headers_written:
                    break
        log_failure(self, error)
        self._http.close()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        _, error, _ = kwargs["exc_info"]
        headers = error.headers if isinstance(error, Problem) else {}
        detail = error.log_message % error.args if error.log_message else None
        if status_code == 405:
            allowed = ", ".join(self.allowed_methods())
            headers = {"Allow": allowed}
            detail = f"{self.request.method} is not allowed here; allowed: {allowed}"
        body = {"title": self._reason, "status": status_code, "detail": detail, "request_id": self.request_id}
        for name, value in headers.items():
            self.set_header(name, str(value))
        self.set_header("Content-Type", "application/problem+json")
        self.set_header("Content-Security-Policy", frame_ancestors(self.service.settings.allow_origins))
        self.write(json.dumps({name: value for name, value in body.items() if value}))

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Logs an exception that comes too late for an answer. The others are logged where they become an answer."""
        if value is None or not self._headers_written or self._reader_has_left(value):
            return
        log_failure(self, value)
        if self._stream:
            self._stream.abort()  # rather no stream than one that seems to be complete
        elif not self._finished:
            self._http.close()

    def _reader_has_left(self, error: BaseException) -> bool:
        """Whether the exception only means that a handler which flushes has lost its reader."""
        stream = self._http.stream  # None, when it was taken out of Tornado's hands
        return isinstance(error, StreamClosedError) and stream is not None and stream.closed()

    @property
    def _http(self) -> HTTP1Connection:
        connection = self.request.connection
        assert isinstance(connection, HTTP1Connection)  # Tornado has no other, and a server's request has one
        return connection
