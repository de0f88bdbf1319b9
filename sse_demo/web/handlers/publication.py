"""POST: the body of the request is the data of an event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tornado.web import HTTPError, stream_request_body

from ...errors import SSEError
from ...wire.event import Event
from ...wire.strict_json import read_json
from .chain import Middleware
from .handler import Handler
from .problems import problem
from .upload import Unwanted, Upload, Wanted, asks_before_it_sends, check_length, media_type_of

MAX_KEY_LENGTH = 255  # characters of an Idempotency-Key
READ_ASIDE_FROM = 65_536  # characters of JSON that are read in a thread: they take the event loop a millisecond


@stream_request_body
class PublishHandler(Handler):
    """Publishes what is posted. The answer is 202, with the event's id."""

    def initialize(self, middleware: Sequence[Middleware] = ()) -> None:
        super().initialize(middleware)
        self._upload: Upload = Unwanted(problem(400, "this method takes no body"))

    def prepare(self) -> None:
        """Looks at a publisher's headers before its body is read.

        A client that sends without asking first reads the answer only once it has sent everything. So the answer to
        such a client waits until the body has been received, unless the body is absurdly large.
        """
        if self.request.method != "POST":
            super().prepare()
            return
        limit = self.hub.settings.max_event_size
        asks = asks_before_it_sends(self.request.headers)
        check_length(self.request.headers, limit, most=limit if asks else self.service.max_body_size)
        try:
            super().prepare()
            if not self._finished:
                media_type_of(self.request.headers)
                self._upload = Wanted(limit)
        except (HTTPError, SSEError) as error:
            if asks:
                raise
            self._upload = Unwanted(error)

    def data_received(self, chunk: bytes) -> None:
        """Takes the next piece of the body."""
        self._upload.receive(chunk)

    def body_text(self) -> str:
        """The body of the request as text.

        Raises:
            Problem: 413 where the body is too large, 415 where it is not UTF-8.
        """
        return self._upload.text()

    async def post(self) -> None:
        data = self.body_text()
        topic = self.query.topic()
        event = self._event(data)
        # The hub reads the JSON of a state itself.
        if media_type_of(self.request.headers) == "application/json" and not self.hub.settings.is_state(topic):
            await _require_json(data)
        id = await self.hub.publish_async(
            topic, event, key=self.query.text("key"), idempotency_key=self._idempotency_key()
        )
        self.set_status(202)
        self.write({"id": id})

    def _event(self, data: str) -> Event:
        """The event, with the type and the retry of the query."""
        retry = self.query.number("retry", 0, *self.service.settings.retry_range_ms) if "retry" in self.query else None
        try:
            return Event(data, event=self.query.text("event", "message"), retry=retry)
        except ValueError as error:
            raise problem(400, str(error)) from None

    def _idempotency_key(self) -> str | None:
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
            raise problem(400, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters")
        return key


async def _require_json(data: str) -> None:
    try:
        if len(data) < READ_ASIDE_FROM:
            read_json(data)
        else:
            await asyncio.to_thread(read_json, data)
    except ValueError as error:
        raise problem(400, f"the body is declared as JSON, and cannot be read: {error}") from None
