"""Server-Sent Events in Python: the wire format, a server, a client, and the lessons that explain them."""

from .client import EventSource, EventSourceError, ReadyState, listen
from .event import Comment, Event, EventTooLarge
from .hub import Hub
from .parser import EventStreamParser
from .server import Server, serve
from .settings import Settings

__all__ = [
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
    "listen",
    "serve",
]
