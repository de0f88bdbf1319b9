"""The HTTP side: what each address answers."""

from .base import Middleware, problem
from .events import EventsHandler
from .handler import Handler
from .pages import HealthHandler, MetricsHandler, NotFoundHandler
from .publication import refusals_explained

__all__ = [
    "EventsHandler",
    "Handler",
    "HealthHandler",
    "MetricsHandler",
    "Middleware",
    "NotFoundHandler",
    "problem",
    "refusals_explained",
]
