"""The bodies of requests on their way: how large each may become, and all of them together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.web import HTTPError

from .raw_answers import raw_problem

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


def too_large(limit: float) -> Callable[[object], Generator[None, None, None]]:
    """A middleware that refuses a request with 413, because of the length that it announces (RFC 9110, 15.5.14)."""

    def refuse(handler: object) -> Generator[None, None, None]:
        raise HTTPError(413, f"the body has more than {limit:,} bytes, which is the limit here")
        yield

    return refuse


class Bodies:
    """All bodies that are on their way. When they take too much room, the one that has waited longest is refused.

    So bodies that never come to an end keep out nobody: those that grow are behind them.

    Args:
        budget: Bytes.

    Attributes:
        size: Bytes that are there of all bodies.
    """

    def __init__(self, budget: float) -> None:
        self.size = 0
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

    Where the length that is announced is too large, the handler is run before the body comes, and refuses it. A larger
    body without a length is refused when it comes.

    Args:
        delegate: Handles the request.
        bodies: All that are on their way.
        limit: Bytes that are received.
        kept: Bytes that are kept of it at the most; 0 where the handler has no use for it.
        send: Sends a last answer, and closes.
    """

    def __init__(
        self,
        delegate: HTTPMessageDelegate,
        bodies: Bodies,
        limit: float,
        kept: float,
        send: Callable[[bytes], None],
    ) -> None:
        self._delegate: HTTPMessageDelegate | None = delegate  # None when it is not told any more
        self._bodies = bodies
        self._limit = limit
        self._kept = kept
        self._send = send
        self._size = 0

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert self._delegate is not None
        ready = self._delegate.headers_received(start_line, headers)
        if ready is None and announced_length(headers) > self._limit:
            self._delegate.finish()  # the handler refuses the request
            self._delegate = None
        return ready

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        before = self._size
        self._size += len(chunk)
        if self._delegate is None:
            return None
        if self._size > self._limit:
            self.refuse(413, f"the body has more than {self._limit:,} bytes, which is the limit here")
            return None
        if self._kept:
            self._bodies.grow(self, int(min(self._size, self._kept) - min(before, self._kept)))
        return self._delegate.data_received(chunk) if self._delegate and self._kept else None

    def finish(self) -> None:
        self._bodies.remove(self)
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
        self._send(raw_problem(status, detail))
        if delegate:
            delegate.on_connection_close()
