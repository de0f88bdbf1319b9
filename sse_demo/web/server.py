"""The service on an event loop of its own, in a background thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from ..errors import ServerStopped
from ..hub.publisher import is_log_thread
from ..wire.event import Event
from .async_server import AsyncServer, Background
from .server_socket import ServerSocket
from .service import App

if TYPE_CHECKING:
    from .access.guard import Revocation

NOTICE_WITHIN = 1.0  # seconds between two looks of a thread that waits whether a signal has come
END_WITHIN = (
    2.0  # seconds for what handlers do when they are cancelled, and for what generators do when they are closed
)

_logger = logging.getLogger("sse_demo.server")


class Server:
    """A running service. :func:`sse_demo.serve` makes one; it is also a context manager, which stops it at its end.

    Args:
        app: What is served.
        socket: Where it is served. It is closed at the end.
        tls: A server's context with its certificate loaded. Without one, connections are not encrypted.
        background: What runs beside the service, on its event loop.
        owned: What is closed once the service has stopped.

    Attributes:
        url: Where the service is, such as ``http://127.0.0.1:8000``.
        port: The port of it.
        hub: What publishes and sends to subscribers.
        service: What the handlers share. It is for the event loop's thread.
    """

    def __init__(
        self,
        app: App,
        socket: ServerSocket,
        *,
        tls: ssl.SSLContext | None = None,
        background: Sequence[Background] = (),
        owned: contextlib.ExitStack,
    ) -> None:
        self._socket = socket
        self._serving = AsyncServer(app, socket, tls=tls, background=background)
        self.url, self.port = self._serving.url, self._serving.port
        self.service = app.service
        self.hub = app.service.hub
        self._owned = owned
        self._process = os.getpid()
        self._loop = asyncio.SelectorEventLoop()  # what Tornado runs best on, on Windows too
        self._stop = asyncio.Event()
        self._drain = 0.0
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sse_demo {self.url}", daemon=True)
        self._thread.start()

    def publish(
        self, topic: str, event: Event | str, *, key: str | None = None, idempotency_key: str | None = None
    ) -> str:
        """Publish from any thread. Returns the id. See :meth:`Hub.publish`.

        Raises:
            ServerStopped: The server has been stopped, or this process is a fork of the one in which it runs.
        """
        if os.getpid() != self._process:
            raise ServerStopped(f"the server at {self.url} runs in the process of which this one is a fork")
        if not self.running:
            raise ServerStopped(f"the server at {self.url} has been stopped; start another with serve()")
        return self.hub.publish(topic, event, key=key, idempotency_key=idempotency_key)

    def revoke(
        self,
        *,
        subject: str | None = None,
        session: str | None = None,
        token_id: str | None = None,
        issuer: str | None = None,
        reason: str = "revoked",
    ) -> Revocation:
        """Take rights away at once, from any thread. See :meth:`~sse_demo.web.access.guard.Guard.revoke`.

        Raises:
            ValueError: Not exactly one of subject, session and token_id is given.
            RuntimeError: The server has no access control.
            ServerStopped: The server has been stopped.
        """
        guard = self.service.guard
        if guard is None:
            raise RuntimeError("the server has no access control; start it with serve(access=...)")
        revoke = partial(
            guard.revoke, subject=subject, session=session, token_id=token_id, issuer=issuer, reason=reason
        )
        if threading.current_thread() is self._thread:
            return revoke()
        done: Future[Revocation] = Future()
        with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
            self._loop.call_soon_threadsafe(_run, revoke, done)
        while self.running:
            with contextlib.suppress(TimeoutError):
                return done.result(NOTICE_WITHIN)
        if done.done():
            return done.result()
        raise ServerStopped(f"the server at {self.url} has been stopped")

    @property
    def running(self) -> bool:
        """Whether the service runs. In a fork of the process in which it runs, it does not."""
        return os.getpid() == self._process and not self._finished.is_set()

    def stop(self, drain: float = 0) -> None:
        """End open streams as they should end, and free the port. Returns when it is done; again, it does nothing.

        Called again while a drain goes on, it cuts the drain short.

        Args:
            drain: Seconds over which the streams are ended, one after the other, so that their clients do not come to
                another server all at once. Meanwhile a new stream ends as soon as it has begun: its client will be
                back. Streams that have an end of their own may come to it; new ones are refused with 503. And
                ``/health`` says "draining".
        """
        if self.running:
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago, by another stop()
                self._loop.call_soon_threadsafe(self._tell_to_stop, drain)
        if threading.current_thread() is not self._thread and not is_log_thread():  # where a finalizer may call this
            self.join()
            self._thread.join()

    def join(self) -> None:
        """Wait until the server is stopped."""
        # A signal that comes right before Python begins to wait is noticed when it wakes. Thread.join would not do:
        # after an interrupted one, Python 3.11 takes the thread for dead.
        while self.running:
            self._finished.wait(NOTICE_WITHIN)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server {self.url} {'running' if self.running else 'stopped'}>"

    def _tell_to_stop(self, drain: float) -> None:
        """On the event loop."""
        if self._stop.is_set():
            self._serving.hurry()
        else:
            self._drain = drain
            self._stop.set()

    def _run(self) -> None:
        with contextlib.ExitStack() as at_the_end:
            at_the_end.callback(self._finished.set)
            at_the_end.callback(self._owned.close)
            at_the_end.callback(self._loop.close)
            try:
                self._loop.run_until_complete(self._serve())
            finally:
                self._loop.run_until_complete(_end_the_rest())

    async def _serve(self) -> None:
        await self._serving.start()
        await self._stop.wait()
        await self._serving.stop(self._drain)


def _run(revoke: Callable[[], Revocation], done: Future[Revocation]) -> None:
    try:
        done.set_result(revoke())
    except Exception as error:
        done.set_exception(error)


async def _end_the_rest() -> None:
    """Cancel what handlers still do, and close their generators. The server goes down also where one refuses to end.

    ``asyncio.Runner`` would wait for it for ever.
    """
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await _wait_for(rest)
    await _wait_for({asyncio.create_task(asyncio.get_running_loop().shutdown_asyncgens())})


async def _wait_for(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        _, others = await asyncio.wait(tasks, timeout=END_WITHIN)
        for other in others:
            _logger.warning("%s does not end, although it is cancelled, and is left behind", _way(other))


def _way(task: asyncio.Task[None]) -> str:
    """The names of what a task waits in, the outermost first."""
    names: list[str] = []
    waiting: object = task.get_coro()
    while isinstance(waiting, Coroutine):
        names.append(getattr(waiting, "__qualname__", "?"))
        waiting = getattr(waiting, "cr_await", None)
    return " > ".join(names)
