"""``serve()``: a whole service from one call: the log that its name stands for, the hub, the web and the demo."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from . import notebook
from .demo.routes import DEMO
from .extras import needs
from .hub.hub import Hub
from .logs.contract import EventLog
from .logs.sqlite import SqliteLog
from .settings import Settings, SettingsByName
from .web.app import BUILT_IN, make_app
from .web.async_server import Background
from .web.routing import Group, Route
from .web.server import Server
from .web.server_socket import bind, require_port
from .web.tls import Certificate

if TYPE_CHECKING:
    from .web.access.access import Access


def serve(
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    log: str | os.PathLike[str] | EventLog | None = None,
    access: Access | None = None,
    demo: bool = True,
    live: bool = False,
    tls: ssl.SSLContext | Certificate | None = None,
    routes: Sequence[Route | Group] = (),
    **settings: Unpack[SettingsByName],
) -> Server:
    """Start the service in a background thread, and return when it accepts connections.

    A server that is bound to loopback answers the names of loopback and those in ``allow_hosts``. In a notebook whose
    browser is on another machine, it answers every name by default.

    The server ends with the script: ``join()`` waits, in one that has nothing else to do. In a notebook, a cell that is
    run again stops the server which it had started before.

    Args:
        port: 0 picks a free one; ``server.url`` tells which.
        host: The default is reached from this machine only, ``"0.0.0.0"`` from the whole network.
        log: Where the events are kept. The path of a file keeps them over a restart, see :class:`SqliteLog`. A log of
            your own is used as it is, and not closed. ``None`` keeps the events in memory.
        access: Who may listen and publish. ``None`` lets everybody who reaches the port do both.
        demo: Serve the demo as well: the page ``/``, the ten messages ``/stream``, and ``/ping``.
        live: Publish this machine's CPU and memory on the topic ``machine`` twice a second.
        tls: A certificate, as in ``Certificate("cert.pem", "key.pem")``; or a context of your own, such as
            ``ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)`` with its certificate loaded.
        routes: Routes of your own, and groups, with handlers and middleware of your own. See
            :mod:`sse_demo.web.routing`. An address that the service has already is answered by yours.
        settings: Limits and intervals, for example ``heartbeat=5``. See :class:`Settings`.

    Raises:
        ValueError: The port is none, or a setting is none that it may be, or two of the routes have the same path.
        TypeError: There is no such setting.
        ImportError: ``live`` needs psutil, and it is not installed here.
        OSError: The port is in use, or the host is none of this machine.
        LogError: The log file cannot be used.
    """
    if notebook.browser_is_elsewhere():
        settings = {"allow_hosts": ["*"], **settings}
    configured = Settings(**settings)  # type: ignore[arg-type]  # a list of names becomes a tuple there
    require_port(port)  # before anything is stopped
    background = _this_machine() if live else []
    notebook.stop_earlier_run()
    with contextlib.ExitStack() as undo:
        owned = undo.enter_context(contextlib.ExitStack())
        socket = undo.enter_context(bind(host, port))
        if isinstance(log, (str, os.PathLike)):
            log = owned.enter_context(contextlib.closing(SqliteLog(log, configured)))
        hub = Hub(configured, log)
        owned.callback(hub.close)
        server = Server(
            make_app(hub, routes, configured, access=access, built_in=[*BUILT_IN, *DEMO] if demo else BUILT_IN),
            socket,
            tls=tls.context if isinstance(tls, Certificate) else tls,
            background=background,
            owned=owned,
        )
        undo.pop_all()
    notebook.stop_on_rerun(server)
    return server


def _this_machine() -> list[Background]:
    with needs("live", "live=True"):
        from .demo.machine import publish_machine
    return [publish_machine]
