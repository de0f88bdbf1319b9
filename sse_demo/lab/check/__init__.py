"""The checks of the exercises, a module for each lesson.

Each check takes a learner's answer and returns a :class:`Report` of what is right and what is still missing.
"""

from .broadcast import newest, urgent_first
from .browser import cors, listeners
from .choosing_a_transport import CHOICES, PRODUCTS, inbox, transports
from .client import dispatcher, verify
from .server import routes, timing
from .ten_messages import four_messages, stop_id
from .when_the_line_drops import backoff, consumer
from .wire_format import encoder, odd_stream, parser

__all__ = [
    "CHOICES",
    "PRODUCTS",
    "backoff",
    "consumer",
    "cors",
    "dispatcher",
    "encoder",
    "four_messages",
    "inbox",
    "listeners",
    "newest",
    "odd_stream",
    "parser",
    "routes",
    "stop_id",
    "timing",
    "transports",
    "urgent_first",
    "verify",
]
