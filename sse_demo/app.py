"""The service: its routes, in groups, and the middleware that each request passes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tornado.web import Application

from . import handlers
from .hub import Hub
from .middleware import access_log, cors, in_progress, recovery, request_id, same_origin
from .routing import Group, Route, url_specs

PAGE = Path(__file__).with_name("page.html")

SERVICE = [
    Route("/", handlers.PageHandler),
    Route("/ping", handlers.PingHandler),
    Route("/health", handlers.HealthHandler),
    Route("/metrics", handlers.MetricsHandler),
    Route("/stream", handlers.TenMessagesHandler),
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
        page=PAGE.read_bytes(),
        default_handler_class=handlers.NotFoundHandler,
        default_handler_args={"middleware": middleware},
        log_function=lambda handler: None,  # the middleware does
    )
