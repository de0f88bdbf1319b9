"""The HTTP side: what each address answers."""

from .base import Middleware, problem
from .events import EventsHandler
from .handler import Handler
from .pages import HealthHandler, MetricsHandler, NotFoundHandler, PageHandler, PingHandler
from .publication import refusals_explained
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
    "refusals_explained",
]
