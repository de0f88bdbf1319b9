"""What a dispatcher is tried with: the rows of lesson 5's second exercise."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from ..views.report import Report
from .cases import Exit, Interrupt, expect_all, finished
from .logged import logged

Message = dict[str, Any]
Handle = Callable[[Any], object]

MANY = 12  # handlers of a type: a set has them in their order by luck, once in 479,001,600 times


class Dispatcher(Protocol):
    """What the learner writes."""

    def __init__(self, fallback: Handle, /) -> None: ...
    def on(self, type: str, /) -> Callable[[Handle], Handle]: ...
    def dispatch(self, message: Message, /) -> object: ...


class Failure(Exception):
    """What a handler of the check raises."""


def check_dispatcher(report: Report, contestant: type[Dispatcher], records: list[logging.LogRecord]) -> None:
    """Add a row for each thing that a dispatcher has to do. ``records`` is what it logs meanwhile."""
    tries = itertools.count()

    def called(
        *types: str,
        handlers: int = 2,
        error: type[BaseException] | None = None,
        wrap: Callable[[Handle], Handle] = lambda handle: handle,
        payload: Message | None = None,
        returns: object = None,
    ) -> list[tuple[str, Any]]:
        """What is called for messages of these types: some handlers of "a", which raise the error, or one of "b".

        Without a payload, each message has its number as its payload.
        """
        calls: list[tuple[str, Any]] = []
        own = f" {next(tries)}"  # each try has types of its own, so that no try sees the handlers of another one

        def handler(name: str, error: type[BaseException] | None = None) -> Handle:
            def handle(got: Any) -> object:
                calls.append((name, got))
                if error:
                    raise error("raised by a handler of the check")
                return returns

            return wrap(handle)

        instance = contestant(handler("fallback", error))
        instance.on(f"a{own}")(handler("handler 1", error))
        instance.on(f"b{own}")(handler("handler of b"))
        for number in range(2, handlers + 1):
            instance.on(f"a{own}")(handler(f"handler {number}", error))
        for number, type in enumerate(types):
            content = {"number": number} if payload is None else payload
            try:
                finished(instance.dispatch({"type": type + own, "timestamp": 0, "payload": content}))
            except KeyError as error:  # of a type, which the report calls by its short name
                error.args = tuple(str(arg).removesuffix(own) for arg in error.args)
                raise
        return [(name, _without(own, got)) for name, got in calls]

    def each(number: int, *names: str) -> list[tuple[str, Any]]:
        return [(name, {"number": number}) for name in names]

    def unknown(number: int) -> tuple[str, Message]:
        return "fallback", {"type": "x", "timestamp": 0, "payload": {"number": number}}

    in_order = [f"handler {number}" for number in range(1, MANY + 1)]
    expect_all(
        report,
        "calls each handler of the type with the payload, in the order of registration",
        {
            "one handler": (each(0, "handler of b"), lambda: called("b")),
            "two messages": ([*each(0, "handler of b"), *each(1, "handler of b")], lambda: called("b", "b")),
            "an empty payload": ([("handler of b", {})], lambda: called("b", payload={})),
            "two handlers": (each(0, *in_order[:2]), lambda: called("a")),
            "two handlers that return True": (each(0, *in_order[:2]), lambda: called("a", returns=True)),
            "a function that is registered for two types": (["a", "b"], lambda: _for_two_types(contestant)),
            "a function that is registered after a first message": (["later"], lambda: _later(contestant)),
            f"{MANY} handlers": (each(0, *in_order), lambda: called("a", handlers=MANY)),
        },
    )
    expect_all(
        report,
        "calls the fallback with the whole message where nobody has registered for its type, each time",
        {
            "one message": ([unknown(0)], lambda: called("x")),
            "two of the same type": ([unknown(0), unknown(1)], lambda: called("x", "x")),
            "prices, Price and ice, where only price is registered": (
                ["prices", "Price", "ice"],
                lambda: _unlike_price(contestant),
            ),
        },
    )
    failing = partial(called, error=Failure)
    expect_all(
        report,
        "goes on after a handler that fails, with the next handler and with the next message",
        {
            "the next handler": (each(0, *in_order[:2]), lambda: failing("a")),
            "the next handler, after a KeyError": (each(0, *in_order[:2]), lambda: called("a", error=KeyError)),
            "the next message": (each(1, "handler of b"), lambda: failing("a", "b")[2:]),
            "the next message of the same type": (each(1, *in_order[:2]), lambda: failing("a", "a")[2:]),
        },
    )
    expect_all(
        report,
        "goes on after a fallback that fails, with the next message",
        {
            "the next message": ([unknown(0), *each(1, "handler of b")], lambda: failing("x", "b")),
            "the next message of the same type": ([unknown(0), unknown(1)], lambda: failing("x", "x")),
        },
    )
    expect_all(
        report,
        "logs each failure with log.exception, of a partial and of the fallback, too",
        {
            "two handlers fail": ("2 lines with their tracebacks", lambda: logged(lambda: failing("a"), records)),
            "two partials fail": (
                "2 lines with their tracebacks",
                lambda: logged(lambda: failing("a", wrap=partial), records),
            ),
            "the fallback fails": ("1 line with its traceback", lambda: logged(lambda: failing("x"), records)),
            "nothing fails": ("nothing", lambda: logged(lambda: called("a", "x"), records)),
        },
    )
    expect_all(
        report,
        "gives the function back from on(type), as a decorator does",
        {"on": ("the function", lambda: "the function" if contestant(print).on("a")(len) is len else "something else")},
    )
    expect_all(
        report,
        "keeps the handlers in each dispatcher: another one does not call them",
        {"two dispatchers": ("only the fallback of its own", lambda: _two_dispatchers(contestant))},
    )
    expect_all(
        report,
        "lets KeyboardInterrupt and SystemExit through, of a handler and of the fallback",
        {
            f"{name} of {who}": ("it goes through", partial(_goes_through, error, partial(called, type)))
            for who, type in (("a handler", "a"), ("the fallback", "x"))
            for name, error in (("KeyboardInterrupt", Interrupt), ("SystemExit", Exit))
        },
    )


def _message(type: str) -> Message:
    return {"type": type, "timestamp": 0, "payload": {"type": type}}


def _for_two_types(contestant: type[Dispatcher]) -> list[str]:
    """The payloads that a function gets which is registered for two types."""
    calls: list[str] = []
    instance = contestant(lambda message: calls.append("the fallback"))

    def handle(payload: Message) -> None:
        calls.append(payload["type"])

    for type in ("a", "b"):
        instance.on(type)(handle)
    for type in ("a", "b"):
        finished(instance.dispatch(_message(type)))
    return calls


def _later(contestant: type[Dispatcher]) -> list[str]:
    """Who is called by the second message of a type, for which somebody has registered after the first."""
    calls: list[str] = []
    instance = contestant(lambda message: calls.append("the fallback"))
    finished(instance.dispatch(_message("a")))
    calls.clear()
    instance.on("a")(lambda payload: calls.append("later"))
    finished(instance.dispatch(_message("a")))
    return calls


def _unlike_price(contestant: type[Dispatcher]) -> list[str]:
    """The types of the messages that the fallback gets, where others are nearly of the type."""
    calls: list[str] = []
    instance = contestant(lambda message: calls.append(message["type"]))
    instance.on("price")(lambda payload: calls.append(f"{payload['type']}, as a price"))
    for type in ("prices", "Price", "ice"):
        finished(instance.dispatch(_message(type)))
    return calls


def _two_dispatchers(contestant: type[Dispatcher]) -> str:
    """Who is called by a dispatcher where only another one knows the type."""
    calls: list[str] = []
    first = contestant(lambda message: calls.append("the fallback of the other one"))
    second = contestant(lambda message: calls.append("only the fallback of its own"))
    first.on("of the first")(lambda payload: calls.append("a handler of the other one"))
    finished(second.dispatch({"type": "of the first", "timestamp": 0, "payload": {}}))
    return " and ".join(calls) or "nobody"


def _goes_through(error: type[BaseException], function: Callable[..., object]) -> str:
    try:
        function(error=error)
    except error:
        return "it goes through"
    return "it is caught"


def _without(ending: str, got: Any) -> Any:
    """A message without what has been added to its type."""
    if isinstance(got, dict) and isinstance(got.get("type"), str):
        return got | {"type": got["type"].removesuffix(ending)}
    return got
