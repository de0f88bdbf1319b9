"""The checks of lesson 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, Protocol

from ...wire.parser import EventStreamParser
from ...wire.vectors import VECTORS
from ..report import Report
from ..score import failures
from .exercise import Exercise

Arguments = ParamSpec("Arguments")


@Exercise
def encode(encode: Callable[..., bytes]) -> Report:
    """Lesson 2: an encoder of events.

    Args:
        encode: ``encode(data, event=None, id=None, retry=None)`` returns the bytes of one event, with its fields in any
            order. Raises ``ValueError`` where a value does not fit into a field.
    """
    report = Report("encode")
    report.expect("it returns bytes", "bytes", lambda: type(encode("hello")).__name__)
    if not report.passed:
        return report

    def expect(what: str, wanted: bytes, data: str, **fields: str | int) -> None:
        report.expect(what, wanted, lambda: _in_order_of(wanted, encode(data, **fields)))

    expect("one line of data", b"data: hello\n\n", "hello")
    expect("two lines of data", b"data: a\ndata: b\n\n", "a\nb")
    expect("CRLF and CR are line ends too", b"data: a\ndata: b\ndata: c\n\n", "a\r\nb\rc")
    expect("no data is an event as well", b"data: \n\n", "")
    expect("UTF-8", "data: héllo\n\n".encode(), "héllo")
    expect("an event type", b"event: greeting\ndata: hi\n\n", "hi", event="greeting")
    expect("all fields", b"event: e\nid: 7\nretry: 500\ndata: hi\n\n", "hi", event="e", id="7", retry=500)
    report.expect("a line end in the event type is refused", "ValueError", _raised, encode, "x", event="a\ndata: b")
    report.expect("a CR in the id is refused", "ValueError", _raised, encode, "x", id="1\r2")
    return report


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

    def fed(*chunks: bytes) -> list[tuple[Any, ...]]:
        instance = contestant()
        return [tuple(event) for chunk in chunks for event in instance.feed(chunk)]

    report.expect("one event", [("message", "hello", "")], lambda: fed(b"data: hello\n\n"))
    report.expect("cut in the middle", [("message", "hello", "")], lambda: fed(b"data: he", b"llo\n", b"\n"))
    report.expect("an event type, for one event only", [("a", "1", ""), ("message", "2", "")],
                  lambda: fed(b"event: a\ndata: 1\n\ndata: 2\n\n"))  # fmt: skip
    report.expect("several lines of data", [("message", "a\n\nb", "")], lambda: fed(b"data: a\ndata\ndata: b\n\n"))
    report.expect("an id stays until the next", [("message", "1", "7"), ("message", "2", "7")],
                  lambda: fed(b"id: 7\ndata: 1\n\ndata: 2\n\n"))  # fmt: skip
    report.expect("no data, no event", [], lambda: fed(b"event: a\nid: 1\n\n"))
    report.expect("comments and unknown fields are ignored", [("message", "x", "")],
                  lambda: fed(b": hello\ncolor: red\ndata: x\n\n"))  # fmt: skip
    report.expect("one space is taken away, not two", [("message", " x", "")], lambda: fed(b"data:  x\n\n"))
    wrong = failures(contestant)
    rules = {vector.name: vector.rule for vector in VECTORS}
    first = next(iter(wrong), "")
    what = "the vectors of the standard, however they are cut"
    remark = f"{len(wrong)} are wrong, the first is {first} ({wrong[first]}): {rules[first]}" if wrong else ""
    report.add(not wrong, what, remark)
    return report


@Exercise
def odd_stream(stream: bytes, events: Sequence[Sequence[str]]) -> Report:
    """Lesson 2: what a browser makes of a stream with a byte-order mark, a CR and a NUL.

    Args:
        stream: The bytes.
        events: The learner's answer: of each event its type, its data and the last event ID.
    """
    wanted = [(event.event, event.data, event.id or "") for event in EventStreamParser().feed(stream)]
    report = Report("the odd stream")
    report.expect("the number of events", len(wanted), lambda: len(events))
    for number, (event, right) in enumerate(zip(events, wanted, strict=False)):
        for part, what in enumerate(("event type", "data", "last event id")):
            report.add(len(event) == 3 and event[part] == right[part], f"event {number}: {what}")
    return report


def _in_order_of(wanted: bytes, got: bytes) -> bytes:
    """``wanted``, where ``got`` is the same with its fields in another order, and otherwise ``got`` itself.

    The lines of data must be in the same order.
    """
    same = isinstance(got, bytes) and got.endswith(b"\n\n") and _sorted(got) == _sorted(wanted)
    return wanted if same else got


def _sorted(block: bytes) -> list[bytes]:
    return sorted(block.split(b"\n"), key=lambda line: line.partition(b":")[0])


def _raised(function: Callable[Arguments, object], *args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
    try:
        function(*args, **kwargs)
    except ValueError:  # or a kind of it
        return "ValueError"
    except Exception as error:
        return type(error).__name__
    return "nothing was raised"
