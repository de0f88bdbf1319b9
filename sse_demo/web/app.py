"""The service as a Tornado application: its routes, in groups, and the middleware that each request passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..hub.hub import Hub
from . import handlers
from .access.limits import AccessLimits
from .admin.routes import ADMIN, ADMIN_PAGE
from .forwarded import behind_proxies
from .handlers import Middleware
from .hosts import known_host
from .limits import WebLimits
from .middleware import access_log, cors, in_progress, recovery, request_id, same_origin
from .routing import Group, Route, url_specs
from .service import App, Service

if TYPE_CHECKING:
    from .access.access import Access

#: The addresses that every service has.
BUILT_IN = (
    Route("/events", handlers.EventsHandler),  # first, since Tornado tries one after the other
    Route("/health", handlers.HealthHandler),
    Route("/metrics", handlers.MetricsHandler),
    Route("/ready", handlers.ReadyHandler),
)

#: The addresses by which somebody is let in, where a service has access control.
SESSION = (Route("/session", handlers.SessionHandler),)
TICKETS = (Route("/tickets", handlers.TicketsHandler),)


def make_app(
    hub: Hub,
    routes: Sequence[Route | Group] = (),
    settings: WebLimits | None = None,
    *,
    built_in: Sequence[Route | Group] = BUILT_IN,
    access: Access | None = None,
) -> App:
    """The whole service around one hub, for an event loop of your own.

    :class:`~sse_demo.web.async_server.AsyncServer` serves it. Every request passes the same middleware, from the first
    to the last: it gets an id, its answer is logged, false names and pages of other origins are let in or not, and an
    error becomes an answer. A handler finds what the service consists of as ``self.service``. What is added by
    Tornado's own ``add_handlers``, such as static files, passes none of it, and so is open to everybody.

    Args:
        hub: Publishes, and sends to subscribers. The caller closes it.
        routes: Routes of your own, and groups. An address that is also built in is answered by yours.
        settings: The limits of the HTTP side; a :class:`~sse_demo.settings.Settings` is one.
        access: Who may listen and publish; ``None`` for everybody.
        built_in: The routes of the service itself.

    Raises:
        ValueError: Two of the routes have the same path, or a path cannot be one.
    """
    service = Service(hub=hub, settings=settings or WebLimits())
    middleware = _middleware(service.settings)
    if access is not None:
        built_in = [*built_in, *_control(service, access, middleware)]
    rules = [rule for group in (routes, built_in) for rule in url_specs(Group("", group, middleware))]
    return App(
        service,
        rules,  # Tornado takes the first that matches
        default_handler_class=handlers.NotFoundHandler,
        default_handler_args={"middleware": middleware},
        log_function=lambda handler: None,  # the middleware does
    )


def _control(service: Service, access: Access, middleware: list[Middleware]) -> Sequence[Route]:
    """Put a guard into the service, and before its handlers. Returns the routes by which somebody is let in, or out."""
    from .access.guard import Guard  # which needs the extra `auth`
    from .access.who_asks import who_asks

    limits = service.settings if isinstance(service.settings, AccessLimits) else AccessLimits()
    service.guard = Guard(access, limits, service.hub.metrics)
    middleware.append(who_asks(service.guard))  # within recovery, which makes an answer of what a query gets wrong
    by_session = (*SESSION, *ADMIN_PAGE) if access.sessions else ()
    return [*ADMIN, *by_session, *(TICKETS if access.tickets else ())]


def _middleware(settings: WebLimits) -> list[Middleware]:
    """What each request passes, the outermost first. What would have nothing to do is left out."""
    middleware: list[Middleware] = [in_progress]
    if settings.trusted_proxies:
        middleware.append(behind_proxies(settings.trusted_proxies))
    middleware += [request_id, access_log]
    if "*" not in settings.allow_hosts:
        middleware.append(known_host(settings.allow_hosts, proxied=bool(settings.trusted_proxies)))
    if settings.allow_origins:
        middleware.append(cors(settings.allow_origins, settings.allow_credentials))
    return [*middleware, same_origin, recovery]
