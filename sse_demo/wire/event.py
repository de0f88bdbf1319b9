"""One event and its bytes on the wire.

HTML standard, section 9.2.5, "Parsing an event stream" (https://html.spec.whatwg.org/multipage/server-sent-events.html):
an event is a block of ``field: value`` lines that ends with a blank line. This module writes such blocks;
:mod:`sse_demo.wire.parser` reads them.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_RETRY_DIGITS = 1000  # more than any delay needs, and far below what int() refuses


class _EventFields(NamedTuple):
    data: str
    event: str
    id: str | None
    retry: int | None


class Event(_EventFields):
    """One server-sent event: an immutable value.

    data
        The payload, any text. Every CR, LF or CRLF in it ends a line, as on the wire: a receiver gets ``\\n`` for each.
    event
        The event type, by which a browser picks the listener. Not empty, one line.
    id
        The position in the stream, which a client sends back as ``Last-Event-ID`` when it reconnects.
        ``None`` sends no id, ``""`` makes the client forget the one it has. One line, no NUL.
        In an event that was received it is the last event ID of the stream at that point, ``None`` while there is none.
    retry
        How long the client shall wait before it reconnects, in milliseconds.

    Raises ``TypeError`` for a value of the wrong type and ``ValueError`` for one that the wire format has
    no room for, such as a line end in an id: whatever is put in, it cannot become another field or another event.

    >>> Event("hello", event="greeting", id="7").encode()
    b'event: greeting\\nid: 7\\ndata: hello\\n\\n'
    """

    __slots__ = ()

    def __new__(cls, data: str = "", event: str = "message", id: str | None = None, retry: int | None = None):
        if not isinstance(data, str):
            raise TypeError(f"data must be a str, not {type(data).__name__}; use json.dumps(...) to send a structure")
        event = _one_line("event", event, forbidden="\r\n")
        if not event:
            raise ValueError("event must not be empty; leave it out to send a 'message'")
        if id is not None:
            id = _one_line("id", id, forbidden="\r\n\0")
        if retry is not None and (not isinstance(retry, int) or isinstance(retry, bool)):
            raise TypeError(f"retry must be a whole number of milliseconds, not {retry!r}")
        if retry is not None:
            retry = int(retry)
            if retry < 0:
                raise ValueError(f"retry must not be negative, got {retry}")
            if retry >= 10**MAX_RETRY_DIGITS:
                raise ValueError(f"retry must not have more than {MAX_RETRY_DIGITS} digits")
        return super().__new__(cls, _plain("data", data), event, id, retry)

    @classmethod
    def _make(cls, fields):  # what _replace and copy.replace use: with the same checks
        return cls(*fields)

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
        text = self.data.replace("\r\n", "\n").replace("\r", "\n")
        lines += [f"data: {line}" for line in text.split("\n")]
        return "\n".join([*lines, "\n"]).encode()


class _CommentFields(NamedTuple):
    text: str


class Comment(_CommentFields):
    """A line that clients ignore: ``text`` follows the colon as it is. An empty one is the usual heartbeat.

    >>> Comment().encode()
    b':\\n\\n'
    """

    __slots__ = ()

    def __new__(cls, text: str = ""):
        return super().__new__(cls, _one_line("a comment", text, forbidden="\r\n"))

    @classmethod
    def _make(cls, fields):
        return cls(*fields)

    def encode(self) -> bytes:
        """The comment as bytes of the event stream, with a blank line so that line-wise readers see a whole block."""
        return f":{self.text}\n\n".encode()


def _one_line(name: str, value: object, *, forbidden: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    value = _plain(name, value)
    for character in forbidden:
        if character in value:
            raise ValueError(f"{name} must not contain {character!r}: {value!r}")
    return value


def _plain(name: str, value: str) -> str:
    """The text itself: a subclass of ``str``, such as an ``Enum``, may show another one when it is formatted."""
    value = str.__str__(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} contains a lone surrogate, which UTF-8 cannot carry: {error}") from None
    return value
