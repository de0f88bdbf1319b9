"""The checks of lesson 8."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol

from ..views.report import Report
from .exercise import Exercise

MANY = 1_000  # events that a reader has missed
HOUR = 3_600
CHOICES = ("sse", "websocket", "long polling", "plain request")

#: Of each product, for each choice: whether it is accepted, and the reason for it or a question to the learner.
PRODUCTS = {
    "stock ticker": {
        "sse": (True, "All goes down, as text. Whoever was away gets the newest prices by the last id, or a snapshot."),
        "websocket": (False, "Does the page have anything to say to the server?"),
        "long polling": (False, "What does each request cost, and how many are there at a few prices a second?"),
        "plain request": (False, "How does the page learn of the next price?"),
    },
    "chat": {
        "sse": (
            True,
            "Lines go down as events, and each line up is a POST. People type slowly. A WebSocket is as good.",
        ),
        "websocket": (True, "Lines go up and down the same way. SSE is as good, with a POST for each line up."),
        "long polling": (True, "It works, but every line costs every reader a request. SSE and WebSocket save that."),
        "plain request": (False, "How does a reader learn of the lines of others, which come at any time?"),
    },
    "live log": {
        "sse": (True, "All goes down, lines are text, and Last-Event-ID brings what was missed."),
        "websocket": (False, "Which transport goes on after the last line by itself? And what would go up?"),
        "long polling": (False, "What does a request for every few lines cost, and who writes the cursor?"),
        "plain request": (False, "How does the developer see the lines that come after the answer?"),
    },
    "notifications": {
        "sse": (True, "It passes as plain HTTP, and comes back by itself every minute. Long polling is as good."),
        "websocket": (False, "What does an old proxy let through?"),
        "long polling": (
            True,
            "With a few events a day it does not matter what each costs, and every proxy passes it.",
        ),
        "plain request": (False, "Who tells the page when to ask?"),
    },
    "game": {
        "sse": (False, "How often does the client talk, and what does a request cost each time?"),
        "websocket": (
            True,
            "As much goes up as down, thirty times a second: a frame has a few bytes, a request hundreds.",
        ),
        "long polling": (False, "How many requests a second are that, up and down, and what does each cost?"),
        "plain request": (False, "How does a player see where the others are?"),
    },
    "file upload": {
        "sse": (False, "Which way does the file go?"),
        "websocket": (False, "Does the server have news that nobody has asked for?"),
        "long polling": (False, "Does the server have news that nobody has asked for?"),
        "plain request": (True, "Nobody waits for news: one request, one answer. What becomes of it may come by SSE."),
    },
}


class _Inbox(Protocol):
    def publish(self, event: str, /) -> object: ...
    def poll(self, cursor: Any, /) -> tuple[Iterable[str], Any]: ...


@Exercise
def inbox(contestant: type[_Inbox]) -> Report:
    """Lesson 8: an inbox for long polling.

    Args:
        contestant: A class with ``publish(event)`` and with ``poll(cursor)``, which returns the events after the cursor
            and the next cursor. The first cursor is 0, and the others are of any kind.
    """
    report = Report("Inbox")

    def filled(*events: str) -> _Inbox:
        box = contestant()
        for event in events:
            box.publish(event)
        return box

    def turns(*batches: list[str]) -> list[list[str]]:
        box = filled()
        poll = _reader(box)
        answers = []
        for batch in batches:
            for event in batch:
                box.publish(event)
            answers.append(poll())
        return answers

    def two_readers() -> list[list[str]]:
        box = filled("a", "b")
        one, other = _reader(box), _reader(box)
        answers = [one(), other()]
        box.publish("c")
        return [*answers, one(), other()]

    def latecomer() -> list[str]:
        box = filled("a", "b")
        poll = _reader(box)
        poll(), box.publish("c"), poll(), poll()
        return _reader(box)()

    def lost_answer() -> list[list[str]]:
        box = filled("a", "b")
        _, cursor = _polled(box, 0)
        box.publish("c")
        return [_polled(box, cursor)[0], _polled(box, cursor)[0]]

    def long_away() -> str:
        published = [f"event {number}" for number in range(MANY + 1)]
        box = filled(published[0])
        poll = _reader(box)
        got = poll()
        for event in published[1:]:
            box.publish(event)
        while len(got) < len(published) and (more := poll()):
            got += more
        return f"{MANY} events" if got == published else f"{len(got) - 1} events, or others"

    def clock_set_back() -> list[list[str]]:
        box = contestant()
        poll = _reader(box)
        answers = []
        for event, hour in ("a", 3), ("b", 2):
            with _clock_at(hour * HOUR, contestant):
                box.publish(event)
                answers.append(poll())
        return answers

    def handed_out() -> list[str]:
        box = filled("a")
        events, _ = _answer(box, 0)
        box.publish("b")
        return list(events)

    report.expect("a poll before any event gives none", [[]], lambda: turns([]))
    report.expect("a first poll gives all events so far", [["a", "b", "c"]], lambda: turns(["a", "b", "c"]))
    report.expect("a later poll gives only new events", [["a"], [], ["b", "c"]], lambda: turns(["a"], [], ["b", "c"]))
    report.expect(
        "two events with the same text are two events, and an empty text is one",
        [["tea", "tea", ""], ["tea"], []],
        lambda: turns(["tea", "tea", ""], ["tea"], []),
    )
    report.expect(
        "a text of two lines, with spaces around them, is one event, and comes as it is",
        [[" tea\nmilk "], ["sugar"]],
        lambda: turns([" tea\nmilk "], ["sugar"]),
    )
    report.expect("each of two readers gets every event", [["a", "b"], ["a", "b"], ["c"], ["c"]], two_readers)
    report.expect("a reader who comes late gets the events that others have had", ["a", "b", "c"], latecomer)
    report.expect("a poll with the same cursor gives the same events", [["c"], ["c"]], lost_answer)
    report.expect(f"a reader who was away for {MANY} events gets them all", f"{MANY} events", long_away)
    report.expect("no event is lost when the clock is set back", [["a"], ["b"]], clock_set_back)
    report.expect("an answer does not change when the next event comes", ["a"], handed_out)
    return report


@Exercise
def transports(answers: Mapping[str, str | None]) -> Report:
    """Lesson 8: a transport for each of six products.

    Args:
        answers: By the name of the product, one of ``CHOICES``, or None where the learner has not chosen yet.
    """
    report = Report("answers")
    for product, remarks in PRODUCTS.items():
        answer = answers.get(product) if isinstance(answers, Mapping) else None
        choice = answer.strip().casefold().replace("-", " ").replace("_", " ") if isinstance(answer, str) else ""
        if choice in remarks:
            accepted, remark = remarks[choice]
            report.add(accepted, f"{product}: {'' if accepted else 'not '}{choice}", remark)
        else:
            report.add(False, product, f"choose one of {', '.join(CHOICES)}")
    return report


@contextmanager
def _clock_at(seconds: int, contestant: type) -> Iterator[None]:
    """The clock, also where the module of a class has ``time`` or ``datetime`` by a name of its own."""

    class Fake(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Fake:
            return cls.fromtimestamp(seconds, tz)

        @classmethod
        def utcnow(cls) -> Fake:
            return cls.fromtimestamp(seconds, UTC).replace(tzinfo=None)

    fakes = [(time.time, lambda: seconds), (time.time_ns, lambda: seconds * 10**9), (datetime, Fake)]
    places = [vars(time), vars(sys.modules["datetime"])]
    places += [one.__globals__ for one in vars(contestant).values() if inspect.isfunction(one)]
    real = [
        (place, name, value, fake)
        for place in {id(place): place for place in places}.values()
        for name, value in list(place.items())
        for original, fake in fakes
        if value is original
    ]
    try:
        for place, name, _, fake in real:
            place[name] = fake
        yield
    finally:
        for place, name, value, _ in real:
            place[name] = value


def _reader(box: _Inbox) -> Callable[[], list[str]]:
    """A function that polls the inbox again and again, as one reader, which starts at the cursor 0."""
    cursor: Any = 0

    def poll() -> list[str]:
        nonlocal cursor
        events, cursor = _polled(box, cursor)
        return events

    return poll


def _polled(box: _Inbox, cursor: Any) -> tuple[list[str], Any]:
    """An answer, its events as a list of this moment."""
    events, cursor = _answer(box, cursor)
    return list(events), cursor


def _answer(box: _Inbox, cursor: Any) -> tuple[Iterable[str], Any]:
    answer = box.poll(cursor)
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("poll is async, and should be a plain method")
    return answer
