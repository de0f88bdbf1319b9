"""``serve()``: a whole service from one call: the log that its name stands for, the hub, the web and the demo."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Sequence

from . import notebook
from .demo.machine import publish_machine
from .demo.routes import DEMO
from .hub.hub import Hub
from .logs.memory import EventLog
from .logs.sqlite import SqliteLog
from .settings import Settings
from .web.routing import Group, Route
from .web.server import Server
from .web.server_socket import listen_on


def serve(
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    log: str | os.PathLike | EventLog | None = None,
    live: bool = False,
    tls: ssl.SSLContext | None = None,
    routes: Sequence[Route | Group] = (),
    **settings,
) -> Server:
    """Start the service in a background thread, and return when it accepts connections.

    port
        0 picks a free one; ``server.url`` tells which.
    host
        The default is reached from this machine only. ``"0.0.0.0"`` listens to the whole network.
    log
        A file that keeps the events over a restart (see :class:`SqliteLog`). Without one they are kept in memory.
    live
        Publish this machine's CPU and memory on the topic ``machine`` twice a second.
    tls
        A server's context, such as ``ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)`` with its certificate loaded.
    routes
        More of them, and groups, with handlers and middleware of your own. See :mod:`sse_demo.web.routing`.
    settings
        See :class:`Settings`, for example ``heartbeat=5``.

    Raises ``ValueError`` for a port or a setting that is none, ``OSError`` when the port is in use, and
    :class:`LogError` when the log file cannot be used. The server ends with the script: ``join()`` waits, in one that
    has nothing else to do. In a notebook, a cell that is run again stops the server which it had started before.
    """
    configured = Settings(**settings)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port must be a whole number from 0 to 65535, not {port!r}")
    notebook.stop_earlier_run()
    listener = listen_on(host, port)
    with contextlib.ExitStack() as undo:
        undo.callback(listener.close)
        owned_log = SqliteLog(log, configured) if isinstance(log, (str, os.PathLike)) else None
        if owned_log:
            undo.callback(owned_log.close)
        server = Server(
            listener,
            Hub(configured, owned_log or log),
            background=[publish_machine] if live else [],
            tls=tls,
            routes=[*routes, *DEMO],
            owned_log=owned_log,
        )
        undo.pop_all()
    notebook.stop_on_rerun(server)
    return server
