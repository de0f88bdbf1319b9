"""The checks of the exercises, a module for each lesson.

Each check takes a learner's answer and returns a :class:`Report` of what is right and what is still missing. It is
named after what the learner writes. A lesson's module is loaded when one of its checks is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .exercise import Exercise

if TYPE_CHECKING:
    from .broadcast import newest, send_to
    from .browser import cors_headers, heard
    from .choosing_a_transport import CHOICES, PRODUCTS, inbox, transports
    from .client import dispatcher, verify
    from .server import alarm, departures
    from .service import routes, timing
    from .ten_messages import four_messages, menu, stop_id
    from .when_the_line_drops import consume, wait
    from .who_may_listen import HOLES, holes, verify_token
    from .wire_format import encode, odd_events, parser

#: The exercises of each lesson, in the order of the lessons.
EXERCISES = {
    "01_ten_messages": ("four_messages", "stop_id", "menu"),
    "02_wire_format": ("encode", "parser", "odd_events"),
    "03_server": ("departures", "alarm"),
    "04_service": ("timing", "routes"),
    "05_client": ("verify", "dispatcher"),
    "06_browser": ("heard", "cors_headers"),
    "07_when_the_line_drops": ("wait", "consume"),
    "08_choosing_a_transport": ("inbox", "transports"),
    "09_broadcast": ("send_to", "newest"),
    "10_who_may_listen": ("verify_token", "holes"),
}

_HOME_OF = {name: lesson.partition("_")[2] for lesson, names in EXERCISES.items() for name in names} | {
    "CHOICES": "choosing_a_transport",
    "HOLES": "who_may_listen",
    "PRODUCTS": "choosing_a_transport",
}

__all__ = [
    "CHOICES",
    "EXERCISES",
    "HOLES",
    "PRODUCTS",
    "Exercise",
    "alarm",
    "consume",
    "cors_headers",
    "departures",
    "dispatcher",
    "encode",
    "four_messages",
    "heard",
    "holes",
    "inbox",
    "menu",
    "newest",
    "odd_events",
    "parser",
    "routes",
    "send_to",
    "stop_id",
    "timing",
    "transports",
    "verify",
    "verify_token",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"there is no check {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
