"""What all handlers share: the chain of middleware, a query that is read strictly, errors that explain themselves.

Errors are ``application/problem+json`` (RFC 9457): ``title``, ``status``, and in ``detail`` what was wrong and what
is allowed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Sequence
from http import HTTPStatus

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from ..connection import Connection
from ..event import Comment
from ..hub import Hub
from ..topics import check_topic

RETRY_AFTER = 5  # seconds, told to a client for which there is no room

#: A generator function that takes the handler and yields once. What stands before the ``yield`` happens before
#: the request is handled, what stands after it happens when the answer is ready and its headers can still be set. To
#: stop the request, raise a :func:`problem` or call ``handler.finish`` before the ``yield``. An exception that the
#: handler did not expect is raised at the ``yield``.
Middleware = Callable[["Handler"], Generator[None, None, None]]


class Handler(RequestHandler):
    """A request on its way through the middleware and to its answer."""

    request_id = ""  #: given by the middleware ``request_id``
    origin_is_allowed = False  #: found out by the middleware ``cors``

    def initialize(self, middleware: Sequence[Middleware] = ()) -> None:
        self._middleware = middleware
        self._entered: list[Generator[None, None, None]] = []  # those that wait at their `yield`, the outermost first
        self._stream: Connection | None = None

    def prepare(self) -> None:
        for middleware in self._middleware:
            generator = middleware(self)
            try:
                next(generator)
            except StopIteration:
                if not self._finished:
                    raise RuntimeError(f"{middleware.__name__} has neither yielded nor answered") from None
            else:
                self._entered.append(generator)
            if self._finished:
                return

    def finish(self, chunk=None):
        self._leave_middleware()
        return super().finish(chunk)

    def send_error(self, status_code: int = 500, **kwargs) -> None:
        _, error, _ = kwargs.get("exc_info") or (None, None, None)
        while self._entered and error is not None and not isinstance(error, HTTPError):
            try:
                self._entered.pop().throw(error)
            except StopIteration:
                pass  # it has only looked
            except Exception as other:
                error = other
        if isinstance(error, HTTPError):
            status_code = error.status_code
        super().send_error(status_code, exc_info=(type(error), error, None))

    def _leave_middleware(self) -> None:
        while self._entered:
            next(self._entered.pop(), None)

    def log_exception(self, kind, error, traceback) -> None:
        """The answer tells about a problem, and the middleware ``recovery`` logs what nobody has expected."""
        if self._stream is not None and not isinstance(error, HTTPError):
            super().log_exception(kind, error, traceback)
            self._stream.abort()  # rather no stream than half of one

    @property
    def hub(self) -> Hub:
        return self.settings["hub"]

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    def options(self, *args, **kwargs) -> None:
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.allowed_methods()))

    @classmethod
    def allowed_methods(cls) -> list[str]:
        def implements(method: str) -> bool:
            return getattr(cls, method.lower()) is not getattr(RequestHandler, method.lower())

        return [method for method in cls.SUPPORTED_METHODS if implements(method)]

    def query(self, name: str, default: str | None = None) -> str | None:
        """One value of the query. Given twice, it is an error: nobody can know which was meant."""
        values = self.get_query_arguments(name, strip=False)
        if len(values) > 1:
            raise problem(400, f"{name} is given {len(values)} times, and once is allowed")
        return values[0] if values else default

    def query_number(self, name: str, default: float, least: float, most: float) -> float:
        """A number of the query, whole where the default is whole."""
        text = self.query(name)
        if text is None:
            return default
        kind = type(default)
        try:
            value = kind(text) if text.isascii() and "_" not in text else None
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise problem(
                400, f"{name} must be a {'whole ' * (kind is int)}number from {least} to {most}, not {text!r}"
            )
        return value

    def topics(self) -> list[str]:
        topics = self.get_query_arguments("topic", strip=False)
        limit = self.hub.settings.max_topics_per_connection
        if not topics:
            raise problem(400, "the query names no topic; use /events?topic=news")
        if len(topics) > limit:
            raise problem(400, f"the query names {len(topics)} topics, and {limit} are allowed")
        try:
            for topic in topics:
                check_topic(topic)
        except ValueError as error:
            raise problem(400, str(error)) from None
        return topics

    def prepare_event_stream(self) -> None:
        """Is there room for another stream? Then the headers of one."""
        connections = self.settings["connections"]
        if self.settings["draining"]:
            raise self.refusal("draining", "the server is about to stop")
        if len(connections) >= self.hub.settings.max_connections:
            raise self.refusal("server_full", f"{len(connections)} event streams are open, which is the limit")
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx would collect the stream before it passes it on

    async def open_event_stream(self, hello: bytes = Comment().encode()) -> Connection:
        """Send the headers and a first block, and take the connection out of Tornado's hands."""
        self.prepare_event_stream()
        connections = self.settings["connections"]
        self.set_header("Connection", "close")  # this socket will serve no other request
        self._leave_middleware()
        self.write(hello)
        chunked = self.request.version == "HTTP/1.1"
        with contextlib.suppress(StreamClosedError):  # the client has left: when_closed tells, soon
            await self.flush()
        connection = self._stream = Connection(self.detach(), chunked=chunked)
        connections.add(connection)
        connection.when_closed(lambda: connections.discard(connection))
        return connection

    async def send_stream_head(self) -> None:
        """The answer to HEAD: the headers that the stream would have, and no stream."""
        self.prepare_event_stream()
        self._leave_middleware()
        await self.flush()

    def refusal(self, reason: str, detail: str) -> HTTPError:
        self.hub.metrics.refused.labels(reason).inc()
        return problem(503, detail, {"Retry-After": RETRY_AFTER})

    def check_accept(self) -> None:
        """406 for a client that says it does not take event streams. Saying nothing means anything goes."""
        accept = self.request.headers.get("Accept", "*/*")
        quality = {}
        for item in accept.lower().split(","):
            media_range, *parameters = (part.strip() for part in item.split(";"))
            quality[media_range] = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        for media_range in ("text/event-stream", "text/*", "*/*"):  # the most specific decides: RFC 9110, 12.5.1
            if media_range in quality:
                if quality[media_range].strip("0."):
                    return
                break
        raise problem(406, f"this address sends text/event-stream, which Accept: {accept} excludes")

    def write_error(self, status_code: int, **kwargs) -> None:
        error = kwargs["exc_info"][1]
        detail = error.log_message if isinstance(error, HTTPError) and error.log_message else None
        headers = getattr(error, "headers", {})
        if status_code == 405:
            allowed = ", ".join(self.allowed_methods())
            headers = {"Allow": allowed}
            detail = f"{self.request.method} is not allowed here; allowed: {allowed}"
        body = {"title": HTTPStatus(status_code).phrase, "status": status_code}
        if detail:
            body["detail"] = detail.replace("%%", "%")  # HTTPError has doubled it
        if self.request_id:
            body["request_id"] = self.request_id
        for name, value in headers.items():
            self.set_header(name, str(value))
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps(body))


def problem(status: int, detail: str, headers: dict | None = None) -> HTTPError:
    """An error to raise: it becomes an answer of this status that tells the ``detail``."""
    error = HTTPError(status, detail)
    error.headers = headers or {}
    return error
