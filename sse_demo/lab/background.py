"""``Background``: coroutines and small servers that go on while cells run."""

from __future__ import annotations

import asyncio
import atexit
import socket
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar, TypeVarTuple

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from ..notebook import owned_by_cell
from .loop_thread import LoopThread

LOOK = 0.01  # seconds between two looks at a fact
STOPPED = "what runs in the background has been stopped; run the cell again that has made the Background"

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


async def serve_until_cancelled(app: Application, listener: socket.socket) -> None:
    """Serve an application on a socket that listens already."""
    server = HTTPServer(app)
    server.add_socket(listener)
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.close_all_connections()


class Background:
    """Runs coroutines, on an event loop in a daemon thread, until :meth:`stop` cancels those that are left.

    A cell that is run again stops the ``Background`` of its last run.
    """

    @owned_by_cell
    def __init__(self) -> None:
        self._futures: set[Future[Any]] = set()  # an event loop alone does not keep its tasks
        self._thread = LoopThread("Background")
        atexit.register(self.stop)  # or what runs would see the names of a notebook vanish

    def __repr__(self) -> str:
        return "Background()"

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Run a coroutine. The future has its result, or its exception. From any thread.

        Raises:
            RuntimeError: Everything has been stopped.
        """
        if not self._thread.is_alive():
            coroutine.close()
            raise RuntimeError(STOPPED)
        future = self._thread.submit(coroutine)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def call(self, function: Callable[[*Arguments], object], *args: *Arguments) -> None:
        """Call a function on the loop, soon. From any thread."""
        self._thread.call(function, *args)

    def serve(self, app: Application) -> str:
        """Serve an application on a free port of this machine. Returns its address, such as ``127.0.0.1:8000``."""
        if not self._thread.is_alive():
            raise RuntimeError(STOPPED)
        (listener,) = bind_sockets(0, "127.0.0.1")  # connections wait there until the server takes them
        host, port = listener.getsockname()
        app.settings.setdefault("log_function", lambda handler: None)  # requests that the end cuts off are no news
        self.start(serve_until_cancelled(app, listener))
        return f"{host}:{port}"

    def serve_handler(self, handler: type[RequestHandler]) -> str:
        """Serve a handler on a free port of this machine. Returns its address, such as ``http://127.0.0.1:8000/``."""
        return f"http://{self.serve(Application([('/', handler)]))}/"

    def wait_until(self, fact: Callable[[], object], what: str = "", timeout: float = 10) -> None:
        """Wait, in a cell, for a fact.

        >>> background.wait_until(lambda: len(readers) == 20, "twenty readers")  # doctest: +SKIP

        Args:
            fact: Is called again and again, until what it returns is true.
            what: What is waited for, in words. The error says it.
            timeout: Seconds.

        Raises:
            TimeoutError: The fact has not become true.
        """
        deadline = time.monotonic() + timeout
        while not fact():
            if time.monotonic() > deadline:
                waited = f"no {what}" if what else "what the cell waits for has not become true"
                raise TimeoutError(f"{waited} within {timeout:g} s")
            time.sleep(LOOK)

    def stop(self) -> None:
        """Cancel everything that runs, and end the thread."""
        self._thread.stop()
        atexit.unregister(self.stop)
