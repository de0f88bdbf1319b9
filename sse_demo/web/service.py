"""What the handlers of one service share: the hub, the limits, and what is going on at the moment."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tornado.routing import Rule
from tornado.web import Application

from ..errors import SSEError
from ..hub.connection import Connection
from ..hub.hub import Hub
from .limits import WebLimits

DROPPED_BODY = 16  # times the limit of an event: the largest body that is received only to be refused


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
        in_progress: For each other request a future that is done when the headers of its answer are ready.
        draining: The service is about to stop.
        local_only: Only this machine can reach the service. The server that serves it says so.
    """

    hub: Hub
    settings: WebLimits = field(default_factory=WebLimits)
    connections: set[Connection] = field(default_factory=set)
    finite: set[Connection] = field(default_factory=set)
    in_progress: set[asyncio.Future[None]] = field(default_factory=set)
    draining: bool = False
    local_only: bool = False

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

    def require_room(self) -> None:
        """Raise :class:`ServerFull` where there is no room for another event stream."""
        if len(self.connections) >= self.settings.max_connections:
            raise ServerFull(f"{len(self.connections)} event streams are open, which is the limit")

    def keep(self, connection: Connection, *, finite: bool = False) -> None:
        """Count an event stream as open, until it has closed."""
        for streams in [self.connections, self.finite] if finite else [self.connections]:
            streams.add(connection)
            connection.when_closed(partial(streams.discard, connection))


class App(Application):
    """A Tornado application that knows its service.

    Attributes:
        service: What its handlers share.
    """

    def __init__(self, service: Service, rules: list[Rule], **options: Any) -> None:
        self.service = service
        super().__init__(rules, **options)
