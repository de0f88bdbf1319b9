"""POST: the body of the request is the data of an event."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tornado.httputil import HTTPServerRequest

from ...errors import EventTooLarge, IdempotencyConflict, InvalidInput, Rejected
from ...hub.messages import MAX_KEY_LENGTH, Message
from ...wire.event import Event
from ...wire.strict_json import read_json
from ..problems import problem
from ..service import Service
from .chain import Middleware
from .handler import Handler
from .media_type import NDJSON, media_type
from .ndjson import messages_in, number_of_line, raise_for_line


class PublishHandler(Handler):
    """Publishes what is posted. The answer is 202, with the event's id, or with those of many events."""

    needs = "nothing"  # but the right to each topic

    @classmethod
    def max_body_size(cls, request: HTTPServerRequest, service: Service) -> float:
        """For many events in one request, the body may have ``max_batch_size`` bytes.

        Raises:
            Problem: 415 where the body is no text.
        """
        if request.method == "POST" and media_type(request.headers.get("Content-Type", "")) == NDJSON:
            return service.settings.max_batch_size
        return super().max_body_size(request, service)

    def initialize(self, middleware: Sequence[Middleware] = ()) -> None:
        super().initialize(middleware)
        # The body is data, and no form, whatever its type: Tornado is to read none in it.
        self.request._parse_body = _read_no_form  # type: ignore[method-assign]

    def prepare(self) -> None:
        """Passes the middleware, and looks at who publishes, and at what that one says that it sends."""
        super().prepare()
        if self.request.method == "POST" and not self._finished:
            self.require_publisher()  # before a body is sent, where the client asks first, and before it is read
            self._media_type = media_type(self.request.headers.get("Content-Type", ""))

    async def post(self) -> None:
        text = self.body_text()
        self.set_status(202)
        if self._media_type == NDJSON:
            self.write({"ids": await self._publish_lines(text)})
            return
        topic = self.query.topic()
        self.require_publish([topic])
        event = self._event(text)
        # The hub reads the JSON of a state itself.
        if self._media_type == "application/json" and not self.hub.settings.is_state(topic):
            await self._require_json(text)
            self.require_publish([topic])  # others may have been read before, and the right may have ended meanwhile
        key, idempotency_key = self.query.text("key"), self._idempotency_key(MAX_KEY_LENGTH)
        id = await self.hub.publish_async(topic, event, key=key, idempotency_key=idempotency_key)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.write(f'{{"id": {json.dumps(id)}}}')  # a text alone takes a tenth of what a dict takes

    async def _publish_lines(self, text: str) -> Sequence[str]:
        """Publish each line, all or none. What the query says holds for each line that does not say otherwise."""
        settings, aside = self.service.settings, self.service.bodies.aside
        topic = self.query.topic() if "topic" in self.query else ""
        key = self._idempotency_key(MAX_KEY_LENGTH - len(str(settings.max_batch)) - 1)
        default = Message(topic, self._event(""), self.query.text("key"), key)
        messages = await aside.read(text, messages_in, default, settings.max_batch, settings.retry_range_ms)
        self.require_publish(list(dict.fromkeys(message.topic for message in messages)))
        try:
            return await self.hub.publish_many_async(messages)
        except Rejected as rejected:
            place, cause = min(rejected.causes.items())
        except (InvalidInput, EventTooLarge, IdempotencyConflict) as error:  # of the only line
            place, cause = 0, error
        raise_for_line(await aside.read(text, number_of_line, place), cause, self.hub)

    async def _require_json(self, text: str) -> None:
        try:
            await self.service.bodies.aside.read(text, read_json)
        except ValueError as error:
            raise problem(400, f"the body is declared as JSON, and cannot be read: {error}") from None

    def _event(self, data: str) -> Event:
        """The event, with the type and the retry of the query."""
        retry = self.query.number("retry", 0, *self.service.settings.retry_range_ms) if "retry" in self.query else None
        try:
            return Event(data, event=self.query.text("event", "message"), retry=retry)
        except ValueError as error:
            raise problem(400, str(error)) from None

    def _idempotency_key(self, most: int) -> str | None:
        if "Idempotency-Key" not in self.request.headers:
            return None
        key, prefix = self.request.headers["Idempotency-Key"], ""
        if self.service.guard:  # others have keys of their own, and learn nothing of this one's
            prefix = f"{self.identity.publisher}/"
            most -= len(prefix)
        if not 0 < len(key) <= most:
            raise problem(400, f"an Idempotency-Key has 1 to {most} characters")
        return prefix + key


def _read_no_form() -> None:
    pass
