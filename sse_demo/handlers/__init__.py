"""The HTTP side: what each address answers."""

from .base import Handler, Middleware, problem
from .events import EventsHandler
from .pages import HealthHandler, MetricsHandler, NotFoundHandler, PageHandler, PingHandler
from .ten_messages import TenMessagesHandler

__all__ = [
    "EventsHandler",
    "Handler",
    "HealthHandler",
    "MetricsHandler",
    "Middleware",
    "NotFoundHandler",
    "PageHandler",
    "PingHandler",
    "TenMessagesHandler",
    "problem",
]
