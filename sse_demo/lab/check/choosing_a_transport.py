"""The checks of lesson 7."""

from __future__ import annotations

from collections.abc import Callable

from ..report import Report

CHOICES = ("sse", "websocket", "long polling", "plain request")
PRODUCTS = {  # what is accepted, why, and what to ask oneself
    "stock ticker": (
        {"sse"},
        "All goes down, as text. A client that was away gets the newest prices by its last id, or a snapshot.",
        "Does the page have anything to say to the server?",
    ),
    "chat": (
        {"sse", "websocket"},
        "Both are right: a WebSocket, or SSE down and a POST for each line up. People type slowly.",
        "Lines of others come at any time. And how often does one person write?",
    ),
    "live log": (
        {"sse"},
        "All goes down, lines are text, and Last-Event-ID brings what was missed.",
        "Which of them goes on after the last line by itself?",
    ),
    "notifications": (
        {"sse", "long polling"},
        "Both are right: with so few events it does not matter what each costs, and both pass as plain HTTP.",
        "What does the proxy let through? And what do a few events a day cost?",
    ),
    "game": (
        {"websocket"},
        "As much goes up as down, thirty times a second: a frame has a few bytes, a request has hundreds.",
        "How often does the client talk, and what does a request cost each time?",
    ),
    "file upload": (
        {"plain request"},
        "Nobody waits for news: one request, one answer. What the server does with it afterwards may come by SSE.",
        "Does the server have news that nobody has asked for?",
    ),
}


def inbox(contestant: type) -> Report:
    """Lesson 7: a class with ``publish(event)`` and ``poll(cursor)``, which returns the events after it and the next.

    Cursors are taken as they come: only 0, the first, is known here.
    """
    report = Report("Inbox")

    def filled(*events: str) -> tuple[object, Callable[..., list]]:
        """An inbox, and a way to poll it again and again as one reader, who starts at 0."""
        box = contestant()
        for event in events:
            box.publish(event)
        return box, lambda: _reader(box)

    def turns(*batches: list[str]) -> list[list[str]]:
        box, reader = filled()
        poll = reader()
        answers = []
        for batch in batches:
            for event in batch:
                box.publish(event)
            answers.append(poll())
        return answers

    def two_readers() -> list[list[str]]:
        box, reader = filled("a", "b")
        one, other = reader(), reader()
        answers = [one(), other()]
        box.publish("c")
        return [*answers, one(), other()]

    def lost_answer() -> list[list[str]]:
        box, _ = filled("a", "b")
        _, cursor = box.poll(0)
        box.publish("c")
        return [list(box.poll(cursor)[0]), list(box.poll(cursor)[0])]

    report.expect("nothing has come yet", [[]], lambda: turns([]))
    report.expect("all that came before the first poll", [["a", "b", "c"]], lambda: turns(["a", "b", "c"]))
    report.expect("then only what is new", [["a"], [], ["b", "c"]], lambda: turns(["a"], [], ["b", "c"]))
    report.expect("two readers get the same", [["a", "b"], ["a", "b"], ["c"], ["c"]], two_readers)
    report.expect("the same cursor again gives the same events again", [["c"], ["c"]], lost_answer)
    return report


def transports(answers: dict[str, str | None]) -> Report:
    """Lesson 7: a transport for each of six products."""
    report = Report("a transport for each product")
    for product, (accepted, reason, question) in PRODUCTS.items():
        answer = answers.get(product) if isinstance(answers, dict) else None
        known = isinstance(answer, str) and answer in CHOICES
        if known and answer in accepted:
            report.add(True, f"{product}: {answer}", reason)
        elif known:
            report.add(False, f"{product}: not {answer}", question)
        else:
            report.add(False, product, f"choose one of {', '.join(CHOICES)}")
    return report


def _reader(box) -> Callable[[], list]:
    cursor = 0

    def poll() -> list:
        nonlocal cursor
        events, cursor = box.poll(cursor)
        return list(events)

    return poll
