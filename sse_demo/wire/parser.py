"""Bytes in, events out: the parser of the HTML standard, sections 9.2.5 and 9.2.6, with no input or output of its own.

How it works, and why:

* The bytes are cut at line ends first and decoded after. A line end is never part of a longer UTF-8 sequence, so
  a complete line can be decoded on its own, and no character is ever cut in two.
* A CR ends its line at once. Whether it is the first half of a CRLF is known only with the next byte; that LF, if it
  comes, is dropped then. Waiting for it would hold back the last event of a stream that ends its lines with CR.
* An unfinished line is kept in pieces and joined once, when its end has come, so the time is linear in the number
  of bytes, however they are cut.
* Most blocks look alike: perhaps ``event`` and ``id``, then ``data``. In a long chunk a run of such blocks is read by
  one regular expression (``_read_blocks``). The loop in ``_read_lines`` reads everything and gives the same
  result: without the fast lane all tests pass, in twice the time.
"""

from __future__ import annotations

import re
from typing import Any, Generic, Literal, NoReturn, overload

from ..errors import EventTooLarge
from .event import MAX_RETRY_DIGITS, Comment, Event, Item

MAX_EVENT_SIZE = 1024 * 1024
FAST_LANE_FROM = 1024  # bytes; in fewer the fast lane has not got going

_BOM = b"\xef\xbb\xbf"
_CR = 13  # as a number: looking for one byte is four times as fast as looking for a string of one
# Groups: id, event, one line of data or several, and last all that is left where a block is not of the usual kind. The
# text has lost its last line end, hence the \Z. Possessive quantifiers (++) never go back over what they took, which
# keeps it linear.
_usual_blocks = re.compile(
    r"(?:id: ?+([^\n\0]++)\n|event: ?+([^\n]++)\n)*+"
    r"data: ?+(?:([^\n]++)\n(?:\n|\Z)|([^\n]*+(?:\ndata: [^\n]*+)++)\n(?:\n|\Z))|([\s\S]++)"
).findall

_received = tuple.__new__  # an Event without the checks of Event(...): what came over the wire cannot break them


