"""What a publisher sends: may it be published here, and is it an event?"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from ...errors import EventTooLarge, IdempotencyConflict, LogError
from ...hub.publisher import no_number
from ...wire.event import Event
from .base import problem
from .handler import Handler

MAX_KEY_LENGTH = 255  # characters of an Idempotency-Key
MAX_DIGITS = 18  # of a Content-Length; Python reads no more than some thousand
DROPPED_BODY = 16  # times the limit: the largest body that is received only to be refused
TEXT_TYPES = ("", "application/json", "application/x-www-form-urlencoded")  # the last is what curl -d sends
UTF_8 = ("utf-8", "utf8", "us-ascii")


class Publication(Handler):
    """POST: the body of the request is the data of an event."""

    def prepare(self) -> None:
        """Look at a publisher's headers before its body is read."""
        self.body, self.refused = bytearray(), None  # the latter is told once the former has been received
        if self.request.method != "POST":
            return super().prepare()
        headers = self.request.headers
        asks = asks_before_it_sends(headers)
        check_length(headers, self.hub.settings.max_event_size, asks)
        try:
            super().prepare()
            if not self._finished:
                self.media_type = check_content_type(headers)
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
        if len(self.body) > self.hub.settings.max_event_size:
            raise too_large(self.hub.settings.max_event_size)
        topic, *more = self.topics()
        if more:
            raise problem(400, "an event is published to one topic")
        event, key = event_of(self, bytes(self.body), self.media_type), self.query("key")
        with refusals_explained(self):
            idempotency_key = idempotency_key_of(self.request.headers)
            id = await self.hub.publish_async(topic, event, key=key, idempotency_key=idempotency_key)
        self.set_status(202)
        self.write({"id": id})


def asks_before_it_sends(headers: HTTPHeaders) -> bool:
    """Has the client asked first (RFC 9110, 10.1.1)? Then in the one spelling that Tornado answers, from now on."""
    asks = headers.get("Expect", "").lower() == "100-continue"
    if asks:
        headers["Expect"] = "100-continue"
    return asks


def check_length(headers: HTTPHeaders, limit: int, asks: bool) -> None:
    """400 for what is no length, 413 for a length that is not worth receiving.

    A client that is still sending when the connection closes never sees the answer. So a body that is too large but not
    absurd is received and dropped, unless the client asks before it sends.
    """
    length = headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise problem(400, f"Content-Length must be a number, not {length!r}")
    if len(length) > MAX_DIGITS or int(length) > (limit if asks else limit * DROPPED_BODY):
        raise too_large(limit)


def too_large(limit: int) -> Exception:
    return problem(413, f"the event has more than {limit:,} bytes, which is the limit")


def check_content_type(headers: HTTPHeaders) -> str:
    """The media type, in lower case. 415 for what is no text, and for text that says that it is not UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in headers.get("Content-Type", "").split(";"))
    if media_type not in TEXT_TYPES and not media_type.startswith("text/"):
        raise problem(415, f"an event is text or JSON, not {media_type}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in UTF_8:
            raise problem(415, f"the body must be UTF-8, not {value}")
    return media_type


def idempotency_key_of(headers: HTTPHeaders) -> str | None:
    key = headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise problem(400, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters")
    return key


def event_of(handler: Handler, body: bytes, media_type: str) -> Event:
    """The event that is to be published, with the type and the retry of the query; 400 or 415 where it is none."""
    retry = handler.query_number("retry", -1, least=0, most=2**31 - 1)
    try:
        data = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise problem(415, f"the body must be UTF-8: {error}") from None
    try:
        if media_type == "application/json":
            json.loads(data, parse_constant=no_number)
        return Event(data, event=handler.query("event", "message"), retry=None if retry < 0 else retry)
    except (json.JSONDecodeError, RecursionError) as error:
        raise problem(400, f"the body is declared as JSON, and is none that can be read: {error}") from None
    except ValueError as error:
        raise problem(400, str(error)) from None


@contextmanager
def refusals_explained(handler: Handler) -> Generator[None]:
    """What the hub refuses becomes a problem."""
    try:
        yield
    except EventTooLarge as error:
        raise problem(413, str(error)) from None
    except IdempotencyConflict as error:
        raise problem(422, str(error)) from None
    except LogError as error:
        raise handler.refusal("log", str(error)) from None
    except ValueError as error:
        raise problem(400, str(error)) from None
