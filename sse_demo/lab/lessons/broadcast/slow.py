"""``SlowReader``: a subscriber that reads as slowly as one likes."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

import ipywidgets

from ....notebook import owned_by_cell
from ....wire.event import Event
from ....wire.parser import EventStreamParser

TICK = 0.05  # seconds between two looks at the socket
ANSWER_WITHIN = 10.0  # seconds
BREAK = b"\r\n"
TOGETHER = 20  # events that are published before the reader has to have the last of them
BUFFER = 65_536  # bytes that the system may keep for the reader; a larger buffer would hide how slow the reader is


class SlowReader:
    """Reads an event stream in a thread, no faster than it is told.

    A cell that is run again stops the reader of its last run.

    Args:
        url: The stream, with ``http``.
        speed: The most bytes a second. 0 does not read at all.
        keep: How many events are kept.

    Attributes:
        speed: May be changed at any time.
        events: The newest events that have come, at most ``keep``.
        batches: How many events have come together, in one chunk of the response.
        count: How many events have come.
        bytes: How many bytes have come.
        ended: Whether the connection has ended.

    Raises:
        ConnectionError: There is no server, or it answers with something else than an event stream.
    """

    @owned_by_cell
    def __init__(self, url: str, speed: float = math.inf, *, keep: int = 1_000) -> None:
        self.url = url
        self.speed = speed
        self.events: deque[Event] = deque(maxlen=keep)
        self.batches: deque[int] = deque(maxlen=keep)
        self.count = 0
        self.bytes = 0
        self.ended = False
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._waiting = b""  # bytes of which the rest has not come yet
        self._parser = EventStreamParser()
        self._socket = self._connect()
        self._thread = threading.Thread(target=self._run, name=f"SlowReader {url}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"SlowReader({urlsplit(self.url).path!r})"

    def _connect(self) -> socket.socket:
        """A connection of which the headers have been read."""
        parts = urlsplit(self.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        with contextlib.ExitStack() as unless_it_is_a_stream:
            connection = unless_it_is_a_stream.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)  # has no effect once it is connected
            connection.settimeout(ANSWER_WITHIN)
            try:
                connection.connect((parts.hostname, parts.port or 80))
            except ConnectionRefusedError as error:
                where = f"there is no server at {self.url}; run the cell again that has started it"
                raise ConnectionRefusedError(where) from error
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                # Not a byte more: the events wait until `speed` allows them.
                if not (byte := connection.recv(1)):
                    raise ConnectionError(f"{self.url} has closed the connection without an answer")
                head += byte
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(f"{self.url} answers {head.partition(BREAK)[0].decode(errors='replace')}")
            connection.settimeout(None)
            unless_it_is_a_stream.pop_all()
        return connection

    def wait_for(self, n: int, timeout: float = 10) -> list[Event]:
        """Wait until ``n`` events have come, and return the events that are kept.

        Args:
            n: How many events, counted from the start of the reader.
            timeout: Seconds.

        Raises:
            TimeoutError: Fewer events have come, and the time is over, or the stream has ended.
        """
        return self._wait(lambda: self.count >= n, f"{n} events", timeout)

    def wait_for_id(self, id: str, timeout: float = 10) -> list[Event]:
        """Wait until an event has come, and return the events that are kept.

        Args:
            id: The id of the event, as ``publish`` returns it.
            timeout: Seconds.

        Raises:
            TimeoutError: The event has not come, and the time is over, or the stream has ended.
        """
        return self._wait(lambda: any(event.id == id for event in self.events), f"event {id}", timeout)

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float) -> list[Event]:
        with self._changed:
            in_time = self._changed.wait_for(lambda: condition() or self.ended, timeout)
            if condition():
                return list(self.events)
            how = f"within {timeout:g} s" if not in_time else "before the end of the stream"
            raise TimeoutError(f"no {what} {how}: {self.count} events have come")

    def keep_up_with(self, publish: Callable[[], str], times: int) -> list[str]:
        """Have events published, no faster than they are read, and return their ids.

        Args:
            publish: Publishes one event that this reader gets, and returns its id.
            times: How many.

        Raises:
            TimeoutError: An event has not come.
        """
        ids: list[str] = []
        while len(ids) < times:
            ids += [publish() for _ in range(min(TOGETHER, times - len(ids)))]
            self.wait_for_id(ids[-1])
        return ids

    def slider(self, most: int, step: int = 20_000) -> ipywidgets.IntSlider:
        """A slider that sets :attr:`speed`, from 0 to ``most`` bytes a second."""
        slider = ipywidgets.IntSlider(0, 0, most, step, description="bytes/s", readout_format=",d")
        slider.layout.width = "420px"
        slider.observe(lambda change: setattr(self, "speed", change["new"]), "value")
        return slider

    def stop(self) -> None:
        """Close the connection, and end the thread."""
        self._stopped.set()
        with contextlib.suppress(OSError):  # the server has closed it before
            self._socket.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._read()
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def _read(self) -> None:
        with self._socket:
            while not self._stopped.is_set():
                if self.speed < math.inf:
                    self._stopped.wait(TICK)
                if self.speed:
                    data = self._receive(max(1, int(min(self.speed * TICK, BUFFER))))
                    if not data:
                        return
                    self._parse(data)

    def _receive(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except OSError:
            return b""

    def _parse(self, data: bytes) -> None:
        self.bytes += len(data)
        self._waiting += data
        while (end := self._waiting.find(b"\r\n")) > 0:
            size = int(self._waiting[:end], 16)
            if len(self._waiting) < end + 2 + size + 2:
                return
            events = self._parser.feed(self._waiting[end + 2 : end + 2 + size])
            self._waiting = self._waiting[end + 2 + size + 2 :]
            if events:
                with self._changed:
                    self.events += events
                    self.count += len(events)
                    self.batches.append(len(events))
                    self._changed.notify_all()
