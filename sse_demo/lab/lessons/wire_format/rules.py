"""``RULES``: the rules by which an event stream is read, each with small streams that show whether a parser keeps it.

HTML standard, 9.2.5 "Parsing an event stream" and 9.2.6 "Interpreting an event stream". The selection is this
package's own. Left out are the field ``retry``, which is the client's and not the parser's, and streams that begin
with the last event ID of an earlier connection, which most parsers cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

Read = tuple[str, str, str]  # of an event: its type, its data, and the last event ID


class Case(NamedTuple):
    """A stream in chunks, and the events that it gives."""

    chunks: tuple[bytes, ...]
    events: tuple[Read, ...]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(map(len, self.chunks))


class Rule(NamedTuple):
    """A rule of the standard.

    Attributes:
        name: A short name, without spaces.
        text: The rule, in words.
        cases: Streams that are read rightly where the rule is kept. But for this rule they are of the plainest kind.
        short: The shortest stream that shows it. It may need other rules as well, so that it is no reason to say that
            this one is broken.
        after: The names of the rules that must be kept for the cases to say anything about this one.
        only_last: Only the last event counts.
    """

    name: str
    text: str
    cases: tuple[Case, ...]
    short: Case | None = None
    after: tuple[str, ...] = ()
    only_last: bool = False

    @property
    def is_about_cuts(self) -> bool:
        """Whether it says where a chunk may end."""
        return any(len(case.chunks) > 1 for case in self.cases)


def _events(data: Iterator[str | Read]) -> tuple[Read, ...]:
    return tuple(event if isinstance(event, tuple) else ("message", event, "") for event in data)


def _case(stream: bytes | str | tuple[bytes, ...], *events: str | Read) -> Case:
    """Of each event its data, or a tuple where it has a type or an id."""
    if isinstance(stream, str):
        stream = stream.encode()
    return Case(stream if isinstance(stream, tuple) else (stream,), _events(iter(events)))


_ = _case
MANY = 100
OTHER_LINE_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"  # to str.splitlines

RULES: tuple[Rule, ...] = (
    Rule("data", "A block with data is an event.", (_("data: x\n\n", "x"), _("data: x\n\ndata: y\n\n", "x", "y"))),
    # Data
    Rule("two-lines", "Lines of data are joined by line ends.", (_("data: x\ndata: y\n\n", "x\ny"),
         _("data: x\n" * MANY + "\n", "\n".join("x" * MANY)))),
    Rule("empty-line", "An empty line of data is a line of data.",
         (_("data:\n\n", ""), _("data:\ndata: x\n\n", "\nx"), _("data: x\ndata:\n\n", "x\n"))),
    Rule("no-data", "A block without data is no event.",
         (_("event: x\n\n"), _("id: 1\n\n")), _("id:1\n\n")),
    # A line
    Rule("no-space", "The space after the colon may be missing.", (_("data:x\n\n", "x"),)),
    Rule("value-kept", "One space after the colon is taken away, and nothing else.",
         (_("data:  x\n\n", " x"), _("data: \tx\n\n", "\tx"), _("data: x \n\n", "x "), _("data: x\0\n\n", "x\0"),
          _("data: &lt;%0A\\n\n\n", "&lt;%0A\\n"), _("data: e\u0301\n\n", "e\u0301")),
         _("data:  \n\n", " ")),
    Rule("no-colon", "A line without a colon is a name with an empty value.", (_("data\n\n", ""),),
         after=("empty-line",)),
    Rule("first-colon", "The first colon separates.", (_("data: x: y\n\n", "x: y"),), _("data::\n\n", ":")),
    Rule("comment", "A line that begins with a colon is ignored.",
         (_(": x\ndata: y\n\n", "y"), _(":data: x\n\n"), _("data: x\n:\ndata: y\n\n", "x\ny"))),
    Rule("unknown", "A line with another name is ignored.", (_("x: 1\ndata: y\n\n", "y"), _("x\ndata: y\n\n", "y"),
         _("data: x\ny\ndata: z\n\n", "x\nz"), _("data: x\n \ndata: y\n\n", "x\ny"),
         _("data: x\n\0\ndata: y\n\n", "x\ny"))),
    Rule("case", "A name has small letters.", (_("Data: x\n\n"), _("DATA: x\n\n")), _("Data\n\n")),
    Rule("untrimmed", "A space before or after a name belongs to the name.", (_(" data: x\n\n"), _("data : x\n\n")),
         _("data \n\n")),
    Rule("whole-name", "A name that only begins like a field is another one.", (_("database: x\n\n"),), _("dataa\n\n")),
    # The event type
    Rule("type", "event sets the event type.", (_("event: x\ndata: y\n\n", ("x", "y", "")),
         _("event: Message\ndata: x\n\n", ("Message", "x", ""))),
         _("event:x\ndata\n\n", ("x", "", ""))),
    Rule("no-type", "An empty event type is message.", (_("event:\ndata: x\n\n", "x"),), _("event\ndata\n\n", "")),
    Rule("type-once", "The event type is for one event only.",
         (_("event: x\ndata: y\n\ndata: z\n\n", ("x", "y", ""), "z"),),
         _("event:x\ndata\n\ndata\n\n", ("x", "", ""), ""), after=("type",)),
    Rule("type-forgotten", "The event type of a block without data is forgotten.", (_("event: x\n\ndata: y\n\n", "y"),),
         _("event:x\n\ndata\n\n", ""), after=("type",), only_last=True),
    # The last event ID
    Rule("id", "id sets the last event ID.", (_("id: 1\ndata: x\n\n", ("message", "x", "1")),),
         _("id:1\ndata\n\n", ("message", "", "1"))),
    Rule("id-stays", "The last event ID stays until another one comes.",
         (_("id: 1\ndata: x\n\ndata: y\n\n", ("message", "x", "1"), ("message", "y", "1")),),
         _("id:1\ndata\n\ndata\n\n", ("message", "", "1"), ("message", "", "1")), after=("id",)),
    Rule("id-without-data", "The id of a block without data counts.",
         (_("id: 1\n\ndata: x\n\n", ("message", "x", "1")),), _("id:1\n\ndata\n\n", ("message", "", "1")),
         after=("id-stays",), only_last=True),
    Rule("id-emptied", "An empty id takes the last event ID away.",
         (_("id: 1\ndata: x\n\nid:\ndata: y\n\n", ("message", "x", "1"), "y"),),
         _("id:1\ndata\n\nid\ndata\n\n", ("message", "", "1"), ""), after=("id-stays",)),
    Rule("id-with-nul", "An id with a NUL is ignored.", (_("id: 1\x002\ndata: x\n\n", "x"),
         _("id: 1\nid: \0\ndata: x\n\n", ("message", "x", "1"))), _("id:\0\ndata\n\n", ""), after=("id",)),
    Rule("last-counts", "The last type and the last id of a block count.",
         (_("event: x\nevent: y\nid: 1\nid: 2\ndata: z\n\n", ("y", "z", "2")),), after=("type", "id")),
    # Line ends
    Rule("crlf", "A line may end with CRLF.", (_("data: x\r\n\r\ndata: y\r\n\r\n", "x", "y"),
         _("data: x\r\ndata: y\r\n\r\n", "x\ny")), _("data\r\n\r\n", "")),
    Rule("cr", "A line may end with CR.", (_("data: x\r\rdata: y\r\r", "x", "y"), _("data: x\rdata: y\r\r", "x\ny")),
         _("data\r\r", "")),
    Rule("mixed", "Line ends may be mixed.",
         (_("data: x\n\rdata: y\n\n", "x", "y"), _("data: x\n\r\ndata: y\n\n", "x", "y"),
         _("data: x\r\ndata: y\rdata: z\n\n", "x\ny\nz")), _("data\n\rdata\n\n", "", ""), after=("crlf", "cr")),
    Rule("other-line-ends", "No other character ends a line.",
         tuple(_(f"data: x{end}y\n\n", f"x{end}y") for end in OTHER_LINE_ENDS), _("data:\f\n\n", "\f")),
    # Bytes and characters
    Rule("utf-8", "The stream is UTF-8.", (_("data: é\n\n", "é"),), _("data:é\n\n", "é")),
    Rule("invalid", "What is no UTF-8 becomes a replacement character.",
         (_(b"data: \xff\n\n", "\ufffd"), _(b"data: \xc3\n\n", "\ufffd"), _(b"data: \xed\xa0\x80\n\n", "\ufffd" * 3)),
         _(b"\xff\n")),
    Rule("bom", "A byte-order mark at the start is dropped.", (_("\ufeffdata: x\n\n", "x"),), _("\ufeffdata\n\n", "")),
    Rule("one-bom", "A second byte-order mark, or a later one, is text.",
         (_("\ufeff\ufeffdata: x\n\n"), _("data: x\n\n\ufeffdata: y\n\n", "x"), _("data: \ufeff\n\n", "\ufeff")),
         _("\n\ufeffdata\n\n"), after=("bom",)),
    # Ends and cuts
    Rule("unfinished", "What is unfinished at the end is discarded.", (_("data: x\n"), _("data: x")), _("data")),
    Rule("kept", "What is unfinished at the end of a chunk is kept for the next.",
         (_((b"da", b"ta: x\n\n"), "x"), _((b"data: x", b"\n\n"), "x"), _((b"data: x\n", b"\n"), "x"),
          _((b"data: x\n", b"data: y\n\n"), "x\ny"))),
    Rule("cut-crlf", "A chunk may end inside of a CRLF.", (_((b"data: x\r", b"\ndata: y\r\n\r\n"), "x\ny"),
         _((b"data: x\r\n\r", b"\ndata: y\r\n\r\n"), "x", "y")), _((b"data\r", b"\ndata\n\n"), "\n"),
         after=("crlf", "kept")),
    Rule("cut-character", "A chunk may end inside of a character.", (_((b"data: \xc3", b"\xa9\n\n"), "é"),),
         _((b"data:\xc3", b"\xa9\n\n"), "é"), after=("utf-8", "kept")),
    Rule("cut-bom", "A chunk may end inside of a byte-order mark.", (_((b"\xef", b"\xbb", b"\xbfdata: x\n\n"), "x"),),
         _((b"\xef\xbb", b"\xbfdata\n\n"), ""), after=("bom", "cut-character")),
)  # fmt: skip
