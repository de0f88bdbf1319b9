"""The checks of lesson 5."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import inspect
import itertools
import json
import logging
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from ..report import Report
from .cases import Case, Exit, Interrupt, expect_all
from .compare import DECIDES, compare_digest_decides
from .exercise import Exercise
from .logged import keeping_logs, logged

Message = dict[str, Any]
Handle = Callable[[Any], object]
Verify = Callable[[str, bytes, float], Message]

ACCEPTED = "it was accepted"
MANY = 12  # handlers of a type: a set has them in their order by luck, once in 479,001,600 times


@Exercise
def verify(contestant: Verify, refused: type[ValueError] = ValueError) -> Report:
    """Lesson 5: a message that was signed.

    Args:
        contestant: Takes the data of an event, which is a signature and a body, the key, and the time in seconds.
            Returns the message. Raises ``refused`` where the signature or the time is not right, and ``ValueError``
            where the message is not.
        refused: A class of exceptions.
    """
    report = Report("verify")
    key, now = b"a key of the check", 1.7e9
    message = {"type": "price", "timestamp": now - 5, "payload": {"city": "Zürich", "note": "a\u2028b", "price": 1.0}}
    usual = json.dumps(message)
    plain = json.dumps(message, ensure_ascii=False)
    right = _signature(usual, key)

    def ask(*args: Any) -> Message:
        message: Message = _finished(contestant(*args))
        return message

    def accepted(body: str, wanted: Message = message) -> Case:
        return wanted, partial(ask, f"{_signature(body, key)}\n{body}", key, now)

    def turned_away(data: str, kind: str = refused.__name__) -> Case:
        return kind, partial(_raised, refused, ask, data, key, now)

    def undecoded(data: str) -> Case:
        return "nothing is decoded", partial(_decoded, partial(_raised, refused, ask, data, key, now))

    def at(timestamp: object) -> str:
        return json.dumps(message | {"timestamp": timestamp})

    def signed(body: str) -> str:
        return f"{_signature(body, key)}\n{body}"

    def of(seconds: float) -> Case:
        return accepted(at(now + seconds), message | {"timestamp": now + seconds})

    expect_all(
        report,
        "accepts a message that is signed, however its sender has encoded it",
        {
            "as json.dumps writes it": accepted(usual),
            "without spaces": accepted(json.dumps(message, separators=(",", ":"))),
            "its keys in another order": accepted(json.dumps(message, sort_keys=True)),
            "with ü and U+2028 as they are, and not as \\u": accepted(plain),
            "over several lines": accepted(json.dumps(message, indent=2)),
        },
    )
    expect_all(
        report,
        "accepts a message that is 29.9 seconds old, or 29.9 seconds ahead",
        {"29.9 seconds old": of(-29.9), "29.9 seconds ahead": of(29.9)},
    )
    expect_all(
        report,
        "refuses a signature that is wrong, cut short, too long, empty, missing, not ASCII, or made with another key",
        {
            "a wrong signature": turned_away(f"{'0' * 64}\n{usual}"),
            "one that was made with another key": turned_away(f"{_signature(usual, b'another key')}\n{usual}"),
            "one that was made with an empty key": turned_away(f"{_signature(usual, b'')}\n{usual}"),
            "the first half of the right one": turned_away(f"{right[:32]}\n{usual}"),
            "the right one, and a digit more": turned_away(f"{right}0\n{usual}"),
            "an é in place of its first digit": turned_away(f"é{right[1:]}\n{usual}"),
            "an é before its first digit": turned_away(f"é{right}\n{usual}"),
            "an empty one": turned_away(f"\n{usual}"),
            "none at all": turned_away(usual),
        },
    )
    expect_all(
        report,
        "refuses a body in which one character differs from what was signed, even a space at its end",
        {
            "another price": turned_away(signed(usual).replace("1.0", "9.0")),
            "without its spaces": turned_away(f"{right}\n{json.dumps(message, separators=(',', ':'))}"),
            "a space more at its end": turned_away(f"{right}\n{usual} "),
            "a line end more at its end": turned_away(f"{right}\n{usual}\n"),
            "a space more at its beginning": turned_away(f"{right}\n {usual}"),
            "ü written as u and two dots": turned_away(signed(plain).replace("ü", unicodedata.normalize("NFD", "ü"))),
        },
    )
    expect_all(
        report,
        "refuses a message that is signed and 30.1 seconds old, or 30.1 seconds ahead",
        {
            "30.1 seconds old": turned_away(signed(at(now - 30.1))),
            "30.1 seconds ahead": turned_away(signed(at(now + 30.1))),
        },
    )
    expect_all(
        report,
        "refuses a message that is signed, with a timestamp of NaN, Infinity, or 400 digits",
        {
            "NaN": turned_away(signed(at(float("nan")))),
            "Infinity": turned_away(signed(at(float("inf")))),
            "400 digits": turned_away(signed(at(10**399))),
        },
    )
    expect_all(
        report,
        "verifies before it decodes: what has a wrong signature is refused, and not decoded",
        {
            "100,000 brackets": turned_away("0" * 64 + "\n" + "[" * 100_000),
            "a price": undecoded(f"{'0' * 64}\n{usual}"),
        },
    )
    expect_all(
        report,
        "leaves the ValueError of decode as it is, where a message is signed and broken",
        {
            "no JSON": turned_away(signed(usual[:-9]), "ValueError"),
            "no payload": turned_away(signed(json.dumps({"type": "price", "timestamp": now})), "ValueError"),
            "a list as its type": turned_away(signed(json.dumps(message | {"type": ["price"]})), "ValueError"),
        },
    )
    report.expect(
        "lets hmac.compare_digest, and nothing else, compare the signatures",
        DECIDES,
        compare_digest_decides,
        lambda: _raised(ValueError, ask, signed(usual), key, now) == ACCEPTED,
        lambda: _raised(ValueError, ask, f"{'0' * 64}\n{usual}", key, now) == ACCEPTED,
    )
    return report


class _Dispatcher(Protocol):
    def __init__(self, fallback: Handle, /) -> None: ...
    def on(self, type: str, /) -> Callable[[Handle], Handle]: ...
    def dispatch(self, message: Message, /) -> object: ...


class Failure(Exception):
    """What a handler of the check raises."""


@Exercise
def dispatcher(contestant: type[_Dispatcher]) -> Report:
    """Lesson 5: a dispatcher of messages to handlers.

    Args:
        contestant: A class that takes a fallback, with the decorator ``on(type)`` and with ``dispatch(message)``.
    """
    report = Report("Dispatcher")
    with keeping_logs() as records:
        _check_dispatcher(report, contestant, records)
    return report


def _check_dispatcher(report: Report, contestant: type[_Dispatcher], records: list[logging.LogRecord]) -> None:
    tries = itertools.count()

    def called(
        *types: str,
        handlers: int = 2,
        error: type[BaseException] | None = None,
        wrap: Callable[[Handle], Handle] = lambda handle: handle,
        payload: Message | None = None,
    ) -> list[tuple[str, Any]]:
        """What is called for messages of these types: some handlers of "a", which raise the error, or one of "b".

        Without a payload, each message has its number as its payload.
        """
        calls: list[tuple[str, Any]] = []
        own = f" {next(tries)}"  # each try has types of its own, so that no try sees the handlers of another one

        def handler(name: str, error: type[BaseException] | None = None) -> Handle:
            def handle(got: Any) -> None:
                calls.append((name, got))
                if error:
                    raise error("raised by a handler of the check")

            return wrap(handle)

        instance = contestant(handler("fallback", error))
        instance.on(f"a{own}")(handler("handler 1", error))
        instance.on(f"b{own}")(handler("handler of b"))
        for number in range(2, handlers + 1):
            instance.on(f"a{own}")(handler(f"handler {number}", error))
        for number, type in enumerate(types):
            content = {"number": number} if payload is None else payload
            try:
                _finished(instance.dispatch({"type": type + own, "timestamp": 0, "payload": content}))
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
            f"{MANY} handlers": (each(0, *in_order), lambda: called("a", handlers=MANY)),
        },
    )
    expect_all(
        report,
        "calls the fallback with the whole message where nobody has registered for its type, each time",
        {
            "one message": ([unknown(0)], lambda: called("x")),
            "two of the same type": ([unknown(0), unknown(1)], lambda: called("x", "x")),
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


def _signature(body: str, key: bytes) -> str:
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def _raised(refused: type[ValueError], verify: Verify, data: str, key: bytes, now: float) -> str:
    """The name of the exception that was raised. Each ``ValueError`` of another kind than ``refused`` is only that."""
    try:
        verify(data, key, now)
    except ValueError as error:
        return refused.__name__ if isinstance(error, refused) else "ValueError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ACCEPTED


def _finished(got: Any) -> Any:
    """What a function has returned, unless it is a coroutine, which has done nothing yet."""
    if inspect.iscoroutine(got):
        got.close()
        raise TypeError("it returns a coroutine: write def, and not async def")
    return got


def _decoded(function: Callable[[], object]) -> str:
    """Whether a function, which is called, decodes JSON."""
    with _decoders() as calls:
        function()
    return "it is decoded" if calls else "nothing is decoded"


@contextlib.contextmanager
def _decoders() -> Iterator[list[str]]:
    """What Python's decoder of JSON is given by this thread."""
    calls: list[str] = []
    thread, original = threading.get_ident(), json.JSONDecoder.raw_decode

    def raw_decode(self: json.JSONDecoder, s: str, idx: int = 0) -> tuple[Any, int]:
        if threading.get_ident() == thread:
            calls.append(s)
        return original(self, s, idx)

    json.JSONDecoder.raw_decode = raw_decode  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        json.JSONDecoder.raw_decode = original  # type: ignore[method-assign]


def _two_dispatchers(contestant: type[_Dispatcher]) -> str:
    """Who is called by a dispatcher where only another one knows the type."""
    calls: list[str] = []
    first = contestant(lambda message: calls.append("the fallback of the other one"))
    second = contestant(lambda message: calls.append("only the fallback of its own"))
    first.on("of the first")(lambda payload: calls.append("a handler of the other one"))
    _finished(second.dispatch({"type": "of the first", "timestamp": 0, "payload": {}}))
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
