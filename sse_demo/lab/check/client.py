"""The checks of lesson 5."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, Protocol

from ..report import Report
from .exercise import Exercise

Message = dict[str, Any]
Handle = Callable[[Any], object]
Arguments = ParamSpec("Arguments")


@Exercise
def verify(contestant: Callable[[str, bytes, float], Message], refused: type[ValueError] = ValueError) -> Report:
    """Lesson 5: a message that was signed.

    Args:
        contestant: Takes the data of an event, which is a signature and a body, the key, and the time in seconds.
            Returns the message. Raises ``refused`` where the signature or the time is not right, and ``ValueError``
            where the message is not.
        refused: A class of exceptions.
    """
    report = Report("verify")
    key, now = b"a key of the check", 1_700_000_000.0
    message = {"type": "price", "timestamp": now - 5, "payload": {"city": "Zürich", "price": 1.0}}
    usual = json.dumps(message)

    def signed(body: str, key: bytes = key) -> str:
        return f"{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}\n{body}"

    def at(timestamp: object) -> str:
        return signed(json.dumps(message | {"timestamp": timestamp}))

    accepted = [
        ("the right one", signed(usual)),
        ("the same, without spaces", signed(json.dumps(message, separators=(",", ":")))),
        (
            "the same, with other spaces and UTF-8",
            signed(json.dumps(message, ensure_ascii=False).replace(": ", " :  ")),
        ),
    ]
    for what, data in accepted:
        report.expect(f"accepted: {what}", message, contestant, data, key, now)
    for what, timestamp in [("29 seconds old", now - 29), ("29 seconds ahead", now + 29)]:
        report.expect(f"accepted: {what}", message | {"timestamp": timestamp}, contestant, at(timestamp), key, now)
    signature = signed(usual).partition("\n")[0]
    for what, data in [
        ("a wrong signature", f"{'0' * 64}\n{usual}"),
        ("one that was made with another key", signed(usual, b"another key")),
        ("half of the right one", f"{signature[:32]}\n{usual}"),
        ("one that is not ASCII", f"é{signature[1:]}\n{usual}"),
        ("an empty one", f"\n{usual}"),
        ("none at all", usual),
        ("data that was changed", signed(usual).replace("1.0", "9.0")),
        ("data that was changed in its spaces only", f"{signature}\n{json.dumps(message, separators=(',', ':'))}"),
        ("100,000 brackets that nobody has signed", "0" * 64 + "\n" + "[" * 100_000),
        ("31 seconds old", at(now - 31)),
        ("31 seconds ahead", at(now + 31)),
        ("at the time NaN", at(float("nan"))),
        ("at a time of 400 digits", at(10**399)),
    ]:
        report.expect(f"refused: {what}", refused.__name__, _raised, refused, contestant, data, key, now)
    for what, body in [("no JSON", usual[:-9]), ("incomplete", json.dumps({"type": "price", "timestamp": now}))]:
        report.expect(f"signed, but {what}", "ValueError", _raised, refused, contestant, signed(body), key, now)
    report.expect("compared with hmac.compare_digest", True, _compares, contestant, signed(usual), key, now)
    return report


class _Dispatcher(Protocol):
    def __init__(self, fallback: Handle, /) -> None: ...
    def on(self, type: str, /) -> Callable[[Handle], Handle]: ...
    def dispatch(self, message: Message, /) -> object: ...


@Exercise
def dispatcher(contestant: type[_Dispatcher]) -> Report:
    """Lesson 5: a dispatcher of messages to handlers.

    Args:
        contestant: A class that takes a fallback, with the decorator ``on(type)`` and with ``dispatch(message)``.
    """
    report = Report("Dispatcher")

    def called(
        *types: str, error: BaseException | None = None, wrap: Callable[[Handle], Handle] = lambda handle: handle
    ) -> list[tuple[str, Any]]:
        """The calls for messages of these types: two handlers of "a", which raise the error, and one of "b"."""
        calls: list[tuple[str, Any]] = []

        def handler(name: str, error: BaseException | None = None) -> Handle:
            def handle(got: Any) -> None:
                calls.append((name, got))
                if error:
                    raise error

            return wrap(handle)

        instance = contestant(handler("fallback", error))
        instance.on("a")(handler("first", error))
        instance.on("b")(handler("other"))
        instance.on("a")(handler("second", error))
        for number, type in enumerate(types):
            instance.dispatch({"type": type, "timestamp": 0, "payload": {"number": number}})
        return calls

    unknown = {"type": "x", "timestamp": 0, "payload": {"number": 0}}
    failure = RuntimeError("a handler of the check fails")
    report.expect("a handler gets the payload", [("other", {"number": 0})], lambda: called("b"))
    report.expect("two handlers of a type, in their order", [("first", {"number": 0}), ("second", {"number": 0})],
                  lambda: called("a"))  # fmt: skip
    report.expect("an unknown type goes to the fallback, whole", [("fallback", unknown)], lambda: called("x"))
    report.expect("a handler that fails does not stop the next", [("first", {"number": 0}), ("second", {"number": 0})],
                  lambda: called("a", error=failure))  # fmt: skip
    report.expect("nor the next message", ("other", {"number": 1}), lambda: called("a", "b", error=failure)[-1])
    report.expect(
        "nor does a fallback that fails", ("other", {"number": 1}), lambda: called("x", "b", error=failure)[-1]
    )
    report.expect("the failure is logged, with its traceback", True, lambda: _logs(lambda: called("a", error=failure)))
    report.expect(
        "nor does a handler without a name",
        ("second", {"number": 0}),
        lambda: called("a", error=failure, wrap=partial)[-1],
    )
    for error in (KeyboardInterrupt(), SystemExit()):
        report.expect(
            f"{type(error).__name__} goes through", True, _goes_through, error, partial(called, "a", error=error)
        )
    report.expect(
        "on() gives the function back, as a decorator should", True, lambda: contestant(print).on("a")(len) is len
    )
    return report


def _raised(
    refused: type[ValueError], verify: Callable[Arguments, object], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> str:
    """The name of the exception that was raised. Each ``ValueError`` of another kind than ``refused`` is only that."""
    try:
        verify(*args, **kwargs)
    except refused:
        return refused.__name__
    except (ValueError, RecursionError) as error:
        return "ValueError" if isinstance(error, ValueError) else "RecursionError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was raised"


def _compares(verify: Callable[Arguments, object], *args: Arguments.args, **kwargs: Arguments.kwargs) -> bool:
    """Whether ``compare_digest`` is called, by whichever name, in the function or in another that it calls."""
    called, before = [], sys.getprofile()

    def look(frame: object, event: str, arg: object) -> None:
        if event == "c_call" and arg is hmac.compare_digest:
            called.append(arg)

    sys.setprofile(look)
    try:
        verify(*args, **kwargs)
    finally:
        sys.setprofile(before)
    return bool(called)


def _logs(function: Callable[[], object]) -> bool:
    """Whether the function logs an exception, with whichever logger."""
    factory = logging.getLogRecordFactory()
    records: list[logging.LogRecord] = []

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        records.append(factory(*args, **kwargs))
        return records[-1]

    logging.setLogRecordFactory(make)
    try:
        function()
    finally:
        logging.setLogRecordFactory(factory)
    return any(record.exc_info and record.exc_info[0] for record in records)


def _goes_through(error: BaseException, function: Callable[[], object]) -> bool:
    try:
        function()
    except type(error):
        return True
    return False