class EventStreamParser(Generic[Item]):
    """A parser for one event stream.

    ``EventStreamParser()`` gives each :class:`Event`. ``EventStreamParser(comments=True)`` gives each
    :class:`Comment`, too; for type checkers it is an ``EventStreamParser[Event | Comment]``.

    Args:
        last_event_id: The id that the client has sent as ``Last-Event-ID``; the stream goes on after it.
        max_event_size: The most bytes in one line, and the most characters in the data of one event.
        comments: Give each comment in its place among the events, as soon as its line is complete.

    Attributes:
        last_event_id: The id to send as ``Last-Event-ID`` with the next connection; ``""`` when there is none.
        retry: The reconnection time that the stream has asked for, in milliseconds; ``None`` while there is none.
        max_event_size: As given.

    >>> parser = EventStreamParser()
    >>> parser.feed(b"data: one\\n\\ndata: tw")
    [Event(data='one')]
    >>> parser.feed(b"o\\nid: 2\\n\\n")
    [Event(data='two', id='2')]
    >>> parser.last_event_id, parser.retry
    ('2', None)
    """

    @overload
    def __init__(
        self: EventStreamParser[Event],
        last_event_id: str = "",
        max_event_size: int = MAX_EVENT_SIZE,
        comments: Literal[False] = False,
    ) -> None: ...
    @overload
    def __init__(
        self: EventStreamParser[Event | Comment],
        last_event_id: str = "",
        max_event_size: int = MAX_EVENT_SIZE,
        *,
        comments: bool,
    ) -> None: ...
    def __init__(self, last_event_id: str = "", max_event_size: int = MAX_EVENT_SIZE, comments: bool = False) -> None:
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self.max_event_size = max_event_size
        self._comments = comments
        self._short = min(max_event_size, FAST_LANE_FROM)
        # Bytes that do not make a whole line yet.
        self._start: bytes | None = b""  # the first one or two bytes, as long as they may become a byte-order mark
        self._after_cr = False
        self._pieces: list[bytes] = []
        self._pieces_size = 0
        # The block whose blank line has not come yet; the standard calls these its buffers.
        self._data: list[str] = []
        self._data_size = 0  # characters in the first _data_counted lines of _data, each with its line end
        self._data_counted = 0
        self._event = ""
        self._id = last_event_id
        self._retry: int | None = None
        self._began_with_comment = False

    def feed(self, chunk: bytes) -> list[Item]:
        """Return the events that are complete with these bytes, and the comments if they were asked for.

        Chunks may be cut anywhere; the result is the same. At the end of a stream the unfinished rest is discarded, as
        the standard says: just drop the parser.

        Raises:
            EventTooLarge: A line or an event is larger than ``max_event_size``. The parser cannot go on; reconnect
                with a new one.
            TypeError: The chunk is not of bytes.
        """
        if type(chunk) is not bytes:
            chunk = _as_bytes(chunk)
        if self._start is not None:
            chunk = self._without_bom(self._start + chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if _CR in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

        out: list[Any] = []
        pieces = self._pieces
        lines, newline, rest = chunk.rpartition(b"\n")
        if newline:
            if pieces:
                lines = b"".join((*pieces, lines))
                pieces.clear()
                self._pieces_size = 0
            if len(lines) <= self._short:
                self._read_lines(lines.decode("utf-8", "replace"), out)
            elif len(lines) <= self.max_event_size:
                self._read_blocks(lines.decode("utf-8", "replace"), out)
            else:
                self._read_long_text(lines, out)
        if rest:
            pieces.append(rest)
            self._pieces_size += len(rest)
            if self._pieces_size > self.max_event_size:
                self._too_large("a line", out)
        return out

    def _read_lines(self, text: str, out: list[Event | Comment]) -> None:
        """Interpret complete lines, given without the last line end: "event stream interpretation", 9.2.6."""
        if self._data_size + len(text) > self.max_event_size and "\n" in text:
            for line in text.split("\n"):  # the limit may be met: find out at which line
                self._read_lines(line, out)
            return
        data, event, id, retry = self._data, self._event, self._id, self._retry
        for line in text.split("\n"):
            if not line:  # a blank line: dispatch the event
                self.last_event_id = id
                if data:
                    out.append(_received(Event, ("\n".join(data), event or "message", id or None, retry)))
                    data.clear()
                    self._data_size = self._data_counted = 0
                event, retry, self._began_with_comment = "", None, False
            elif line[:6] == "data: ":
                data.append(line[6:])
            elif line[:4] == "id: " and "\0" not in line:
                id = line[4:]
            elif line[:7] == "event: ":
                event = line[7:]
            else:
                field, _, value = line.partition(":")
                if not field:
                    if not (data or event or retry is not None or id != self.last_event_id):
                        self._began_with_comment = True
                    if self._comments:
                        out.append(_received(Comment, (value,)))
                    continue
                value = value.removeprefix(" ")
                if field == "data":
                    data.append(value)
                elif field == "event":
                    event = value
                elif field == "id":
                    if "\0" not in value:
                        id = value
                # isdigit alone accepts "²" and other scripts' digits; int alone accepts "+5" and "1_000".
                elif field == "retry" and value.isascii() and value.isdigit() and len(value) <= MAX_RETRY_DIGITS:
                    self.retry = int(value)
                    # The hello of this package's server, a comment and the reconnection time, has no blank line. So it
                    # is in one block with the first event, and the time is the stream's, and not that event's.
                    if not self._began_with_comment or data or event or id != self.last_event_id:
                        retry = self.retry

        self._event, self._id, self._retry = event, id, retry
        if data:
            new = data[self._data_counted :]
            self._data_counted = len(data)
            self._data_size += sum(map(len, new)) + len(new)
            if self._data_size > self.max_event_size + 1:
                self._too_large("an event", out)

    def _read_blocks(self, text: str, out: list[Event | Comment]) -> None:
        """The same, faster: a run of usual blocks at once, what comes before and after it line by line."""
        unfinished, blank, text = text.partition("\n\n")
        self._read_lines(unfinished + "\n" if blank else unfinished, out)
        if not text:
            return
        blocks = _usual_blocks(text)
        unusual = blocks.pop()[-1] if blocks[-1][-1] else ""
        id = self._id or None
        out += [
            _received(Event, (line or lines.replace("\ndata: ", "\n"), event or "message", (id := new_id or id), None))
            for new_id, event, line, lines, _ in blocks
        ]
        self.last_event_id = self._id = id or ""
        if unusual:
            self._read_lines(unusual, out)

    def _read_long_text(self, lines: bytes, out: list[Event | Comment]) -> None:
        """The same for a text that is larger than the limit: read up to the first line that is, if there is one."""
        end = 0
        for line in lines.split(b"\n"):
            if len(line) > self.max_event_size:
                if end:
                    self._read_lines(lines[: end - 1].decode("utf-8", "replace"), out)
                self._too_large("a line", out)
            end += len(line) + 1
        self._read_lines(lines.decode("utf-8", "replace"), out)

    def _without_bom(self, start: bytes) -> bytes:
        """Drop one byte-order mark from the start of the stream. It may come in three chunks."""
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _too_large(self, what: str, events: list[Event | Comment]) -> NoReturn:
        raise EventTooLarge(
            f"the stream has {what} of more than {self.max_event_size} bytes; a larger max_event_size would accept it",
            events,
        )


def _as_bytes(chunk: object) -> bytes:
    if isinstance(chunk, (bytearray, memoryview, bytes)):
        return bytes(chunk)
    raise TypeError(f"the parser takes bytes as they come from the network, not {type(chunk).__name__}")
