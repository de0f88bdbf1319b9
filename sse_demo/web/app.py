"""The service: its routes, in groups, and the middleware that each request passes."""

from __future__ import annotations

from collections.abc import Sequence

from tornado.web import Application

from ..hub.hub import Hub
from . import handlers
from .middleware import access_log, cors, in_progress, recovery, request_id, same_origin
from .routing import Group, Route, url_specs

SERVICE = [
    Route("/health", handlers.HealthHandler),
    Route("/metrics", handlers.MetricsHandler),
    Route("/events", handlers.EventsHandler),
]


def make_app(hub: Hub, routes: Sequence[Route | Group] = ()) -> Application:
    """The whole service around one hub, with more ``routes`` of your own before its own.

    Every request passes the same middleware, from the first to the last: it gets an id, its answer is logged, pages
    of other origins are let in or not, and an error becomes an answer. The handlers find the hub as
    ``application.settings["hub"]``.
    """
    settings = hub.settings
    middleware = [
        in_progress,
        request_id,
        access_log,
        cors(settings.allow_origins, settings.allow_credentials),
        same_origin,
        recovery,
    ]
    return Application(
        url_specs(Group("", [*routes, *SERVICE], middleware)),
        hub=hub,
        connections=set(),  # the event streams
        in_progress=set(),  # futures of the other answers
        draining=False,
        default_handler_class=handlers.NotFoundHandler,
        default_handler_args={"middleware": middleware},
        log_function=lambda handler: None,  # the middleware does
    )
