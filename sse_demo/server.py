"""The service on an event loop of its own, in a background thread."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading

from tornado.httpserver import HTTPServer

from . import cells
from .app import make_app
from .event import Event
from .handlers import DROPPED_BODY
from .hub import Hub
from .machine import publish_machine
from .settings import Settings

STOP_WITHIN = 0.5  # seconds for the last answers to go out
BACKLOG = 1024  # connections that wait to be accepted; the system may allow fewer


class Server:
    """A running service. Made by :func:`serve`; also a context manager, which stops it at its end.

    ``url`` is where it is, ``hub`` is what it serves.
    """

    def __init__(self, listener: socket.socket, hub: Hub, *, live: bool):
        host, self.port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.hub = hub
        self._listener = listener
        self._live = live
        self._loop = asyncio.SelectorEventLoop()  # what Tornado runs best on, on Windows too
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"sse_demo {self.url}", daemon=True)
        self._thread.start()

    def publish(self, topic: str, event: Event | str) -> str:
        """Publish from any thread. Returns the id. See :meth:`Hub.publish`."""
        if not self.running:
            raise RuntimeError(f"the server at {self.url} has been stopped; start another with serve()")
        return self.hub.publish(topic, event)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """End open streams as they should end, and free the port. Returns when it is done; again, it does nothing."""
        if self.running:
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago, by another stop()
                self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def join(self) -> None:
        """Wait until the server is stopped."""
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.url} {'running' if self.running else 'stopped'}>"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        app = make_app(self.hub)
        settings = self.hub.settings
        http = HTTPServer(
            app,
            max_body_size=settings.max_event_size * DROPPED_BODY,
            body_timeout=settings.request_timeout,
            idle_connection_timeout=settings.request_timeout,
        )
        self._listener.setblocking(False)
        http.add_socket(self._listener)
        machine = asyncio.create_task(publish_machine(self.hub)) if self._live else None
        await self._stop.wait()
        if machine:
            machine.cancel()
        http.stop()
        for connection in list(app.settings["connections"]):
            connection.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await http.close_all_connections()


def serve(port: int = 0, host: str = "127.0.0.1", *, live: bool = False, **settings) -> Server:
    """Start the service in a background thread, and return when it accepts connections.

    port
        0 picks a free one; ``server.url`` tells which.
    host
        The default is reached from this machine only. ``"0.0.0.0"`` listens to the whole network.
    live
        Publish this machine's CPU and memory on the topic ``machine`` twice a second.
    settings
        See :class:`Settings`, for example ``heartbeat=5``.

    Raises ``OSError`` when the port is in use. In a notebook, a cell that is run again stops the server which it
    had started before.
    """
    configured = Settings(**settings)
    if not 0 <= port <= 65535:
        raise ValueError(f"port must be from 0 to 65535, not {port}")
    cells.stop_earlier_run()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = f"port {port} on {host} is in use; choose another one, or port=0 for any that is free"
            raise OSError(error.errno, hint) from None
        raise
    server = Server(listener, Hub(configured), live=live)
    cells.stop_on_rerun(server)
    return server
