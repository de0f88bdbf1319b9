"""The checks of lesson 3: each runs the learner's handler on a real server, and looks at it as clients do."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from tornado.web import RequestHandler

from ..lessons.server.stand import Stand
from ..lessons.server.stream_reader import LATE, SOON, StreamReader
from ..views.report import Report
from .exercise import Exercise

CITIES = ["Zürich", "Malmö", "Kraków"]
PAUSE = 0.1  # seconds between two cities
BEAT = 0.5  # seconds between two heartbeats
BEFORE_NEXT_BEAT = 0.35  # seconds after a heartbeat
VISITORS = 10  # who leave at once


@Exercise
def departures(contestant: type[RequestHandler]) -> Report:
    """Lesson 3: a handler that streams three cities, again and again, a tenth of a second apart.

    Args:
        contestant: The handler, whose ``get`` writes and flushes by hand.
    """
    report = Report("Departures")
    if not _is_handler(report, contestant):
        return report
    with Stand(contestant) as stand, stand.reader() as one, stand.reader() as two:
        came = one.wait(lambda: one.body)
        if not came:
            stand.flush_for_them()  # so that the rest can be judged
        one.wait(lambda: len(one.data) > len(CITIES), 2 * SOON)
        one.wait(lambda: len(one.events) >= len(CITIES), 2 * LATE)
        report.expect("the status is 200", "200", lambda: stand.explained(one.status))
        if one.status != "200":
            return report
        report.expect("the type is text/event-stream", "text/event-stream", lambda: one.type)
        _framing(report, one)
        report.expect(
            "each city arrives when it is written, and not with a later one",
            "one by one",
            lambda: one.manner(len(CITIES) + 1, stand.written(one)) if came else "nothing, since nobody has flushed",
        )
        report.expect(
            "the cities are written a tenth of a second apart",
            f"{PAUSE} s",
            lambda: stand.written(one).pause(len(CITIES) + 1, PAUSE),
        )
        report.expect(
            "each city is an event of its own: a blank line ends it",
            "3 events, complete at once, with 3 cities",
            lambda: one.blocks(len(CITIES)),
        )
        report.expect(
            "the letters are UTF-8, and the cities come again and again",
            [*CITIES, CITIES[0]],
            lambda: one.data[: len(CITIES) + 1],
        )
        two.wait(lambda: two.data)
        report.expect("a second reader has a city, too", "a city", lambda: "a city" if two.data else "nothing")
        one.leave()
        before = len(two.data)
        stand.wait(lambda: stand.waiting < 2)
        two.wait(lambda: len(two.data) > before + 1)
        left = stand.waiting
        report.expect(
            "the second reader still gets cities when the first one has left",
            "two more",
            lambda: "two more" if len(two.data) > before + 1 else f"{len(two.data) - before} more",
        )
        two.leave()
        stand.wait(lambda: not stand.left_behind, SOON if left < 2 else LATE)  # the first has not been noticed
        report.expect("no handler goes on when its reader has left", 0, lambda: max(left - 1, stand.left_behind))
        report.expect("no reader who leaves makes a traceback in the log", [], lambda: stand.tracebacks)
    return report


@Exercise
def alarm(contestant: type[RequestHandler], listening: Collection[object]) -> Report:
    """Lesson 3: a handler of a stream without news, which knows who listens.

    Args:
        contestant: The handler. Its ``get`` sends a comment at once, and another one each half second.
        listening: The set in which a handler is while its reader is there.
    """
    report = Report("Alarm")
    if not _is_handler(report, contestant):
        return report
    if not isinstance(listening, Collection):
        report.add(False, "listening is a set", f"expected a set, got {type(listening).__name__}")
        return report
    others = len(listening)  # who have been left by an earlier attempt

    def count() -> int:
        return len(listening) - others

    def members() -> int | str:
        strangers = {type(one).__name__ for one in tuple(listening) if not isinstance(one, RequestHandler)}
        return f"{count()} of type {', '.join(strangers)}" if strangers else count()

    with contextlib.ExitStack() as stack:
        stand = stack.enter_context(Stand(contestant))
        readers = [stack.enter_context(stand.reader()) for _ in range(3)]
        first = readers[0]
        came = first.wait(lambda: first.body, BEFORE_NEXT_BEAT)
        if not came:
            stand.flush_for_them()
            first.wait(lambda: first.status)
        report.expect("the status is 200", "200", lambda: stand.explained(first.status))
        if first.status != "200":
            return report
        report.expect("the type is text/event-stream", "text/event-stream", lambda: first.type)
        _framing(report, first)
        report.expect(
            "the first byte comes at once, and begins a comment",
            ":",
            lambda: first.body[:1].decode() if came else "nothing",
        )
        stand.wait(lambda: count() == 3)
        report.expect("three readers are three handlers in listening", 3, members)
        if came:
            first.wait(lambda: first.comments > 1, BEAT + SOON / 2)
        report.expect(
            "half a second later comes another comment",
            "2 comments, 0 events",
            lambda: first.in_words(BEAT, stand.written(first)),
        )
        first.leave()
        stand.wait(lambda: count() == 2, BEFORE_NEXT_BEAT)
        noticed = count() == 2
        report.expect("a reader who leaves is out of listening before the next comment", 2, count)
        stand.visits(VISITORS)
        staying = readers[1:]
        if came:
            for reader in staying:
                reader.wait(lambda reader=reader: reader.comments > 2, BEAT + SOON)  # type: ignore[misc]
        report.expect("the two who stay still get comments", 2, lambda: sum(reader.comments > 2 for reader in staying))
        stand.wait(lambda: count() == 2, SOON if noticed else LATE)
        report.expect(
            f"when {VISITORS} more have come and left at once, the two are still in listening, alone", 2, count
        )
        for reader in staying:
            reader.leave()
        stand.wait(lambda: not stand.left_behind, BEAT + SOON / 2)
        report.expect("no handler waits when all have left", 0, lambda: stand.left_behind)
        report.expect("no reader who leaves makes a traceback in the log", [], lambda: stand.tracebacks)
    return report


def _framing(report: Report, reader: StreamReader) -> None:
    """Add a row where the handler says itself how the body is sent: a browser would hear nothing, or rubbish."""
    if reader.framing:
        report.add(False, "how the body is sent is left to Tornado", f"the handler has set {reader.framing}")


def _is_handler(report: Report, contestant: object) -> bool:
    if isinstance(contestant, type) and issubclass(contestant, RequestHandler):
        return True
    report.add(False, "it is a class that is made from RequestHandler", f"got {contestant!r}")
    return False
