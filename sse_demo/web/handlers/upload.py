"""What a publisher sends: its headers are looked at first, and then its body arrives, piece by piece."""

from __future__ import annotations

from typing import NoReturn, Protocol

from tornado.httputil import HTTPHeaders

from .handler import decoded
from .problems import Problem, problem

MAX_DIGITS = 18  # of a Content-Length; Python reads no more than some thousand
# The last but one is what curl -d sends.
TEXT_TYPES = ("", "application/json", "application/x-www-form-urlencoded", "application/x-ndjson")
UTF_8 = ("utf-8", "utf8", "us-ascii")


class Upload(Protocol):
    """A body on its way."""

    def receive(self, chunk: bytes) -> None:
        """Take the next piece."""

    def text(self) -> str:
        """The whole body, once it has arrived. Raises what is wrong with it."""


class Wanted:
    """A body that is kept up to a limit. What comes beyond it is thrown away.

    Args:
        limit: Bytes that the body may have.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._data = bytearray()

    def receive(self, chunk: bytes) -> None:
        if len(self._data) <= self._limit:
            self._data += chunk

    def text(self) -> str:
        """The whole body.

        Raises:
            Problem: 413 where it is larger than the limit, 415 where it is not UTF-8.
        """
        if len(self._data) > self._limit:
            raise too_large(self._limit)
        return decoded(bytes(self._data))


class Unwanted:
    """A body that is received only so that the client reads the answer, and thrown away.

    Args:
        answer: The error that the client is told.
    """

    def __init__(self, answer: Exception) -> None:
        self._answer = answer

    def receive(self, chunk: bytes) -> None:
        pass

    def text(self) -> NoReturn:
        raise self._answer


def asks_before_it_sends(headers: HTTPHeaders) -> bool:
    """Whether the client waits for an answer before it sends the body (RFC 9110, 10.1.1).

    Tornado gives that answer for one spelling alone, so the header has that spelling afterwards.
    """
    asks = headers.get("Expect", "").lower() == "100-continue"
    if asks:
        headers["Expect"] = "100-continue"
    return asks


def check_length(headers: HTTPHeaders, limit: float, most: float) -> None:
    """Look at the length that a publisher announces.

    Args:
        headers: The request's.
        limit: Bytes that an event may have.
        most: Bytes of the largest body that is worth receiving.

    Raises:
        Problem: 400 for what is no length, 413 for more than ``most``.
    """
    length = headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise problem(400, f"Content-Length must be a number, not {length!r}")
    if len(length) > MAX_DIGITS or int(length) > most:
        raise too_large(limit)


def media_type_of(headers: HTTPHeaders) -> str:
    """The media type, in lower case.

    Raises:
        Problem: 415 for what is no text, and for text that says that it is not UTF-8.
    """
    media_type, *parameters = (part.strip().lower() for part in headers.get("Content-Type", "").split(";"))
    if media_type not in TEXT_TYPES and not media_type.startswith("text/"):
        raise problem(415, f"an event is text or JSON, not {media_type}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in UTF_8:
            raise problem(415, f"the body must be UTF-8, not {value}")
    return media_type


def too_large(limit: float) -> Problem:
    """The answer to a body that is larger than it may be."""
    return problem(413, f"the body has more than {limit:,} bytes, which is the limit")
