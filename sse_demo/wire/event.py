"""One event and its bytes on the wire.

HTML standard, section 9.2.5, "Parsing an event stream" (https://html.spec.whatwg.org/multipage/server-sent-events.html):
an event is a block of ``field: value`` lines that ends with a blank line. This module writes such blocks;
:mod:`sse_demo.wire.parser` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import InvalidInput

if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import TypeVar
else:
    from typing import TypeVar

MAX_RETRY_DIGITS = 1000  # more than any delay needs, and far below what int() refuses


class _EventFields(NamedTuple):
    data: str
    event: str
    id: str | None
    retry: int | None


class Event(_EventFields):
    """One server-sent event: an immutable value. No value of a field can become another field or another event.

    Attributes:
        data: The payload, any text. Every CR, LF or CRLF in it ends a line, as on the wire: a receiver gets ``\\n``
            for each.
        event: The event type, by which a browser picks the listener. Not empty, one line.
        id: The position in the stream, which a client sends back as ``Last-Event-ID`` when it reconnects. ``None``
            sends no id, ``""`` makes the client forget its last event ID. One line, no NUL. In an event that was
            received the id is the last event ID of the stream at that point, ``None`` while there is none.
        retry: The time in milliseconds that the client waits before it reconnects. In an event that was received it is
            the last one in its block. A time right after a comment that begins the block is the stream's own.

    Raises:
        TypeError: A value has the wrong type.
        InvalidInput: The wire format has no room for a value, such as a line end in an id.

    >>> Event("hello", event="greeting", id="7").encode()
    b'event: greeting\\nid: 7\\ndata: hello\\n\\n'
    """

    __slots__ = ()

    def __new__(cls, data: str = "", event: str = "message", id: str | None = None, retry: int | None = None) -> Self:
        if not isinstance(data, str):
            raise TypeError(f"data must be a str, not {type(data).__name__}; use json.dumps(...) to send a structure")
        event = _one_line("event", event, forbidden="\r\n")
        if not event:
            raise InvalidInput("event must not be empty; leave it out to send a 'message'")
        if id is not None:
            id = _one_line("id", id, forbidden="\r\n\0")
        if retry is not None and (not isinstance(retry, int) or isinstance(retry, bool)):
            raise TypeError(f"retry must be a whole number of milliseconds, not {retry!r}")
        if retry is not None:
            retry = int(retry)
            if retry < 0:
                raise InvalidInput(f"retry must not be negative, got {retry}")
            if retry >= 10**MAX_RETRY_DIGITS:
                raise InvalidInput(f"retry must not have more than {MAX_RETRY_DIGITS} digits")
        return super().__new__(cls, _plain("data", data), event, id, retry)

    # What _replace and copy.replace use: with the same checks. mypy gives a NamedTuple's own _make a type of its kind.
    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]
        return cls(*iterable)

    def __repr__(self) -> str:
        shown = [f"data={self.data!r}"]
        if self.event != "message":
            shown.append(f"event={self.event!r}")
        if self.id is not None:
            shown.append(f"id={self.id!r}")
        if self.retry is not None:
            shown.append(f"retry={self.retry!r}")
        return f"Event({', '.join(shown)})"

    def encode(self) -> bytes:
        """The event as a block of the event stream, in UTF-8, with LF line ends."""
        lines = []
        if self.event != "message":
            lines.append(f"event: {self.event}")
        if self.id is not None:
            lines.append(f"id: {self.id}")
        if self.retry is not None:
            lines.append(f"retry: {self.retry}")
        # Not str.splitlines: it also splits at U+2028, form feeds and others, which are plain text here.
        text = self.data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
        return "\n".join([*lines, f"data: {text}\n\n"]).encode()


class _CommentFields(NamedTuple):
    text: str


class Comment(_CommentFields):
    """A line that clients ignore. An empty comment is the usual heartbeat.

    Attributes:
        text: What follows the colon, as it is. One line.

    Raises:
        TypeError: The text is no ``str``.
        InvalidInput: The text has a line end.

    >>> Comment().encode()
    b':\\n\\n'
    """

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        return super().__new__(cls, _one_line("a comment", text, forbidden="\r\n"))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]  # as in Event
        return cls(*iterable)

    def encode(self) -> bytes:
        """The comment as bytes of the event stream, with a blank line so that line-wise readers see a whole block."""
        return f":{self.text}\n\n".encode()


# What a reader of a stream gives: ``Event``, or ``Event | Comment`` where comments are asked for.
if TYPE_CHECKING:  # Python itself knows the default of a type variable from 3.13 on
    Item = TypeVar("Item", bound=Event | Comment, default=Event)
else:
    Item = TypeVar("Item")


def _one_line(name: str, value: object, *, forbidden: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    value = _plain(name, value)
    for character in forbidden:
        if character in value:
            raise InvalidInput(f"{name} must not contain {character!r}: {value!r}")
    return value


def _plain(name: str, value: str) -> str:
    """The text itself: a subclass of ``str``, such as an ``Enum``, may show another one when it is formatted."""
    value = str.__str__(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{name} contains a lone surrogate, which UTF-8 cannot carry: {error}") from None
    return value
