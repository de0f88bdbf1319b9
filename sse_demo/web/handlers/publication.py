"""POST: the body of the request is the data of an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from tornado.web import HTTPError, stream_request_body

from ...errors import Rejected, SSEError
from ...hub.messages import MAX_KEY_LENGTH, Message
from ...wire.event import Event
from ...wire.strict_json import read_json
from . import ndjson
from .chain import Middleware
from .handler import Handler
from .problems import problem
from .upload import Unwanted, Upload, Wanted, asks_before_it_sends, check_length, media_type_of

READ_ASIDE_FROM = 65_536  # characters of JSON that are read in a thread: they take the event loop a millisecond

_P = ParamSpec("_P")
_T = TypeVar("_T")


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
        limit = self._limit()
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

    def _limit(self) -> float:
        """Bytes that the body may have."""
        is_batch = self.request.headers.get("Content-Type", "").startswith(ndjson.MEDIA_TYPE)
        return self.service.settings.max_batch_size if is_batch else self.hub.settings.max_event_size

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
        text = self.body_text()
        media_type = media_type_of(self.request.headers)
        self.set_status(202)
        if media_type == ndjson.MEDIA_TYPE:
            self.write({"ids": await self._publish_lines(text)})
            return
        topic = self.query.topic()
        event = self._event(text)
        # The hub reads the JSON of a state itself.
        if media_type == "application/json" and not self.hub.settings.is_state(topic):
            await _require_json(text)
        id = await self.hub.publish_async(
            topic, event, key=self.query.text("key"), idempotency_key=self._idempotency_key(MAX_KEY_LENGTH)
        )
        self.write({"id": id})

    async def _publish_lines(self, text: str) -> Sequence[str]:
        """Publish each line, all or none. What the query says holds for each line that does not say otherwise."""
        settings = self.service.settings
        topic = self.query.topic() if "topic" in self.query else ""
        key = self._idempotency_key(MAX_KEY_LENGTH - len(str(settings.max_batch)) - 1)
        default = Message(topic, self._event(""), self.query.text("key"), key)
        messages = await _read(text, ndjson.messages_in, default, settings.max_batch, settings.retry_range_ms)
        try:
            return await self.hub.publish_many_async(messages)
        except Rejected as rejected:
            ndjson.raise_for_line(text, rejected, self.hub)

    def _event(self, data: str) -> Event:
        """The event, with the type and the retry of the query."""
        retry = self.query.number("retry", 0, *self.service.settings.retry_range_ms) if "retry" in self.query else None
        try:
            return Event(data, event=self.query.text("event", "message"), retry=retry)
        except ValueError as error:
            raise problem(400, str(error)) from None

    def _idempotency_key(self, most: int) -> str | None:
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= most:
            raise problem(400, f"an Idempotency-Key has 1 to {most} characters")
        return key


async def _read(text: str, read: Callable[Concatenate[str, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What the text holds. A long one is read in a thread."""
    if len(text) < READ_ASIDE_FROM:
        return read(text, *args, **kwargs)
    return await asyncio.to_thread(read, text, *args, **kwargs)


async def _require_json(data: str) -> None:
    try:
        await _read(data, read_json)
    except ValueError as error:
        raise problem(400, f"the body is declared as JSON, and cannot be read: {error}") from None
