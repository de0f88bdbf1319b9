"""``/events``: subscribe with GET, publish with POST."""

from __future__ import annotations

from random import uniform

from tornado.web import HTTPError, stream_request_body

from ..cursor import Cursor
from ..event import Event, EventTooLarge
from ..hub import TopicFull
from ..log import LogError
from ..publisher import KeyReused
from ..settings import Settings
from .base import Handler, problem
from .publication import check_content_type, check_length, event_of, idempotency_key, too_large


@stream_request_body
class EventsHandler(Handler):
    """The methods are short; what a publication has to be is told in :mod:`sse_demo.handlers.publication`."""

    async def get(self) -> None:
        self.check_accept()
        topics, cursor, resumes = self.place()
        connection = await self.open_event_stream(_hello(self.hub.settings))
        self.hub.subscribe(connection, topics, cursor, resumes=resumes)

    async def head(self) -> None:
        self.check_accept()
        self.place()
        await self.send_stream_head()

    def place(self) -> tuple[list[str], Cursor, bool]:
        """The topics, the place from which they are read, and whether the client has been here before."""
        topics = self.topics()
        recent = self.query_number("recent", 0, least=0, most=self.hub.settings.log_events)
        # The header wins: a browser that reconnects sends it to the same address, with the query of its first time.
        last_event_id = self.request.headers.get("Last-Event-ID") or self.query("last_event_id", "")
        try:
            return topics, self.hub.seek(topics, last_event_id, recent), bool(last_event_id)
        except TopicFull as error:
            raise self.refusal("topic_full", str(error)) from None

    def prepare(self) -> None:
        """Look at a publisher's headers before its body is read."""
        self.body = bytearray()
        self.refused: HTTPError | None = None  # what is told once the body has been received
        super().prepare()
        if self._finished or self.request.method != "POST":
            return
        headers = self.request.headers
        check_length(headers, self.hub.settings.max_event_size)
        try:
            self.check_origin()
            self.media_type = check_content_type(headers)
        except HTTPError as error:
            if headers.get("Expect", "").lower() == "100-continue":
                raise
            self.refused = error

    def data_received(self, chunk: bytes) -> None:
        if len(self.body) <= self.hub.settings.max_event_size:
            self.body += chunk

    async def post(self) -> None:
        if self.refused:
            raise self.refused
        if len(self.body) > self.hub.settings.max_event_size:
            raise too_large(self.hub.settings.max_event_size)
        topics = self.topics()
        if len(topics) > 1:
            raise problem(400, "an event is published to one topic")
        id = await self.publish(topics[0], idempotency_key(self.request.headers))
        self.set_status(202)
        self.write({"id": id})

    async def publish(self, topic: str, idempotency_key: str | None) -> str:
        """The hub's id. What the hub refuses becomes a problem."""
        try:
            return await self.hub.publish_async(
                topic, self.event(), key=self.query("key"), idempotency_key=idempotency_key
            )
        except EventTooLarge as error:
            raise problem(413, str(error)) from None
        except KeyReused as error:
            raise problem(422, str(error)) from None
        except LogError as error:
            raise self.refusal("log", str(error)) from None
        except ValueError as error:
            raise problem(400, str(error)) from None

    def event(self) -> Event:
        retry = self.query_number("retry", -1, least=0, most=2**31 - 1)
        event_type = self.query("event", "message")
        return event_of(bytes(self.body), self.media_type, event_type, None if retry < 0 else retry)

    def check_origin(self) -> None:
        """Any page in a browser can send a POST to any server. Only our own and those that are allowed may publish."""
        origin = self.request.headers.get("Origin")
        if origin and not self.origin_is_allowed and origin.split("://")[-1] != self.request.host:
            raise problem(403, f"a page from {origin} may not publish here")


def _hello(settings: Settings) -> bytes:
    """When the server goes away, its clients shall not all come back in the same moment."""
    jitter = uniform(-settings.retry_jitter, settings.retry_jitter)
    return b":\nretry: %d\n\n" % max(0, round(settings.retry * (1 + jitter) * 1000))
