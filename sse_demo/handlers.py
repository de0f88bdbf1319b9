"""The HTTP side: what each address answers, and what is said when a request is wrong.

Errors are ``application/problem+json`` (RFC 9457): ``title``, ``status``, and in ``detail`` what was wrong and what
is allowed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from http import HTTPStatus
from random import uniform

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from .connection import Connection
from .event import Comment, Event, EventTooLarge
from .hub import Hub, TopicFull
from .log import LogError
from .metrics import CONTENT_TYPE
from .publisher import KeyReused
from .topics import check_topic

MAX_MESSAGES = 10_000
MAX_INTERVAL = 60.0
RETRY_AFTER = 5  # seconds, told to a client for which there is no room
MAX_KEY_LENGTH = 255
DROPPED_BODY = 16  # times the limit: the largest body that is received only to be refused
TEXT_TYPES = ("", "application/json", "application/x-www-form-urlencoded")  # the last is what curl -d sends


class Handler(RequestHandler):
    """What all handlers share: reading the query strictly, and answering errors as problems."""

    @property
    def hub(self) -> Hub:
        return self.settings["hub"]

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    def log_exception(self, kind, error, traceback) -> None:
        if not isinstance(error, HTTPError):  # the answer and the access log tell about those
            super().log_exception(kind, error, traceback)

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

    async def open_event_stream(self, hello: bytes = Comment().encode()) -> Connection:
        """Send the headers and a first block, and take the connection out of Tornado's hands."""
        connections = self.settings["connections"]
        if self.settings["draining"]:
            raise self.refusal("draining", "the server is about to stop")
        if len(connections) >= self.hub.settings.max_connections:
            raise self.refusal("server_full", f"{len(connections)} event streams are open, which is the limit")
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx would collect the stream before it passes it on
        self.set_header("Connection", "close")  # this socket will serve no other request
        self.write(hello)
        chunked = self.request.version == "HTTP/1.1"
        with contextlib.suppress(StreamClosedError):  # the client has left: when_closed tells, soon
            await self.flush()
        connection = Connection(self.detach(), chunked=chunked)
        connections.add(connection)
        connection.when_closed(lambda: connections.discard(connection))
        self._log()
        return connection

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
        error = kwargs.get("exc_info", (None, None, None))[1]
        detail = error.log_message if isinstance(error, HTTPError) and error.log_message else None
        headers = getattr(error, "headers", {})
        if status_code == 405:
            allowed = [method for method in self.SUPPORTED_METHODS if _implements(type(self), method)]
            headers = {"Allow": ", ".join(allowed)}
            detail = f"{self.request.method} is not allowed here; allowed: {', '.join(allowed) or 'none'}"
        body = {"title": HTTPStatus(status_code).phrase, "status": status_code}
        if detail:
            body["detail"] = detail.replace("%%", "%")  # HTTPError has doubled it
        for name, value in headers.items():
            self.set_header(name, str(value))
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps(body))


class NotFoundHandler(Handler):
    def prepare(self) -> None:
        raise problem(404, f"there is nothing at {self.request.path}; / shows the demo page")


