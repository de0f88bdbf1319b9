"""The checks of lesson 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ...wire.parser import EventStreamParser
from ...wire.vectors import VECTORS
from ..lessons.wire_format.judge import Contestant, judge
from ..lessons.wire_format.rules import OTHER_LINE_ENDS, RULES, Read
from ..views.report import Report
from .exercise import Exercise
from .words import Words

ENDS = ("\n", "\r", "\r\n")
VALUE = ' A: é\u2028\t<&"%{}\\n '  # of an event type or an id: all in it is text
MARKUP = '{"a": "<b>&amp;</b> %0A \\n"}'  # of data: all in it is text, too
ODD = (
    b"\xef\xbb\xbfdata: one\rdata: two\r\r"
    b"id: 1\x002\ndata: three\n\n"
    b"event: ping\nid: 9\n\n"
    b"data:four\n\n"
    b"id: 10\ndata: five\n"
)


REFUSED = Words("a ValueError")
HARMLESS = Words("one event, with all of it as data")
NOTHING_ELSE = Words("an error, or the event as it is without it")
KEPT = Words("all kept")
FIELDS = ("data", "event", "id", "retry")


@Exercise
def encode(encode: Callable[..., bytes]) -> Report:
    """Lesson 2: an encoder of events. Its bytes are given to a parser, and what the parser reads is compared.

    Args:
        encode: ``encode(data, event=None, id=None, retry=None)`` returns the bytes of one event, with its fields in any
            order. Raises ``ValueError`` where an event type or an id has a line end, or an id a NUL. No text as
            ``retry`` makes another field.
    """
    report = Report("encode")
    report.expect("it returns bytes", "bytes", lambda: type(encode("hello")).__name__)
    if not report.passed:
        return report

    def sent(*data: str, **fields: Any) -> list[Read]:
        """What a client reads of events with these data, one after the other, which have the same other fields."""
        return _read(b"".join(encode(one, **fields) for one in data))

    def expect(what: str, *wanted: Read, **fields: Any) -> None:
        report.expect(what, list(wanted), sent, *(event[1] for event in wanted), **fields)

    def after_an_id() -> list[Read]:
        return _read(encode("x", id="7") + encode("y", id=""))

    expect("one line of data", _message("hello"))
    expect("two events, one after the other", _message("a"), _message("b"))
    report.expect("LF, CRLF and CR end a line of data", [_message("a\nb\nc\n\nd")], sent, "a\nb\r\nc\n\rd")
    report.expect("line ends at the end of data are kept", [_message("a\n"), _message("b\n\n"), _message("\n")],
                  sent, "a\n", "b\r\n\r", "\r")  # fmt: skip
    expect("empty data is an event", _message(""))
    expect("other characters end no line of data", *(_message(f"a{other}b") for other in OTHER_LINE_ENDS))
    expect("a NUL and a byte-order mark stay in data", _message("a\0b"), _message("\ufeffa"))
    expect("markup, braces and backslashes stay in data", _message(MARKUP))
    expect("spaces around each line of data are kept", _message("  a "), _message("  a \n\n  b\t"))
    expect("event is sent as it is, with spaces and colons", (VALUE, "x", ""), event=VALUE)
    expect("id is sent as it is, with spaces and colons", ("message", "x", VALUE), id=VALUE)
    expect("text is UTF-8", ("thé", "茶 🍵 e\u0301", "é"), event="thé", id="é")
    expect("event sets the event type", ("greeting", "x", ""), event="greeting")
    expect("id sets the last event ID", ("message", "x", "7"), id="7")
    report.expect('id="" takes the last event ID away', [("message", "x", "7"), _message("y")], after_an_id)
    report.expect("retry sets the reconnection time", 500, lambda: _retry(encode("x", retry=500)))
    report.expect("retry=0 is sent", 0, lambda: _retry(encode("x", retry=0)))
    expect("all fields at once", ("e", "a\nb", "7"), event="e", id="7", retry=500)
    report.expect("data cannot forge an event", HARMLESS, _forged_by_data, encode)
    report.expect("a line end in event is refused", REFUSED, _forged_by, encode, "event")
    report.expect("a line end in id is refused", REFUSED, _forged_by, encode, "id")
    report.expect("a NUL in id is refused", REFUSED, _let_through, encode, "id", "1\x002", "\x001", "1\x00")
    report.expect("a text as retry forges and changes nothing", NOTHING_ELSE, _forged_by_retry, encode)
    return report


def _read(stream: bytes) -> list[Read]:
    return [(event.event, event.data, event.id or "") for event in EventStreamParser().feed(stream)]


def _retry(stream: bytes) -> int | None:
    parser = EventStreamParser()
    parser.feed(stream)
    return parser.retry


def _message(data: str) -> Read:
    return "message", data, ""


def _forged_by_data(encode: Callable[..., bytes]) -> str:
    for end in ENDS:
        data = f"a{end}{end}event: logout{end}data: forged{end}{end}"
        events = _read(encode(data))
        if events != [_message(data.replace(end, "\n"))]:
            return Words(f"{events} at the client, from data={data!r}")
    return HARMLESS


def _forged_by(encode: Callable[..., bytes], field: str) -> str:
    for end in ENDS:
        values = (f"a{end}data: forged{end}{end}", f"a{end}", f"{end}a", end)
        if (outcome := _let_through(encode, field, *values)) != REFUSED:
            return outcome
    return REFUSED


def _forged_by_retry(encode: Callable[..., bytes]) -> str:
    for end in ENDS:
        for value in (f"500{end}data: forged{end}{end}", f"500{end}id: forged", f"500{end}", f"{end}500"):
            for fields in ({}, {"event": "e", "id": "7"}):
                wanted = _read(encode("x", **fields))  # which other rows look at
                try:
                    events = _read(encode("x", retry=value, **fields))
                except (TypeError, ValueError):
                    continue
                if events != wanted:
                    return Words(f"{events} at the client, from retry={value!r}")
    return NOTHING_ELSE


def _let_through(encode: Callable[..., bytes], field: str, *values: str) -> str:
    for value in values:
        try:
            stream = encode("x", **{field: value})
        except ValueError:  # or a kind of it
            continue
        return Words(f"{_read(stream)} at the client, from {field}={value!r}")
    return REFUSED


class _Parser(Protocol):
    def feed(self, chunk: bytes, /) -> Iterable[Any]: ...


@Exercise
def parser(contestant: type[_Parser]) -> Report:
    """Lesson 2: a parser of event streams.

    Args:
        contestant: A class with ``feed(chunk)``, which returns the events that the chunk completes, each as
            ``(event, data, last_event_id)``.
    """
    report = Report("Parser")

    def expect(what: str, wanted: list[Read], *chunks: bytes) -> None:
        report.expect(what, wanted, _fed, contestant, chunks)

    expect("one event", [_message("x")], b"data: x\n\n")
    chunks = (b"da", b"ta: x\r", b"", b"\ndata", b"", b": y\r\n\r", b"\n")
    expect("cut in the middle, with empty chunks between", [_message("x\ny")], *chunks)
    expect("several lines of data", [_message("x\n\ny")], b"data: x\ndata\ndata: y\n\n")
    expect("an event type, for one event only", [("a", "x", ""), _message("y")], b"event: a\ndata: x\n\ndata: y\n\n")
    expect(
        "an id stays until the next", [("message", "x", "7"), ("message", "y", "7")], b"id: 7\ndata: x\n\ndata: y\n\n"
    )
    expect("no data, no event; and then an event", [("message", "x", "1")], b"event: a\nid: 1\n\ndata: x\n\n")
    expect(
        "comments, retry and unknown fields change nothing",
        [("a", "x\ny", "1")],
        b"event: a\nid: 1\ndata: x\n: b\nretry: 10\ncolor: red\ndata: y\n\n",
    )
    expect("one space is taken away, not two", [(" a", " x", " 1")], b"event:  a\nid:  1\ndata:  x\n\n")
    expect(
        "of the fields with a NUL only the id is ignored", [("a\0", "x\0", "")], b"event: a\0\nid: 1\0\ndata: x\0\n\n"
    )
    report.expect("a line that begins with the name of an attribute or a method changes nothing",
                  [_message("x\ny")], _named_like_the_parser, contestant)  # fmt: skip
    streams = sum(not vector.start_id for vector in VECTORS)
    report.expect(f"{len(RULES)} rules, and {streams} streams cut at every place", KEPT, _broken, contestant)
    return report


def _fed(contestant: type[_Parser], chunks: Sequence[bytes]) -> list[Any]:
    instance = contestant()
    return [tuple(event) for chunk in chunks for event in instance.feed(chunk)]


def _named_like_the_parser(contestant: type[_Parser]) -> list[Any]:
    """A stream decides on names, too: whoever looks them up, or sets them, hands over the parser."""
    names = "".join(f"{name}: z\n" for name in dir(contestant()) if name not in FIELDS)
    return _fed(contestant, [b"data: x\n", names.encode(), b"data: y\n\n"])


def _broken(contestant: Contestant) -> str:
    departures = list(judge(contestant).departures.values())
    if not departures:
        return KEPT
    return Words(f"{len(departures)} broken. {departures[0].rule.text} {departures[0].remark}")


@Exercise
def odd_events(stream: bytes, events: Sequence[Sequence[str]], last_id: str) -> Report:
    """Lesson 2: what a browser makes of a stream with a byte-order mark, a CR and a NUL.

    Args:
        stream: The bytes.
        events: The learner's answer: of each event its type, its data and the last event ID.
        last_id: And the last event ID after the stream, which the browser sends back.
    """
    report = Report("odd_events")
    if stream != ODD:
        report.add(False, "the stream is that of the lesson", "its bytes have been changed")
        return report
    wanted = _read(stream)
    parser = EventStreamParser()
    parser.feed(stream)
    given = list(events) if isinstance(events, (list, tuple)) else []
    if isinstance(events, (list, tuple)):
        report.expect("the number of events", len(wanted), lambda: len(events))
    else:
        report.add(False, "the events are a list", f"it is {type(events).__name__}")
    for number, (event, right) in enumerate(zip(given, wanted, strict=False), start=1):
        parts = list(event) if isinstance(event, (list, tuple)) else []
        if len(parts) != len(right):
            report.add(False, f"event {number}", f"it has three texts, and not {event!r}")
            continue
        for part, value, what in zip(parts, right, ("event type", "data", "last event ID"), strict=True):
            remark = "" if isinstance(part, str) else f"it is a text, and not {part!r}"
            report.add(part == value, f"event {number}: {what}", remark)
    remark = "" if isinstance(last_id, str) else f"it is a text, and not {last_id!r}"
    report.add(last_id == parser.last_event_id, "the id that the browser sends back", remark)
    return report
