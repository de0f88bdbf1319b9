"""The Tornado application: which address is answered by which handler."""

from __future__ import annotations

import logging
from pathlib import Path

from tornado.web import Application, RequestHandler

from . import handlers
from .hub import Hub

PAGE = Path(__file__).with_name("page.html")

_access_log = logging.getLogger("sse_demo.access")


def make_app(hub: Hub) -> Application:
    """The whole service around one hub. The handlers find it as ``application.settings["hub"]``."""
    return Application(
        [
            (r"/", handlers.PageHandler),
            (r"/ping", handlers.PingHandler),
            (r"/health", handlers.HealthHandler),
            (r"/metrics", handlers.MetricsHandler),
            (r"/stream", handlers.TenMessagesHandler),
            (r"/events", handlers.EventsHandler),
        ],
        hub=hub,
        connections=set(),
        draining=False,
        page=PAGE.read_bytes(),
        default_handler_class=handlers.NotFoundHandler,
        log_function=_log_request,
    )


def _log_request(handler: RequestHandler) -> None:
    request = handler.request
    # The path alone: a query may hold what does not belong in a log.
    _access_log.info(
        "%s %s %d %.1f ms", request.method, request.path, handler.get_status(), request.request_time() * 1000
    )
