"""Server-Sent Events in Python: the wire format, a server, a client, and the lessons that explain them."""

from .client import EventSource, EventSourceError, ReadyState, StateChange
from .event import Comment, Event, EventTooLarge
from .hub import Hub
from .listener import listen
from .parser import EventStreamParser
from .reconnection import TRANSIENT_STATUSES, Backoff
from .server import Server, serve
from .settings import Settings

__all__ = [
    "TRANSIENT_STATUSES",
    "Backoff",
    "Comment",
    "Event",
    "EventSource",
    "EventSourceError",
    "EventStreamParser",
    "EventTooLarge",
    "Hub",
    "ReadyState",
    "Server",
    "Settings",
    "StateChange",
    "listen",
    "serve",
]
