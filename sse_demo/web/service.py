"""What the handlers of one service share: the hub, the limits, and what is going on at the moment."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Rule
from tornado.web import Application, RequestHandler

from ..errors import SSEError
from ..hub.connection import Connection
from ..hub.hub import Hub
from .bodies import BUDGET, UNEXPECTED, Bodies, Body, announced_length, has_body, too_large
from .limits import WebLimits
from .streams import send_last

DROPPED_BODY = 16  # times the limit of an event: the largest body that is received only to be refused
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")  # whose bodies may be as large as an event


def implements(handler: type[RequestHandler], method: str) -> bool:
    """Whether a handler's class has a method of its own for this method of HTTP, or for another of Tornado's."""
    own = getattr(handler, method.lower(), None)
    return own is not None and own is not getattr(RequestHandler, method.lower(), None)


class ServerFull(SSEError, RuntimeError):
    """As many event streams are open as may be open."""

    status = 503


@dataclass(eq=False, kw_only=True)
class Service:
    """One service. It is for the event loop's thread.

    Attributes:
        hub: Publishes, and sends to subscribers.
        settings: The limits of the HTTP side. Those of the hub are ``hub.settings``.
        connections: The event streams that are open.
        finite: Those among them that come to an end by themselves. A drain waits for them.
        bodies: The bodies of requests that are on their way.
        largest_kept: Bytes that are kept of the largest of them.
        in_progress: For each other request a future that is done when the headers of its answer are ready.
        draining: The service is about to stop.
        local_only: Only this machine can reach the service. The server that serves it says so.
    """

    hub: Hub
    settings: WebLimits = field(default_factory=WebLimits)
    connections: set[Connection] = field(default_factory=set)
    finite: set[Connection] = field(default_factory=set)
    bodies: Bodies = field(init=False)
    largest_kept: float = field(init=False)
    in_progress: set[asyncio.Future[None]] = field(default_factory=set)
    draining: bool = False
    local_only: bool = False

    def __post_init__(self) -> None:
        self.largest_kept = max(self.hub.settings.max_event_size, self.settings.max_batch_size, UNEXPECTED)
        self.bodies = Bodies(max(BUDGET, self.largest_kept))

    @property
    def condition(self) -> str:
        """``"ok"``; or why nobody shall be sent here: ``"draining"``, ``"log unreachable"``."""
        if self.draining:
            return "draining"
        return "ok" if self.hub.log_is_reachable else "log unreachable"

    @property
    def max_body_size(self) -> int:
        """Bytes of the largest body that is received. A body that is larger than an event may be is then refused.

        A client that is still sending when its connection closes never sees the answer. So a body that is too large
        but not absurd is received and dropped.
        """
        return int(min(self.hub.settings.max_event_size * DROPPED_BODY, sys.maxsize))

    def body_limit(self, handler: type[RequestHandler], method: str) -> float:
        """Bytes of the largest body that is received for a method of a handler."""
        if method not in METHODS_WITH_BODY or not implements(handler, method):
            return UNEXPECTED
        return self.max_body_size if implements(handler, "data_received") else self.hub.settings.max_event_size

    def require_room(self) -> None:
        """Raise :class:`ServerFull` where there is no room for another event stream."""
        if len(self.connections) >= self.settings.max_connections:
            raise ServerFull(f"{len(self.connections)} event streams are open, which is the limit")

    def keep(self, connection: Connection, *, finite: bool = False) -> None:
        """Count an event stream as open, until it has closed."""
        for streams in [self.connections, self.finite] if finite else [self.connections]:
            streams.add(connection)
            connection.when_closed(partial(streams.discard, connection))
        self.hub.metrics.connections.inc()
        connection.when_closed(self.hub.metrics.connections.dec)


class App(Application):
    """A Tornado application that knows its service.

    Attributes:
        service: What its handlers share.
    """

    def __init__(self, service: Service, rules: list[Rule], **options: Any) -> None:
        self.service = service
        super().__init__(rules, **options)

    def get_handler_delegate(  # type: ignore[override]  # Tornado's own type is private, and has what this one has
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> HTTPMessageDelegate:
        """The way of a request to its handler; with an eye on its body, where there is one."""
        if not has_body(request.headers):
            return super().get_handler_delegate(request, target_class, target_kwargs, *args, **kwargs)
        method = request.method
        limit = self.service.body_limit(target_class, method)
        decides_itself = limit == self.service.max_body_size  # it takes the body piece by piece
        if announced_length(request.headers) > limit and not decides_itself:
            target_kwargs = dict(target_kwargs or {})
            target_kwargs["middleware"] = [*target_kwargs.get("middleware", ()), too_large(limit)]
        delegate = super().get_handler_delegate(request, target_class, target_kwargs, *args, **kwargs)
        kept = min(limit, self.service.largest_kept) if implements(target_class, method) else 0
        connection = cast(HTTP1Connection, request.connection)
        return Body(delegate, self.service.bodies, limit, kept, partial(send_last, connection.stream))
