"""``Stand``: a server for one handler of Tornado that may be wrong, and clients who look at it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import inspect
import logging
import re
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from ..wire.parser import EventStreamParser
from .loop_thread import LoopThread

SOON = 0.6  # seconds in which something that is due at once has come
LATE = 0.05  # seconds from a line to the end of its block

_LOGGERS = ("tornado", "asyncio")
_LEAVE_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a RST


class Stand(logging.Handler):
    """A server, in a thread of its own, for one handler that may be as wrong as it likes.

    Attributes:
        tracebacks: The names of the exceptions that were logged.
    """

    def __init__(self, contestant: type[RequestHandler]) -> None:
        super().__init__()
        self.tracebacks: list[str] = []
        self._said: list[str] = []
        self._handlers: set[RequestHandler] = set()  # whose get() has not come to its end
        self._visitors: list[StreamReader] = []  # who leave before the next handler begins
        self._helps = False
        (listener,) = bind_sockets(0, "127.0.0.1")
        self.port: int = listener.getsockname()[1]
        app = Application([("/", self._watched(contestant))], log_function=lambda handler: None)
        self._over = asyncio.Event()

        async def serving() -> None:
            server = HTTPServer(app)
            server.add_socket(listener)
            try:
                await self._over.wait()
            finally:
                server.stop()
                await server.close_all_connections()

        self._loggers = [(logger, logger.handlers, logger.propagate) for logger in map(logging.getLogger, _LOGGERS)]
        for logger, _, _ in self._loggers:
            logger.handlers, logger.propagate = [self], False
        self._thread = LoopThread("check of a handler", serving())

    def _watched(self, contestant: type[RequestHandler]) -> type[RequestHandler]:
        stand = self

        class Watched(contestant):  # type: ignore[misc, valid-type]
            async def get(self, *args: Any, **kwargs: Any) -> None:
                stand._handlers.add(self)
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
                if stand._helps:
                    _flush(self)

        Watched.__name__ = Watched.__qualname__ = contestant.__name__
        return Watched

    def __enter__(self) -> Stand:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End the server, also where a handler blocks its thread. A thread that resists is left behind."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by an error
            self._thread.call(self._over.set)
        self._thread.join(SOON)
        for _ in range(10):
            if self._thread.is_alive():
                thread = ctypes.c_ulong(self._thread.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(SystemExit))
                self._thread.join(SOON / 3)
        for logger, handlers, propagate in self._loggers:
            logger.handlers, logger.propagate = handlers, propagate

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the name of an exception. The logger calls this method."""
        kind, error, _ = record.exc_info or (None, None, None)
        if kind and not issubclass(kind, SystemExit):  # which has ended a stand, perhaps an earlier one
            self.tracebacks.append(kind.__name__)
            if record.name.startswith("tornado"):
                self._said.append(f"{kind.__name__}: {error}")

    @property
    def waiting(self) -> int:
        """How many handlers have not come to their end."""
        return len(self._handlers)

    def explained(self, status: str) -> str:
        """A status, with the error that has led to it."""
        return f"{status}, {self._said[0]}" if status != "200" and self._said else status or "nothing"

    def reader(self) -> StreamReader:
        """A client that has asked for the stream."""
        return StreamReader(self.port)

    def flush_for_them(self) -> None:
        """Flush what each handler has written, and what each will write."""
        self._helps = True
        for handler in list(self._handlers):
            self._thread.call(_flush, handler)

    def visits(self, count: int) -> None:
        """Readers who leave when their requests have been read, and before the handler has written anything."""
        readers = []
        for _ in range(count):
            readers.append(self.reader())
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


class StreamReader:
    """A client that reads when it is told to. It speaks HTTP/1.0, to which the body comes as it is.

    Attributes:
        raw: What has come, with the headers.
    """

    def __init__(self, port: int) -> None:
        self.raw = b""
        self._arrivals: list[tuple[float, int, int, int]] = []  # when so many lines of data, events, comments had come
        self._socket = socket.socket()
        self._socket.settimeout(SOON)
        with contextlib.suppress(OSError):  # the handler has ended its server
            self._socket.connect(("127.0.0.1", port))
            self._socket.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")

    def __enter__(self) -> StreamReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Break the connection off."""
        with contextlib.suppress(OSError):  # two threads at the same moment
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LEAVE_AT_ONCE)
        self._socket.close()

    def wait(self, fact: Callable[[], object], seconds: float = SOON) -> bool:
        """Read until something is true of what has come, so many seconds at most. Returns whether it is."""
        deadline = time.monotonic() + seconds
        while not fact() and (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                piece = self._socket.recv(65_536)
            except OSError:  # too late, or broken off
                break
            if not piece:
                break
            self.raw += piece
            self._arrivals.append((time.monotonic(), len(self.data), len(self.events), self.comments))
        return bool(fact())

    @property
    def status(self) -> str:
        """The status in digits, ``""`` where nothing has come."""
        found = re.match(rb"HTTP/1\.[01] (\d{3})", self.raw)
        return found[1].decode() if found else ""

    @property
    def type(self) -> str:
        """The media type, without parameters."""
        found = re.search(rb"(?im)^content-type:([^;\r\n]*)", self.raw.partition(b"\r\n\r\n")[0])
        return found[1].strip().lower().decode("latin-1") if found else "no Content-Type" if self.raw else "nothing"

    @property
    def body(self) -> bytes:
        """What has come after the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def events(self) -> list[str]:
        """The data of each complete event."""
        return [event.data for event in EventStreamParser().feed(self.body)]

    @property
    def data(self) -> list[str]:
        """The text of each line of data, whether its event is complete or not."""
        whole = self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rpartition(b"\n")[0]
        return [line.decode("utf-8", "replace") for line in re.findall(rb"(?m)^data: ?(.*)$", whole)]

    @property
    def comments(self) -> int:
        """How many complete comments have come."""
        return len(re.findall(rb"(?m)^:[^\r\n]*[\r\n]", self.body))

    def manner(self, count: int) -> str:
        """How so many lines of data have come. Two may have come together, since this machine may be busy."""
        times = [at for number in range(count) if (at := self._when(0, number)) is not None]
        if len(times) < count:
            return f"{len(self.data)} of {count}"
        if times[-1] - times[0] < 2 * LATE:
            return "without a pause"
        return "one by one" if len(set(times)) >= count - 1 else "together"

    def blocks(self, count: int) -> str:
        """How so many lines of data make events."""
        events = self.events[:count]
        if not events:
            return "0 events"
        complete = [(self._when(1, number) or 0) - (self._when(0, number) or 0) for number in range(len(events))]
        when = "at once" if max(complete) < LATE else "when the next city comes"
        return f"{len(events)} events, complete {when}, with {sum(len(data.split(chr(10))) for data in events)} cities"

    def in_words(self, pause: float) -> str:
        """How many comments and events have come. Between the first two comments there is a pause, in seconds."""
        one, two = self._when(2, 0), self._when(2, 1)
        hurry = " at once" if one and two and two - one < pause / 2 else ""
        return f"{self.comments} comments{hurry}, {len(self.events)} events"

    def _when(self, what: int, number: int) -> float | None:
        """When one of them has come: of the lines of data (0), the events (1) or the comments (2)."""
        return next((at for at, *counts in self._arrivals if counts[what] > number), None)
