"""The checks of the exercises, a module for each lesson.

Each check takes a learner's answer and returns a :class:`Report` of what is right and what is still missing. It is$
named after what the learner writes.
"""

from .broadcast import newest, urgent_first
from .browser import headers, types
from .choosing_a_transport import CHOICES, PRODUCTS, inbox, transports
from .client import dispatcher, verify
from .exercise import Exercise
from .service import routes, timing
from .ten_messages import four_messages, menu, stop_id
from .when_the_line_drops import consume, wait
from .wire_format import encode, odd_stream, parser

#: The exercises of each lesson, in the order of the lessons.
EXERCISES: dict[str, tuple[Exercise[...], ...]] = {
    "01_ten_messages": (four_messages, stop_id, menu),
    "02_wire_format": (encode, parser, odd_stream),
    "03_server": (),
    "04_service": (timing, routes),
    "05_client": (verify, dispatcher),
    "06_browser": (types, headers),
    "07_when_the_line_drops": (wait, consume),
    "08_choosing_a_transport": (inbox, transports),
    "09_broadcast": (newest, urgent_first),
}

__all__ = [
    "CHOICES",
    "EXERCISES",
    "PRODUCTS",
    "consume",
    "dispatcher",
    "encode",
    "four_messages",
    "headers",
    "inbox",
    "menu",
    "newest",
    "odd_stream",
    "parser",
    "routes",
    "stop_id",
    "timing",
    "transports",
    "types",
    "urgent_first",
    "verify",
    "wait",
]
