"""The HTTP side: what each address answers, and what a handler of your own is made of."""

from .chain import Middleware
from .events import EventsHandler, SubscribeHandler
from .handler import Handler
from .pages import HealthHandler, MetricsHandler, NotFoundHandler
from .problems import Problem, problem
from .publication import PublishHandler

__all__ = [
    "EventsHandler",
    "Handler",
    "HealthHandler",
    "MetricsHandler",
    "Middleware",
    "NotFoundHandler",
    "Problem",
    "PublishHandler",
    "SubscribeHandler",
    "problem",
]
