"""The bodies of requests on their way: how large each may become, and all of them together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from functools import lru_cache
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import HTTPError, RequestHandler, stream_request_body

from .aside import Aside
from .raw_answers import raw_problem
from .streams import send_last

BUDGET = 64 * 1024 * 1024  # bytes of all bodies that are on their way; one event always has room
UNEXPECTED = 64 * 1024  # bytes of the largest body that is received where nobody expects one
MAX_DIGITS = 18  # of a Content-Length; Python reads no more than some thousand


def has_body(headers: HTTPHeaders) -> bool:
    """Whether a body follows (RFC 9112, 6.3)."""
    return headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers


def announced_length(headers: HTTPHeaders) -> int:
    """The length that a request announces; 0 for what is no length, which Tornado refuses.

    It may be given several times, if it is the same.
    """
    length = headers.get("Content-Length", "0").split(",")[0].strip()
    if not (length.isascii() and length.isdigit()):
        return 0
    return int(length) if len(length) <= MAX_DIGITS else 10**MAX_DIGITS


def refuse(error: HTTPError) -> Callable[[object], Generator[None, None, None]]:
    """A middleware that refuses a request with this error."""

    def refuse(handler: object) -> Generator[None, None, None]:
        raise error
        yield

    return refuse


def asks_first(headers: HTTPHeaders) -> bool:
    """Whether the client waits for an answer before it sends the body (RFC 9110, 10.1.1)."""
    return "Expect" in headers and headers["Expect"] == "100-continue"  # the server has seen to its spelling


@lru_cache(maxsize=1024)  # an application has fewer handlers
def asked_first(handler: type[RequestHandler]) -> type[RequestHandler]:
    """The same handler for a client that asks before it sends: it is prepared before the client is told to go on.

    So the middleware refuses a request whose body has not been sent.
    """
    return stream_request_body(type(handler.__name__, (_AskedFirst, handler), {}))


class _AskedFirst(RequestHandler):
    def data_received(self, chunk: bytes) -> None:
        self.request.body += chunk


class Bodies:
    """All bodies that are on their way. When they take too much room, the one that has waited longest is refused.

    So bodies that never come to an end keep out nobody: those that grow are behind them.

    Args:
        budget: Bytes.

    Attributes:
        size: Bytes that are there of all bodies.
        aside: Reads those that have come, and are long.
    """

    def __init__(self, budget: float) -> None:
        self.size = 0
        self.aside = Aside(budget)
        self._budget = budget
        self._sizes: OrderedDict[Body, int] = OrderedDict()  # the one that has waited longest comes first

    def __len__(self) -> int:
        return len(self._sizes)

    def grow(self, body: Body, size: int) -> None:
        """So many more bytes of a body are kept."""
        self.size += size
        self._sizes[body] = self._sizes.get(body, 0) + size
        self._sizes.move_to_end(body)
        while self.size > self._budget:
            stalest = next(iter(self._sizes))
            self.remove(stalest)
            if stalest is body:
                body.refuse(413, f"all bodies together may have {self._budget:,} bytes")
            else:
                stalest.refuse(503, "other requests need the room that this one takes, and it has not gone on")

    def remove(self, body: Body) -> None:
        """It has arrived, or never will."""
        self.size -= self._sizes.pop(body, 0)


class Body(HTTPMessageDelegate):
    """One request with a body.

    A request that is refused for what its head says is answered before its body comes, and the body is thrown away.
    A body without a length that is too large is refused when it comes.

    Args:
        delegate: Handles the request.
        request: The request.
        bodies: All that are on their way.
        announced: Bytes that the request says it has; 0 where it does not say so.
        limit: Bytes that are received.
        refused: The handler's middleware refuses the request.
    """

    def __init__(
        self,
        delegate: HTTPMessageDelegate,
        request: HTTPServerRequest,
        bodies: Bodies,
        announced: int,
        limit: float,
        refused: bool,
    ) -> None:
        self._delegate: HTTPMessageDelegate | None = delegate  # None when it is not told any more
        self._request = request
        self._bodies = bodies
        self._announced = announced
        self._limit = limit
        self._is_refused = refused
        self._size = 0
        if asks_first(request.headers):
            request.body = bytearray()  # type: ignore[assignment]  # until it is there as a whole

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert self._delegate is not None
        ready = self._delegate.headers_received(start_line, headers)
        if self._is_refused:
            headers.pop("Expect", None)  # the client need not send the body
            if ready is None:  # otherwise the handler has been run already: the client asks before it sends
                self._delegate.finish()
            self._delegate = None
        return ready

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._size += len(chunk)
        if self._delegate is None:
            return None
        if self._size > self._limit:
            self.refuse(413, f"the body has more than {self._limit:,} bytes, which is the limit here")
            return None
        if self._size != self._announced:  # what comes in one piece waits for nothing
            self._bodies.grow(self, len(chunk))
        return self._delegate.data_received(chunk) if self._delegate else None

    def finish(self) -> None:
        self._bodies.remove(self)
        request = self._request
        if isinstance(request.body, bytearray):  # of a handler that was prepared before: Tornado reads no form in it
            request.body = bytes(request.body)
            try:
                request._parse_body()  # what a handler has to say about it holds here, too
            except HTTPInputError as error:
                self.refuse(400, f"the body cannot be read: {error}")
        if self._delegate:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        self._bodies.remove(self)
        if self._delegate:
            self._delegate.on_connection_close()

    def refuse(self, status: int, detail: str) -> None:
        """Answer and close, without the handler."""
        self._bodies.remove(self)
        delegate, self._delegate = self._delegate, None
        send_last(cast(HTTP1Connection, self._request.connection).stream, raw_problem(status, detail))
        if delegate:
            delegate.on_connection_close()
