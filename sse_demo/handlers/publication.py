"""What a publisher sends: is it an event, and may it be published here?"""

from __future__ import annotations

import json

from tornado.httputil import HTTPHeaders

from ..event import Event
from .base import problem

MAX_KEY_LENGTH = 255  # characters of an Idempotency-Key
DROPPED_BODY = 16  # times the limit: the largest body that is received only to be refused
TEXT_TYPES = ("", "application/json", "application/x-www-form-urlencoded")  # the last is what curl -d sends
UTF_8 = ("utf-8", "utf8", "us-ascii")


def check_length(headers: HTTPHeaders, limit: int) -> None:
    """400 for what is no length, 413 for a length that is not worth receiving.

    A client that is still sending when the connection closes never sees the answer. So a body that is too large but not
    absurd is received and dropped, unless the client asks before it sends.
    """
    length = headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise problem(400, f"Content-Length must be a number, not {length!r}")
    asks = headers.get("Expect", "").lower() == "100-continue"
    if int(length) > (limit if asks else limit * DROPPED_BODY):
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


def idempotency_key(headers: HTTPHeaders) -> str | None:
    key = headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise problem(400, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters")
    return key


def event_of(body: bytes, media_type: str, event_type: str, retry: int | None) -> Event:
    """The event that is to be published; 400 or 415 where there is none."""
    try:
        data = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise problem(415, f"the body must be UTF-8: {error}") from None
    try:
        if media_type == "application/json":
            json.loads(data)
        return Event(data, event=event_type, retry=retry)
    except (json.JSONDecodeError, RecursionError) as error:
        raise problem(400, f"the body is declared as JSON, and is none that can be read: {error}") from None
    except ValueError as error:
        raise problem(400, str(error)) from None
