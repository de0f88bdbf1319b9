"""``Background``: an event loop in a thread of its own, for what must go on while cells run."""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from .. import notebook

LOOK = 0.01  # seconds between two looks at a fact


class Background:
    """Runs coroutines, on an event loop in a daemon thread, until :meth:`stop` cancels those that are left.

    A cell that is run again stops what it had made before.
    """

    def __init__(self):
        notebook.stop_earlier_run()
        self._loop = asyncio.SelectorEventLoop()
        self._stopping = asyncio.Event()
        self._futures: set[Future] = set()  # an event loop alone does not keep its tasks
        self._thread = threading.Thread(target=self._run, name="Background", daemon=True)
        self._thread.start()
        atexit.register(self.stop)  # or what runs would see the names of a notebook vanish
        notebook.stop_on_rerun(self)

    def __repr__(self) -> str:
        return "Background()"

    def start(self, coroutine: Coroutine) -> Future:
        """Run a coroutine. Its result, or its exception, is the future's. From any thread."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def call(self, function: Callable, *args) -> None:
        """Call a function on the loop, soon. From any thread."""
        self._loop.call_soon_threadsafe(function, *args)

    def serve(self, app: Application) -> str:
        """Serve an application on a free port of this machine. Returns its address, such as ``127.0.0.1:8000``."""
        (listener,) = bind_sockets(0, "127.0.0.1")  # connections wait there until the server takes them
        host, port = listener.getsockname()
        app.settings.setdefault("log_function", lambda handler: None)  # requests that the end cuts off are no news

        async def serving() -> None:
            server = HTTPServer(app)
            server.add_socket(listener)
            try:
                await self._stopping.wait()
            finally:
                server.stop()
                await server.close_all_connections()

        self.start(serving())
        return f"{host}:{port}"

    def wait_until(self, fact: Callable[[], object], timeout: float = 10) -> None:
        """Wait, in a cell, for a fact. Raises ``TimeoutError``."""
        deadline = time.monotonic() + timeout
        while not fact():
            if time.monotonic() > deadline:
                raise TimeoutError(f"this has not become true within {timeout:g} s")
            time.sleep(LOOK)

    def stop(self) -> None:
        """Cancel everything that runs, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        atexit.unregister(self.stop)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._stopping.wait())
