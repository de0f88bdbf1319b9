"""A request on its way through its middleware to its answer, and what becomes of an error on that way.

Errors are ``application/problem+json`` (RFC 9457): ``title``, ``status``, and in ``detail`` what was wrong and what
is allowed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Generator, Sequence

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from ...hub.connection import Connection
from ...hub.hub import Hub

#: A generator function that takes the handler and yields once. What stands before the ``yield`` happens before
#: the request is handled, what stands after it happens when the answer is ready and its headers can still be set. To
#: stop the request, raise a :func:`problem` or call ``handler.finish`` before the ``yield``. An exception that the
#: handler did not expect is raised at the ``yield``.
Middleware = Callable[["Base"], Generator[None, None, None]]

_log = logging.getLogger("sse_demo.app")


def problem(status: int, detail: str, headers: dict | None = None) -> HTTPError:
    """An error to raise: it becomes an answer of this status that tells the ``detail``."""
    error = HTTPError(status, detail)
    error.headers = headers or {}
    return error


class Base(RequestHandler):
    """What is the same for every request, whatever it asks for."""

    request_id = ""  #: given by the middleware ``request_id``
    origin_is_allowed = False  #: found out by the middleware ``cors``

    def initialize(self, middleware: Sequence[Middleware] = ()) -> None:
        self._middleware = middleware
        # Those that wait at their `yield`, the outermost first. None before the first of them had its turn.
        self._entered: list[Generator[None, None, None]] | None = None
        self._stream: Connection | None = None

    @property
    def hub(self) -> Hub:
        return self.settings["hub"]

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    @classmethod
    def allowed_methods(cls) -> list[str]:
        def implements(method: str) -> bool:
            name = {"HEAD": "get"}.get(method, method.lower())
            return getattr(cls, name) is not getattr(RequestHandler, name)

        return [method for method in cls.SUPPORTED_METHODS if implements(method)]

    def head(self, *args, **kwargs):
        """As GET. Tornado sends the headers alone."""
        return self.get(*args, **kwargs)

    def options(self, *args, **kwargs) -> None:
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.allowed_methods()))

    # The way in, and the way out

    def prepare(self) -> None:
        self._entered = []
        for middleware in self._middleware:
            generator = start(middleware, self)
            try:
                next(generator)
            except StopIteration:
                if not self._finished:
                    raise RuntimeError(f"{middleware!r} has neither yielded nor answered") from None
            else:
                self._entered.append(generator)
            if self._finished:
                return

    def flush(self, include_footers: bool = False):
        """The headers go out. Before that, each middleware may look at them and change them."""
        if not self._headers_written:
            while self._entered:
                next(self._entered.pop(), None)
        return super().flush(include_footers)

    # Errors

    def send_error(self, status_code: int = 500, **kwargs) -> None:
        """Answer with the problem, whatever fails on the way out."""
        _, error, _ = kwargs.get("exc_info") or (None, HTTPError(status_code), None)
        if self._entered is None:  # Tornado itself has refused the request
            try:
                Base.prepare(self)
            except Exception as other:  # who would have been stopped anyway is told that instead
                error = other
        if not isinstance(error, Exception):
            error = RuntimeError(f"what was awaited has ended with {error!r}")
        if self._headers_written:
            return
        for _ in range(len(self._middleware) + 2):  # each turn, there is one middleware less that could fail
            error = self._explained(error)
            if self._headers_written:  # a middleware has answered
                return
            try:
                return super().send_error(error.status_code, exc_info=(type(error), error, None))
            except Exception as other:
                error = other
                if self._headers_written:
                    break
        log_failure(self, error)
        self.request.connection.close()

    def _explained(self, error: Exception) -> HTTPError:
        """What nobody has expected is raised in each middleware, until one of them says what it comes to."""
        while self._entered and not isinstance(error, HTTPError):
            try:
                self._entered.pop().throw(error)
            except StopIteration:
                pass  # it has only looked
            except Exception as other:
                error = other
        if isinstance(error, HTTPError):
            return error
        return unexpected(self, error)

    def write_error(self, status_code: int, **kwargs) -> None:
        _, error, _ = kwargs["exc_info"]
        headers = getattr(error, "headers", {})
        detail = error.log_message % error.args if error.log_message else None
        if status_code == 405:
            allowed = ", ".join(self.allowed_methods())
            headers = {"Allow": allowed}
            detail = f"{self.request.method} is not allowed here; allowed: {allowed}"
        body = {"title": self._reason, "status": status_code}
        if detail:
            body["detail"] = detail
        if self.request_id:
            body["request_id"] = self.request_id
        for name, value in headers.items():
            self.set_header(name, str(value))
        self.set_header("Content-Type", "application/problem+json")
        self.write(json.dumps(body))

    def log_exception(self, kind, error, traceback) -> None:
        """What comes too late for an answer. All else is logged by the middleware ``recovery``."""
        if not self._headers_written or self._reader_has_left(error):
            return
        log_failure(self, error)
        if self._stream:
            self._stream.abort()  # rather no stream than one that seems to be complete
        elif not self._finished:
            self.request.connection.close()

    def _reader_has_left(self, error: Exception) -> bool:
        """An ordinary end, for a handler that flushes."""
        stream = self.request.connection.stream  # None, when it was taken out of Tornado's hands
        return isinstance(error, StreamClosedError) and stream is not None and stream.closed()


def unexpected(handler: Base, error: Exception) -> HTTPError:
    """What nobody has expected, as a problem that tells nothing of it. The log has it, with the same request id."""
    log_failure(handler, error)
    return problem(500, "this is an error of the server, and it has been logged")


def log_failure(handler: Base, error: Exception) -> None:
    """With the path alone: a query may hold what does not belong in a log."""
    request = handler.request
    _log.error("%s %s failed, request %s", request.method, request.path, handler.request_id, exc_info=error)


def start(middleware: Middleware, handler: Base) -> Generator[None, None, None]:
    """The middleware for one request, before its first step. Raises ``TypeError`` where it is none."""
    generator = middleware(handler)
    if not isinstance(generator, Generator):
        if isinstance(generator, Coroutine):
            generator.close()
        raise TypeError(f"{middleware!r} must be a generator function, with one yield")
    return generator
