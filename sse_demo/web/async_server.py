"""A service on an event loop that is there already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ..hub.hub import Hub
from .addresses import is_loopback
from .http_server import HttpServer
from .server_socket import ServerSocket
from .service import App

STOP_WITHIN = 0.5  # seconds for the last answers to go out

#: Runs beside the service, with its hub, until it is cancelled.
Background = Callable[[Hub], Coroutine[Any, Any, None]]

_logger = logging.getLogger("sse_demo.server")


class AsyncServer:
    """Serves an application on the running event loop, from ``async with`` or :meth:`start` to :meth:`stop`.

    ::

        hub = Hub()
        async with AsyncServer(make_app(hub), bind("127.0.0.1", 8000)):
            await hub.publish_async("news", "hello")
            ...
        hub.close()

    All methods are for the event loop's thread. :func:`sse_demo.serve` does the same in a thread of its own.

    Args:
        app: What is served, made by :func:`~sse_demo.web.app.make_app`.
        socket: Where it is served, made by :func:`~sse_demo.web.server_socket.bind`. It is closed at the end.
        tls: A server's context with its certificate loaded. Without one, connections are not encrypted.
        background: What runs beside the service, such as a source of events. It is cancelled at the end.

    Attributes:
        url: Where the service is, such as ``http://127.0.0.1:8000``.
        port: The port of it.
        service: What its handlers share.
    """

    def __init__(
        self,
        app: App,
        socket: ServerSocket,
        *,
        tls: ssl.SSLContext | None = None,
        background: Sequence[Background] = (),
    ) -> None:
        host, self.port = socket.getsockname()[:2]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.service = app.service
        self.service.local_only = is_loopback(host)
        self._socket = socket
        self._background = background
        self._tasks: list[asyncio.Task[None]] = []
        self._http = HttpServer(app, tls)
        self._ending: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    async def start(self) -> None:
        """Accept connections from now on, and run the background."""
        self._http.start(self._socket)
        for run in self._background:
            task = asyncio.create_task(run(self.service.hub))
            task.add_done_callback(_tell_of_failure)
            self._tasks.append(task)

    async def stop(self, drain: float = 0) -> None:
        """End open streams as they should end, and free the port. Returns when it is done.

        Called again while a drain goes on, it cuts the drain short.

        Args:
            drain: Seconds over which the streams are ended, one after the other, so that their clients do not come to
                another server all at once. Meanwhile a new stream ends as soon as it has begun: its client will be
                back. Streams that have an end of their own may come to it; new ones are refused with 503. And
                ``/health`` says "draining".
        """
        if self._ending:
            self.hurry()
        else:
            self._ending = asyncio.create_task(self._end(drain))
        await asyncio.shield(self._ending)  # whoever waits may be cancelled; the end goes on

    def hurry(self) -> None:
        """Cut short a drain that goes on, or is to come."""
        self._hurry.set()

    async def __aenter__(self) -> AsyncServer:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def _end(self, drain: float) -> None:
        self.service.draining = True
        await self._end_streams(drain)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # failures have been told
        self._http.stop()
        self._socket.close()
        if self.service.in_progress:
            self.service.all_answered.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.service.all_answered.wait(), STOP_WITHIN)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await self._http.close_all_connections()

    async def _end_streams(self, drain: float) -> None:
        """End the streams, spread over the time there is. Those that have an end of their own may come to it."""
        loop = asyncio.get_running_loop()
        leaving = list(self.service.connections - self.service.finite)
        start = loop.time()
        for number, connection in enumerate(leaving, start=1):
            connection.end()
            due = start + drain * number / len(leaving)
            if due > loop.time() and not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), due - loop.time())
        for connection in self.service.finite:
            connection.when_closed(self._hurry_without_streams)
        if self.service.finite:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), start + drain - loop.time())
        for connection in list(self.service.finite):
            connection.abort()  # rather broken off than taken for complete

    def _hurry_without_streams(self) -> None:
        if not self.service.finite:
            self.hurry()


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _logger.error("what ran beside the service has failed", exc_info=error)
