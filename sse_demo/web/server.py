"""The service on an event loop of its own, in a background thread."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Coroutine, Sequence

from tornado.httpserver import HTTPServer

from ..hub.connection import Connection
from ..hub.hub import Hub
from ..logs.sqlite import SqliteLog
from ..wire.event import Event
from .app import make_app
from .handlers.publication import DROPPED_BODY
from .routing import Group, Route
from .server_socket import ListeningSocket

STOP_WITHIN = 0.5  # seconds for the last answers to go out


class Server:
    """A running service. Made by :func:`serve`; also a context manager, which stops it at its end.

    ``url`` is where it is, ``hub`` is what it serves.
    """

    def __init__(
        self,
        listener: ListeningSocket,
        hub: Hub,
        *,
        background: Sequence[Callable[[Hub], Coroutine[object, object, None]]] = (),
        tls: ssl.SSLContext | None = None,
        routes: Sequence[Route | Group] = (),
        owned_log: SqliteLog | None = None,
    ):
        host, self.port = listener.getsockname()[:2]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.hub = hub
        self._listener = listener
        self._background = background
        self._tls = tls
        self._app = make_app(hub, routes)
        self._owned_log = owned_log  # to be closed at the end
        self._drain = 0.0
        self._loop = asyncio.SelectorEventLoop()  # what Tornado runs best on, on Windows too
        self._stop = asyncio.Event()
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sse_demo {self.url}", daemon=True)
        self._thread.start()

    def publish(
        self, topic: str, event: Event | str, *, key: str | None = None, idempotency_key: str | None = None
    ) -> str:
        """Publish from any thread. Returns the id. See :meth:`Hub.publish`."""
        if not self.running:
            raise RuntimeError(f"the server at {self.url} has been stopped; start another with serve()")
        return self.hub.publish(topic, event, key=key, idempotency_key=idempotency_key)

    @property
    def running(self) -> bool:
        return not self._finished.is_set()

    def stop(self, drain: float = 0) -> None:
        """End open streams as they should end, and free the port. Returns when it is done; again, it does nothing.

        With ``drain``, the streams are ended one after the other over so many seconds, so that their clients do not
        come to another server all at once. Meanwhile a new stream ends as soon as it has begun: its client will be
        back. And ``/health`` says "draining". Another ``stop()`` cuts this short.
        """
        if self.running:
            self._drain = drain
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago, by another stop()
                self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self.join()
            self._thread.join()

    def join(self) -> None:
        """Wait until the server is stopped."""
        self._finished.wait()  # not Thread.join: after an interrupted one Python 3.11 takes the thread for dead

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.url} {'running' if self.running else 'stopped'}>"

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
            self.hub.close()
            if self._owned_log:
                self._owned_log.close()
        finally:
            self._finished.set()

    async def _serve(self) -> None:
        app = self._app
        settings = self.hub.settings
        http = HTTPServer(
            app,
            max_body_size=settings.max_event_size * DROPPED_BODY,
            body_timeout=settings.request_timeout,
            idle_connection_timeout=settings.request_timeout,
            ssl_options=self._tls,
        )
        http.add_socket(self._listener)
        background = [asyncio.create_task(run(self.hub)) for run in self._background]
        await self._stop.wait()
        self._stop.clear()  # the next one cuts the goodbyes short
        app.settings["draining"] = True
        await self._say_goodbye(app.settings["connections"])
        for task in background:
            task.cancel()
        http.stop()
        if answers := app.settings["in_progress"]:
            await asyncio.wait(answers, timeout=STOP_WITHIN)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await http.close_all_connections()

    async def _say_goodbye(self, connections: set[Connection]) -> None:
        """End the streams, spread over the time there is."""
        leaving = list(connections)
        start = self._loop.time()
        for number, connection in enumerate(leaving, start=1):
            connection.end()
            due = start + self._drain * number / len(leaving)
            if due > self._loop.time() and not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), due - self._loop.time())