class PageHandler(Handler):
    """The demo page: the browser's own EventSource."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.write(self.settings["page"])


class PingHandler(Handler):
    def get(self) -> None:
        self.write({"message": "pong"})


class HealthHandler(Handler):
    """503 while the server drains, so that a balancer sends nobody here any more."""

    def get(self) -> None:
        draining = self.settings["draining"]
        self.set_status(503 if draining else 200)
        self.write(
            {
                "status": "draining" if draining else "ok",
                "connections": len(self.settings["connections"]),
                "subscribers": len(self.hub),
            }
        )


class MetricsHandler(Handler):
    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE)
        self.write(self.hub.metrics.text())


class TenMessagesHandler(Handler):
    """The classic demo: ten messages, two seconds apart, and then no more.

    A client that comes back is given what it has not seen yet; when that is nothing, 204 tells it not to come again.
    """

    async def get(self) -> None:
        self.check_accept()
        count = self.query_number("count", 10, least=1, most=MAX_MESSAGES)
        interval = self.query_number("interval", 2.0, least=0.0, most=MAX_INTERVAL)
        first = self.first_message(count)
        if first >= count:
            self.set_status(204)
            return
        connection = await self.open_event_stream()
        gone = asyncio.Event()
        connection.when_closed(gone.set)
        for seq in range(first, count):
            if seq > first and await self.wait_until_gone(gone, interval, connection):
                return  # a client that leaves ends the loop
            data = json.dumps({"seq": seq, "time": time.strftime("%H:%M:%S")})
            connection.write(Event(data, id=str(seq)).encode())
        connection.when_drained(connection.end)

    def first_message(self, count: int) -> int:
        last_event_id = self.request.headers.get("Last-Event-ID") or self.query("last_event_id")
        if not last_event_id:
            return 0
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 10):
            raise problem(400, f"the ids of this stream are the numbers 0 to {count - 1}, not {last_event_id!r}")
        return int(last_event_id) + 1

    async def wait_until_gone(self, gone: asyncio.Event, seconds: float, connection: Connection) -> bool:
        """Wait, with a heartbeat from time to time. True, at once, when the client has left."""
        await asyncio.sleep(0)  # others have their turn, even where there is nothing to wait for
        deadline = asyncio.get_running_loop().time() + seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                async with asyncio.timeout(min(left, self.hub.settings.heartbeat)):
                    await gone.wait()
                    return True
            except TimeoutError:
                if left > self.hub.settings.heartbeat:
                    connection.write(Comment().encode())
        return connection.closed


@stream_request_body
class EventsHandler(Handler):
    """Subscribe with GET, publish with POST."""

    async def get(self) -> None:
        self.check_accept()
        topics = self.topics()
        recent = self.query_number("recent", 0, least=0, most=self.hub.settings.log_events)
        # The header wins: a browser that reconnects sends it to the same address, with the query of its first time.
        last_event_id = self.request.headers.get("Last-Event-ID") or self.query("last_event_id", "")
        try:
            cursor = self.hub.seek(topics, last_event_id, recent)
        except TopicFull as error:
            raise self.refusal("topic_full", str(error)) from None
        # When the server goes away, its clients shall not all come back in the same moment.
        settings = self.hub.settings
        jitter = uniform(-settings.retry_jitter, settings.retry_jitter)
        retry = max(0, round(settings.retry * (1 + jitter) * 1000))
        connection = await self.open_event_stream(b":\nretry: %d\n\n" % retry)
        self.hub.subscribe(connection, topics, cursor, resumes=bool(last_event_id))

    def prepare(self) -> None:
        """Look at a publisher's headers before its body is read."""
        self.body = bytearray()
        self.refused: HTTPError | None = None  # what is told once the body has been received
        if self.request.method != "POST":
            return
        length = self.request.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise problem(400, f"Content-Length must be a number, not {length!r}")
        # A client that is still sending when the connection closes never sees the answer. So a body that is too large
        # but not absurd is received and dropped, unless the client asks before it sends.
        limit = self.hub.settings.max_event_size
        asks = self.request.headers.get("Expect", "").lower() == "100-continue"
        self.check_size(int(length), limit if asks else limit * DROPPED_BODY)
        try:
            self.check_origin()
            self.check_content_type()
        except HTTPError as error:
            if asks:
                raise
            self.refused = error

    def data_received(self, chunk: bytes) -> None:
        if len(self.body) <= self.hub.settings.max_event_size:
            self.body += chunk

    async def post(self) -> None:
        if self.refused:
            raise self.refused
        self.check_size(len(self.body), self.hub.settings.max_event_size)
        topics = self.topics()
        if len(topics) > 1:
            raise problem(400, "an event is published to one topic")
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
            raise problem(400, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters")
        try:
            id = await self.hub.publish_async(topics[0], self.event(), key=self.query("key"), idempotency_key=key)
        except EventTooLarge as error:
            raise problem(413, str(error)) from None
        except KeyReused as error:
            raise problem(422, str(error)) from None
        except LogError as error:
            raise self.refusal("log", str(error)) from None
        except ValueError as error:
            raise problem(400, str(error)) from None
        self.set_status(202)
        self.write({"id": id})

    def event(self) -> Event:
        try:
            data = self.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise problem(415, f"the body must be UTF-8: {error}") from None
        retry = self.query_number("retry", -1, least=0, most=2**31 - 1)
        try:
            if self.content_type == "application/json":
                json.loads(data)
            return Event(data, event=self.query("event", "message"), retry=None if retry < 0 else retry)
        except (json.JSONDecodeError, RecursionError) as error:
            raise problem(400, f"the body is declared as JSON, and is none that can be read: {error}") from None
        except ValueError as error:
            raise problem(400, str(error)) from None

    def check_origin(self) -> None:
        origin = self.request.headers.get("Origin")
        if origin and origin.split("://")[-1] != self.request.host:
            raise problem(403, f"a page from {origin} may not publish here")

    def check_content_type(self) -> None:
        self.content_type, *parameters = (
            part.strip().lower() for part in self.request.headers.get("Content-Type", "").split(";")
        )
        if self.content_type not in TEXT_TYPES and not self.content_type.startswith("text/"):
            raise problem(415, f"an event is text or JSON, not {self.content_type}")
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
                raise problem(415, f"the body must be UTF-8, not {value}")

    def check_size(self, size: int, limit: int) -> None:
        if size > limit:
            most = self.hub.settings.max_event_size
            raise problem(413, f"the event has more than {most:,} bytes, which is the limit")


def problem(status: int, detail: str, headers: dict | None = None) -> HTTPError:
    """An error to raise: Tornado turns it into an answer through ``write_error``."""
    error = HTTPError(status, detail)
    error.headers = headers or {}
    return error


def _implements(handler: type[RequestHandler], method: str) -> bool:
    return getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower())
