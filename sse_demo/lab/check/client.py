"""The checks of lesson 5."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..views.report import Report
from .cases import Case, expect_all, finished
from .compare import DECIDES, compare_digest_decides
from .dispatching import Dispatcher, Message, check_dispatcher
from .exercise import Exercise
from .logged import keeping_logs

Verify = Callable[[str, bytes, float], Message]

ACCEPTED = "it was accepted"


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
        message: Message = finished(contestant(*args))
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
            "its time in whole seconds": accepted(at(int(now)), message | {"timestamp": int(now)}),
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
            "one that was made with SHA-1": turned_away(f"{_signature(usual, key, 'sha1')}\n{usual}"),
            "the SHA-256 of the body, without a key": turned_away(
                f"{hashlib.sha256(usual.encode()).hexdigest()}\n{usual}"
            ),
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


@Exercise
def dispatcher(contestant: type[Dispatcher]) -> Report:
    """Lesson 5: a dispatcher of messages to handlers.

    Args:
        contestant: A class that takes a fallback, with the decorator ``on(type)`` and with ``dispatch(message)``.
    """
    report = Report("Dispatcher")
    with keeping_logs() as records:
        check_dispatcher(report, contestant, records)
    return report


def _signature(body: str, key: bytes, digest: str = "sha256") -> str:
    return hmac.new(key, body.encode(), digest).hexdigest()


def _raised(refused: type[ValueError], verify: Verify, data: str, key: bytes, now: float) -> str:
    """The name of the exception that was raised. Each ``ValueError`` of another kind than ``refused`` is only that."""
    try:
        verify(data, key, now)
    except ValueError as error:
        return refused.__name__ if isinstance(error, refused) else "ValueError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ACCEPTED


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
