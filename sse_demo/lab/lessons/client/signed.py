"""What lesson 5 builds, for the parts of it that come after its exercises; and a sender who has a bad day.

The data of an event is a signature on a line of its own, and a body. The body is a message as JSON.
"""

from __future__ import annotations

import hmac
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from traceback import extract_tb
from typing import Any, TypeVar

from ....wire.event import Event

Message = dict[str, Any]
Function = TypeVar("Function", bound=Callable[..., object])

WINDOW = 30.0  # seconds that a message may be old, or ahead
NEEDED: dict[str, type | tuple[type, ...]] = {"type": str, "timestamp": (int, float), "payload": dict}
EXERCISES = {"verify": "verify", "dispatch": "Dispatcher"}  # functions of the learner, and what stands in for them
GOOD_IN_A_ROW = 5  # prices after each bad day

_logger = logging.getLogger("client")  # the name that the lesson uses, too


class Refused(ValueError):
    """A message that is not signed with the key, or whose time is not within the window."""


def sign(body: str, key: bytes) -> str:
    """The HMAC-SHA256 of a body, as 64 hexadecimal digits."""
    return hmac.digest(key, body.encode(), "sha256").hex()


def decode(body: str) -> Message:
    """A message that is complete.

    Raises:
        ValueError: It is no JSON, or not complete.
        RecursionError: It is nested too deeply for Python's decoder.
    """
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("it is no object")
    for name, kind in NEEDED.items():
        if not isinstance(message.get(name), kind):
            raise ValueError(f"{name} is missing, or is of the wrong kind")
    return message


def verify(data: str, key: bytes, now: float) -> Message:
    """The message in the data of an event.

    Args:
        data: A signature, a line end, and a body.
        key: The secret that sender and receiver know.
        now: The time, in seconds since 1970.

    Raises:
        Refused: The signature does not fit, or the message is not of now.
        ValueError: The message is signed, and is not complete.
        RecursionError: The message is signed, and nested too deeply.
    """
    signature, _, body = data.partition("\n")
    if not hmac.compare_digest(sign(body, key).encode(), signature.encode(errors="surrogatepass")):
        raise Refused("the signature does not fit")
    message = decode(body)
    if not now - WINDOW <= message["timestamp"] <= now + WINDOW:
        raise Refused("its time is not now")
    return message


class Dispatcher:
    """Hands each message to the functions that are registered for its type.

    A function that fails is logged, and nobody else notices.

    Args:
        fallback: Is called with each message of a type for which no function is registered.
    """

    def __init__(self, fallback: Callable[[Message], object]) -> None:
        self.fallback = fallback
        self.handlers: dict[str, list[Callable[[Any], object]]] = {}

    def on(self, type: str) -> Callable[[Function], Function]:
        """Register the decorated function for a type. It is called with the payload."""

        def register(handler: Function) -> Function:
            self.handlers.setdefault(type, []).append(handler)
            return handler

        return register

    def dispatch(self, message: Message) -> None:
        """Call the functions for a message, in the order of their registration."""
        handlers = self.handlers.get(message["type"])
        argument = message["payload"] if handlers else message
        for handler in handlers or [self.fallback]:
            try:
                handler(argument)
            except Exception:
                _logger.exception("a handler of %r has failed:", message["type"])


def bad_day(key: bytes, price: int = 101) -> dict[str, str]:
    """Seven messages as data of events, each by what it is. All but the first are what a client has to survive."""

    def signed(body: str) -> str:
        return f"{sign(body, key)}\n{body}"

    def message(type: str, payload: Message, age: float = 0) -> str:
        return signed(json.dumps({"type": type, "timestamp": time.time() - age, "payload": payload}))

    good = message("price", {"price": price})
    return {
        "a good price": good,
        "a changed price": good.replace(f'"price": {price}', '"price": 901'),
        "without signature": good.partition("\n")[2],
        "an hour old": message("price", {"price": 99}, age=3600),
        "our sender's bug": signed("price: 103"),
        "another payload": message("price", {"cost": price}),
        "a new type": message("weather", {"sky": "grey"}),
    }


def live_through(receive: Callable[[Event], object], data: Mapping[str, str]) -> str:
    """What a client says to each message, a line each. It ends with the first exception, as the client's loop does.

    Args:
        receive: Takes an event, and returns what has become of it.
        data: As :func:`bad_day` returns it.
    """
    lines = []
    for what, text in data.items():
        try:
            lines.append(f"{what:18} {receive(Event(text))}")
        except Exception as error:
            lines.append(f"{what:18} {type(error).__name__}: {error}")
            calls = [call.name for call in extract_tb(error.__traceback__)]
            culprit = next((name for name in calls if name in EXERCISES), "receive")
            lines += ["", f"The loop has ended: {culprit} lets this exception out."]
            if culprit in EXERCISES:
                lines.append(f"Finish its exercise, or take signed.{EXERCISES[culprit]} until then.")
            break
    return "\n".join(lines)


def bad_days(key: bytes) -> Iterator[str]:
    """Bad days for ever, with some good prices between any two."""
    prices = (round(450 + 300 * math.sin(number)) for number in count())
    while True:
        yield from bad_day(key, next(prices)).values()
        for _ in range(GOOD_IN_A_ROW):
            yield bad_day(key, next(prices))["a good price"]
