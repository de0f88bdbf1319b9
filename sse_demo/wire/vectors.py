"""Streams of bytes with the events they must give, one for each rule of the standard.

HTML standard, 9.2.5 "Parsing an event stream" and 9.2.6 "Interpreting an event stream". Lesson 2 and the tests of the
parser hold parsers against them.

The vectors with a ``start_id`` are the exception. By 9.2.6 each stream begins with an empty last event ID buffer.
Browsers begin a stream after a reconnection with the last event ID of the one before, and so does this package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Vector(NamedTuple):
    """A stream, the events it gives, and the state in which it leaves the parser.

    Attributes:
        name: A short name, without spaces.
        rule: The rule of the standard, in words.
        stream: The bytes.
        events: For each event its type, its data and the last event ID, ``""`` when there is none.
        last_event_id: The last event ID at the end of the stream.
        retry: The reconnection time at the end of the stream, in milliseconds.
        comments: For each comment the text after the colon, as it is.
        start_id: The last event ID with which the stream starts, as browsers do it and 9.2.6 does not.
    """

    name: str
    rule: str
    stream: bytes
    events: tuple[tuple[str, str, str], ...] = ()
    last_event_id: str = ""
    retry: int | None = None
    comments: tuple[str, ...] = ()
    start_id: str = ""


def cuts(stream: bytes) -> Iterator[list[bytes]]:
    """The stream as one chunk, in two chunks cut at every place, and byte by byte."""
    yield [stream]
    for n in range(1, len(stream)):
        yield [stream[:n], stream[n:]]
    yield [stream[n : n + 1] for n in range(len(stream))]


def _message(data: str, id: str = "") -> tuple[str, str, str]:
    return "message", data, id


V = Vector
VECTORS: tuple[Vector, ...] = (
    # Fields
    V("data", "A block with data is an event of type message.", b"data: tea\n\n", (_message("tea"),)),
    V("event-type", "event sets the type.", b"event: order\ndata: tea\n\n", (("order", "tea", ""),)),
    V("id", "id sets the last event ID.", b"id: 12\ndata: tea\n\n", (_message("tea", "12"),), "12"),
    V("retry", "retry sets the reconnection time.", b"retry: 1500\ndata: tea\n\n", (_message("tea"),), retry=1500),
    V("comment", "A line that starts with a colon is ignored.", b": kettle\ndata: tea\n\n", (_message("tea"),),
      comments=(" kettle",)),
    V("comment-empty", "A colon alone is a comment.", b":\n\n", comments=("",)),
    V("comment-with-colon", "What a comment says does not matter.", b":data: no\ndata: yes\n\n", (_message("yes"),),
      comments=("data: no",)),
    V("unknown-field", "A field with an unknown name is ignored.", b"colour: green\ndata: tea\n\n", (_message("tea"),)),
    V("order-of-fields", "The order of the fields does not matter.", b"data: tea\nid: 3\nevent: order\n\n",
      (("order", "tea", "3"),), "3"),
    V("case", "Field names are case-sensitive.", b"Data: no\nDATA: no\ndata: yes\n\n", (_message("yes"),)),
    V("name-not-trimmed", "A space before the colon belongs to the name.", b"data : no\ndata: yes\n\n", (_message("yes"),)),
    V("name-indented", "A space before the name belongs to it.", b" data: no\ndata: yes\n\n", (_message("yes"),)),
    # The value
    V("no-space", "The space after the colon may be missing.", b"data:tea\n\n", (_message("tea"),)),
    V("one-space-only", "One space after the colon is taken away, not two.", b"data:  tea\n\n", (_message(" tea"),)),
    V("tab-kept", "A tab after the colon is part of the value.", b"data:\ttea\n\n", (_message("\ttea"),)),
    V("end-kept", "Spaces at the end of a value are kept.", b"data: tea  \n\n", (_message("tea  "),)),
    V("colons-in-value", "Only the first colon separates.", b"data: 16:05: tea\n\n", (_message("16:05: tea"),)),
    V("no-colon", "A line without a colon is a name with an empty value.", b"data\ndata: tea\n\n", (_message("\ntea"),)),
    V("prefix-of-a-name", "A name that only starts like a field is another name.", b"database: no\ndata: yes\n\n",
      (_message("yes"),)),
    # Data
    V("two-lines", "Several data lines are joined by line ends.", b"data: one\ndata: two\n\n", (_message("one\ntwo"),)),
    V("empty-line-inside", "An empty data line is a line.", b"data: one\ndata:\ndata: two\n\n", (_message("one\n\ntwo"),)),
    V("data-around-fields", "Data lines are joined across other fields.", b"data: one\nid: 4\ndata: two\n\n",
      (_message("one\ntwo", "4"),), "4"),
    V("empty-data", "An empty data line makes an event with empty data.", b"data:\n\n", (_message(""),)),
    V("empty-data-no-colon", "The name data alone makes one, too.", b"data\n\n", (_message(""),)),
    V("two-empty-lines", "Two empty data lines are one line end.", b"data\ndata\n\n", (_message("\n"),)),
    V("data-looks-like-a-field", "Data may look like another field.", b"data: event: no\n\n", (_message("event: no"),)),
    V("data-json", "Data may be JSON over several lines.", b'data: {"tea":\ndata:  2}\n\n', (_message('{"tea":\n 2}'),)),
    # Blocks without data
    V("no-data", "A block without data is no event.", b"event: order\n\n"),
    V("type-forgotten", "The event type of a block without data is forgotten.", b"event: order\n\ndata: tea\n\n", (_message("tea"),)),
    V("id-without-data", "The id of a block without data counts all the same.", b"id: 5\n\ndata: tea\n\n", (_message("tea", "5"),), "5"),
    V("only-an-id", "A stream may move the last event ID without any event.", b"id: 6\n\n", last_event_id="6"),
    V("only-a-retry", "A stream may set the reconnection time without any event.", b"retry: 20\n\n", retry=20),
    V("blank-lines", "Blank lines alone are nothing.", b"\n\n\n\n"),
    V("more-blank-lines", "More than one blank line between events changes nothing.", b"data: one\n\n\n\ndata: two\n\n",
      (_message("one"), _message("two"))),
    # The event type
    V("type-for-one-event", "The type holds for one event only.", b"event: order\ndata: tea\n\ndata: milk\n\n",
      (("order", "tea", ""), _message("milk"))),
    V("last-type", "The last type of a block counts.", b"event: order\nevent: bill\ndata: tea\n\n", (("bill", "tea", ""),)),
    V("empty-type", "An empty type is the type message.", b"event: order\nevent:\ndata: tea\n\n", (_message("tea"),)),
    V("type-as-it-is", "A type may have spaces and colons.", b"event:  a: b \ndata: tea\n\n", ((" a: b ", "tea", ""),)),
    # The id
    V("id-stays", "The id stays until the next one.", b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n",
      (_message("a", "1"), _message("b", "1"), _message("c", "2")), "2"),
    V("id-emptied", "An empty id takes the last event ID away.", b"id: 1\ndata: a\n\nid:\ndata: b\n\n",
      (_message("a", "1"), _message("b"))),
    V("id-emptied-no-colon", "The name id alone takes it away, too.", b"id: 1\ndata: a\n\nid\ndata: b\n\n", (_message("a", "1"), _message("b"))),
    V("id-with-nul", "An id with a NUL is ignored.", b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n",
      (_message("a", "1"), _message("b", "1")), "1"),
    V("id-is-text", "An id is text, and no number.", b"id: 007/tea \xc3\xa9\ndata: a\n\n", (_message("a", "007/tea é"),), "007/tea é"),
    V("id-at-the-blank-line", "An id counts from its blank line on.", b"id: 1\ndata: a\n\nid: 2\n", (_message("a", "1"),), "1"),
    V("last-id", "The last id of a block counts.", b"id: 1\nid: 2\ndata: a\n\n", (_message("a", "2"),), "2"),
    V("start-id", "A resumed stream starts with the id of the one before.", b"data: a\n\n", (_message("a", "41"),), "41",
      start_id="41"),
    V("start-id-replaced", "A resumed stream goes on with its own ids.", b"id: 42\ndata: a\n\n", (_message("a", "42"),), "42", start_id="41"),
    # retry
    V("retry-at-once", "retry counts at once, without a blank line.", b"retry: 700\n", retry=700),
    V("retry-zeros", "Zeros at the beginning of a retry do not matter.", b"retry: 0090\n\n", retry=90),
    V("retry-large", "A retry may be very large.", b"retry: 123456789012345678901\n\n", retry=123456789012345678901),
    V("retry-plus", "A retry with a plus sign is ignored.", b"retry: 10\nretry: +5\n\n", retry=10),
    V("retry-minus", "A retry with a minus sign is ignored.", b"retry: 10\nretry: -5\n\n", retry=10),
    V("retry-underscore", "A retry with an underscore is ignored.", b"retry: 10\nretry: 1_000\n\n", retry=10),
    V("retry-decimal", "A retry with a point is ignored.", b"retry: 10\nretry: 2.5\n\n", retry=10),
    V("retry-spaces", "A retry with a space is ignored, after the one that belongs to the colon.", b"retry: 10\nretry:  5\nretry: 5 \n\n", retry=10),
    V("retry-empty", "An empty retry is ignored.", b"retry: 10\nretry:\nretry\n\n", retry=10),
    V("retry-superscript", "A retry with digits other than 0 to 9 is ignored.", "retry: 10\nretry: 5²\nretry: ٥\nretry: ５\n\n".encode(), retry=10),
    # Line ends
    V("cr", "A line may end with CR.", b"id: 1\rdata: a\r\rdata: b\r\r", (_message("a", "1"), _message("b", "1")), "1"),
    V("crlf", "A line may end with CRLF.", b"id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n",
      (_message("a", "1"), _message("b", "1")), "1"),
    V("mixed", "One stream may mix them.", b"data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\r\n", (_message("a\nb\nc"), _message("d"))),
    V("lf-cr", "LF and then CR are two line ends.", b"data: a\n\rdata: b\n\n", (_message("a"), _message("b"))),
    V("other-line-ends", "No other character ends a line.", "data: a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\n\n".encode(),
      (_message("a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"),)),
    # The start of the stream
    V("bom", "A byte-order mark at the start is dropped.", b"\xef\xbb\xbfdata: a\n\n", (_message("a"),)),
    V("bom-once", "Only one byte-order mark is dropped.", b"\xef\xbb\xbf\xef\xbb\xbfdata: no\n\ndata: yes\n\n", (_message("yes"),)),
    V("bom-later", "A byte-order mark later in the stream is a character like any other.", b"data: a\n\n\xef\xbb\xbfdata: no\n\ndata: \xef\xbb\xbfb\n\n",
      (_message("a"), _message("\ufeffb"))),
    V("bom-before-a-comment", "A byte-order mark is dropped before a comment, too.", b"\xef\xbb\xbf: hi\ndata: a\n\n", (_message("a"),),
      comments=(" hi",)),
    V("half-a-bom", "Half a byte-order mark is not dropped.", b"\xef\xbbdata: no\n\ndata: yes\n\n", (_message("yes"),)),
    V("bom-and-nothing", "A stream may end after its byte-order mark.", b"\xef\xbb\xbf"),
    # UTF-8
    V("utf-8", "The stream is UTF-8.", "data: tschüß 茶 🍵\n\n".encode(), (_message("tschüß 茶 🍵"),)),
    V("utf-8-type", "Event types are UTF-8, too.", "event: thé\ndata: a\n\n".encode(), (("thé", "a", ""),)),
    V("invalid", "What is no UTF-8 becomes a replacement character.", b"data: a\xffb\xc3\n\n", (_message("a\ufffdb\ufffd"),)),
    V("invalid-half", "Half a character becomes one replacement character.", b"data: \xe8\x8cx\xf0\x9f\x8dy\n\n", (_message("\ufffdx\ufffdy"),)),
    V("invalid-surrogate", "Each byte of an encoded surrogate becomes a replacement character.", b"data: \xed\xa0\x80\n\n", (_message("\ufffd\ufffd\ufffd"),)),
    V("invalid-overlong", "Each byte of an overlong form becomes a replacement character.", b"data: \xc0\x8a\n\n", (_message("\ufffd\ufffd"),)),
    V("nul-in-data", "A NUL in data is data.", b"data: a\x00b\n\n", (_message("a\x00b"),)),
    # The end of the stream
    V("unfinished-block", "An event whose blank line never came is discarded.", b"data: a\n\ndata: b\n", (_message("a"),)),
    V("unfinished-line", "A line without its end is discarded.", b"data: a\n\ndata: b", (_message("a"),)),
    V("unfinished-retry", "A retry without its line end is discarded.", b"retry: 10\n\nretry: 20", retry=10),
    V("empty-stream", "A stream may be empty.", b""),
    # Size
    V("long-line", "A line may be long.", b"data: " + b"tea " * 500 + b"\n\n", (_message("tea " * 500),)),
    V("many-events", "A stream may have many events.", b"".join(b"id: %d\ndata: cup\n\n" % n for n in range(40)),
      tuple(_message("cup", str(n)) for n in range(40)), "39"),
)  # fmt: skip
