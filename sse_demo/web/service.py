"""What the handlers of one service share: the hub, the limits, and what is going on at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Rule
from tornado.web import Application, HTTPError, RequestHandler

from ..errors import SSEError
from ..hub.connection import Connection
from ..hub.hub import Hub
from .bodies import BUDGET, Bodies, Body, announced_length, asked_first, asks_first, has_body, refuse
from .limits import WebLimits

if TYPE_CHECKING:
    from .access.guard import Guard


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
        in_progress: The other requests, each until the headers of its answer are ready.
        all_answered: Is set when there is no such request any more.
        draining: The service is about to stop.
        local_only: Only this machine can reach the service. The server that serves it says so.
        guard: Knows who asks; ``None`` where the service has no access control.
    """

    hub: Hub
    settings: WebLimits = field(default_factory=WebLimits)
    connections: set[Connection] = field(default_factory=set)
    finite: set[Connection] = field(default_factory=set)
    bodies: Bodies = field(init=False)
    in_progress: set[object] = field(default_factory=set)
    all_answered: asyncio.Event = field(default_factory=asyncio.Event)
    draining: bool = False
    local_only: bool = False
    guard: Guard | None = None

    def __post_init__(self) -> None:
        self.bodies = Bodies(max(BUDGET, self.hub.settings.max_event_size, self.settings.max_batch_size))

    @property
    def condition(self) -> str:
        """``"ok"``; or why nobody shall be sent here: ``"draining"``, ``"log unreachable"``."""
        if self.draining:
            return "draining"
        return "ok" if self.hub.log_is_reachable else "log unreachable"

    @property
    def is_full(self) -> bool:
        """Whether as many event streams are open as may be."""
        return len(self.connections) >= self.settings.max_connections

    def require_room(self) -> None:
        """Raise :class:`ServerFull` where there is no room for another event stream."""
        if self.is_full:
            raise ServerFull(f"{len(self.connections)} event streams are open, which is the limit")

    def keep(self, connection: Connection, *, finite: bool = False) -> None:
        """Count an event stream as open, until it has closed."""
        self.connections.add(connection)
        if finite:
            self.finite.add(connection)
        connection.when_closed(partial(self._forget, connection))

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.finite.discard(connection)


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
        """The way of a request to its handler; with an eye on its body, where there is one.

        A handler of Tornado's own, which knows nothing of this package, may be among the application's rules, too.
        """
        headers = request.headers
        if not has_body(headers):
            return super().get_handler_delegate(request, target_class, target_kwargs, *args, **kwargs)
        announced, refused = announced_length(headers), False
        limit_of: Callable[[HTTPServerRequest, Service], float] | None = getattr(target_class, "max_body_size", None)
        try:
            limit = limit_of(request, self.service) if limit_of else self.service.hub.settings.max_event_size
            if limit_of and announced > limit:
                raise HTTPError(413, f"the body has more than {limit:,} bytes, which is the limit here")
        except HTTPError as error:
            limit, refused = 0, True
            middleware = [*(target_kwargs or {}).get("middleware", ()), refuse(error)]
            target_kwargs = {**(target_kwargs or {}), "middleware": middleware}
        if limit_of and asks_first(headers):
            target_class = asked_first(target_class)  # type: ignore[arg-type]  # mypy: a class has no __hash__(self)
        delegate = super().get_handler_delegate(request, target_class, target_kwargs, *args, **kwargs)
        return Body(delegate, request, self.service.bodies, announced, limit, refused)
