"""``Stand``: a server for one handler of Tornado that may be wrong, and clients who look at it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import logging
import time
from collections.abc import Callable
from typing import Any

from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from ...background import serve_until_cancelled
from ...deadline import raise_in
from ...loop_thread import LoopThread
from .stream_reader import SOON, Account, StreamReader

_in_handler = contextvars.ContextVar("_in_handler", default=False)  # of a task: whether a handler has started it


class Stand(logging.Handler):
    """A server, in a thread of its own, for one handler that may be as wrong as it likes."""

    def __init__(self, contestant: type[RequestHandler]) -> None:
        super().__init__()
        self._tracebacks: list[str] = []
        self._written: dict[int, Account] = {}  # by the port of the client
        self._said: list[str] = []
        self._handlers: set[RequestHandler] = set()  # whose get() has not come to its end
        self._tasks: set[asyncio.Task[Any]] = set()  # that handlers have started
        self._visitors: list[StreamReader] = []  # who leave before the next handler begins
        self._helps = False
        self._begun = 0
        (listener,) = bind_sockets(0, "127.0.0.1")
        self.port: int = listener.getsockname()[1]
        app = Application([("/", self._watched(contestant))], log_function=lambda handler: None)

        async def serving() -> None:
            asyncio.get_running_loop().set_task_factory(self._new_task)
            # What a task of an earlier attempt has raised comes to light late, and is no fault of this handler.
            asyncio.get_running_loop().set_exception_handler(lambda loop, found: self._failed(found.get("exception")))
            await serve_until_cancelled(app, listener)

        self._logger = logging.getLogger("tornado")
        self._others = self._logger.handlers, self._logger.propagate
        self._logger.handlers, self._logger.propagate = [self], False
        self._thread = LoopThread("check of a handler", serving())

    def _watched(self, contestant: type[RequestHandler]) -> type[RequestHandler]:
        stand = self

        class Watched(contestant):  # type: ignore[misc, valid-type]
            async def get(self, *args: Any, **kwargs: Any) -> None:
                stand._handlers.add(self)
                stand._begun += 1
                _in_handler.set(True)
                while stand._visitors:
                    stand._visitors.pop().leave()
                try:
                    result = super().get(*args, **kwargs)
                    if inspect.isawaitable(result):
                        await result
                finally:
                    stand._handlers.discard(self)

            def write(self, chunk: Any) -> None:
                super().write(chunk)
                stand._account(self).add(b"".join(self._write_buffer[-1:]))
                if stand._helps:
                    _flush(self)

        Watched.__name__ = Watched.__qualname__ = contestant.__name__
        return Watched

    def __enter__(self) -> Stand:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End the server, also where a handler blocks its thread. A thread that resists is left behind."""
        self._thread.cancel()
        self._thread.join(SOON)
        for _ in range(10):
            if self._thread.is_alive():
                raise_in(self._thread, SystemExit)
                self._thread.join(SOON / 3)
        self._logger.handlers, self._logger.propagate = self._others

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the name of an exception. The logger calls this method."""
        if record.thread == self._thread.ident:
            self._failed((record.exc_info or (None, None))[1])
        else:  # of another server, such as a lesson's
            for handler in self._others[0]:
                handler.handle(record)

    def _failed(self, error: BaseException | None) -> None:
        if error and not isinstance(error, SystemExit):  # which has ended a stand
            self._tracebacks.append(type(error).__name__)
            self._said.append(f"{type(error).__name__}: {error}")

    @property
    def tracebacks(self) -> list[str]:
        """The names of the exceptions that were logged, or that a forgotten task has raised."""
        gc.collect()
        return self._tracebacks

    def written(self, reader: StreamReader) -> Account:
        """What the handler of a reader has written."""
        return self._written.setdefault(reader.port, Account())

    def _account(self, handler: RequestHandler) -> Account:
        address = getattr(handler.request.connection, "context").address  # noqa: B009  no public name in its type
        return self._written.setdefault(address[1], Account())

    def _new_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **kwargs)
        if _in_handler.get():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task

    @property
    def waiting(self) -> int:
        """How many handlers have not come to their end."""
        return len(self._handlers)

    @property
    def left_behind(self) -> int:
        """How many handlers, or tasks that they have started, go on. A single task may be there for all readers."""
        return max(self.waiting, len(self._tasks) if len(self._tasks) > 1 else 0)

    def explained(self, status: str) -> str:
        """A status, with the error that has led to it."""
        return f"{status}, {self._said[0]}" if status != "200" and self._said else status or "nothing"

    def reader(self) -> StreamReader:
        """A client that has asked for the stream, and whose handler has begun."""
        before = self._begun
        reader = StreamReader(self.port)
        self.wait(lambda: self._begun > before)
        return reader

    def flush_for_them(self) -> None:
        """Flush what each handler has written, and what each will write."""
        self._helps = True
        for handler in list(self._handlers):
            self._thread.call(_flush, handler)

    def visits(self, count: int) -> None:
        """Readers who leave when their requests have been read, and before the handler has written anything."""
        readers = []
        for _ in range(count):
            readers.append(StreamReader(self.port))
            self._visitors.append(readers[-1])
        self.wait(lambda: not self._visitors)
        for reader in readers:
            reader.leave()

    def wait(self, fact: Callable[[], object], seconds: float = SOON) -> None:
        """Wait until something is true, so many seconds at most."""
        deadline = time.monotonic() + seconds
        while not fact() and time.monotonic() < deadline:
            time.sleep(0.005)


def _flush(handler: RequestHandler) -> None:
    with contextlib.suppress(Exception):  # nobody reads any more
        RequestHandler.flush(handler).add_done_callback(lambda flushed: flushed.cancelled() or flushed.exception())
