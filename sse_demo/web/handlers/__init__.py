"""The HTTP side: what each address answers, and what a handler of your own is made of."""

from ..problems import Problem, problem
from .chain import Middleware
from .events import EventsHandler, SubscribeHandler
from .handler import Handler
from .pages import HealthHandler, MetricsHandler, NotFoundHandler, ReadyHandler
from .publication import PublishHandler
from .session import SessionHandler
from .tickets import TicketsHandler

__all__ = [
    "EventsHandler",
    "Handler",
    "HealthHandler",
    "MetricsHandler",
    "Middleware",
    "NotFoundHandler",
    "Problem",
    "PublishHandler",
    "ReadyHandler",
    "SessionHandler",
    "SubscribeHandler",
    "TicketsHandler",
    "problem",
]
