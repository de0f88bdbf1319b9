"""``SlowReader``: a subscriber on a bad line, as slow as one likes."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from .. import notebook
from ..wire.event import Event
from ..wire.parser import EventStreamParser

TICK = 0.05  # seconds between two looks at the socket
BUFFER = 65_536  # bytes that the system may keep for us; a larger buffer would hide how slow we are


class SlowReader:
    """Reads an event stream in a thread, no more than ``speed`` bytes a second. 0 does not read at all.

    ``speed`` may be changed at any time. ``count`` is the number of events that have come, ``events`` are the newest
    of them, no more than ``keep``, and ``batches`` says how many came together, in one chunk of the response.
    """

    def __init__(self, url: str, speed: float = math.inf, *, keep: int = 1_000):
        notebook.stop_earlier_run()
        self.url = url
        self.speed = speed
        self.events: deque[Event] = deque(maxlen=keep)
        self.batches: deque[int] = deque(maxlen=keep)
        self.count = 0
        self.bytes = 0
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        parts = urlsplit(url)
        self._socket = socket.socket()
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER
        )  # before it is connected, or it is too late
        self._socket.connect((parts.hostname, parts.port or 80))
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        self._waiting = b""  # bytes of which the rest has not come yet
        self._parser = EventStreamParser()
        while b"\r\n\r\n" not in self._waiting:
            self._waiting += self._socket.recv(1)  # to the byte: what follows has to wait for its turn
        self._waiting = b""
        self._thread = threading.Thread(target=self._run, name=f"SlowReader {url}", daemon=True)
        self._thread.start()
        notebook.stop_on_rerun(self)

    def __repr__(self) -> str:
        return f"SlowReader({urlsplit(self.url).path!r})"

    def wait_for(self, n: int, timeout: float = 10) -> list[Event]:
        """Wait until ``n`` events have come, and return those that are kept. Raises ``TimeoutError``."""
        return self._wait(lambda: self.count >= n, f"{n} events", timeout)

    def wait_for_id(self, id: str, timeout: float = 10) -> list[Event]:
        """Wait until the event with this id has come, which is what ``publish`` returns. Raises ``TimeoutError``."""
        return self._wait(lambda: any(event.id == id for event in self.events), f"event {id}", timeout)

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float) -> list[Event]:
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(f"no {what} within {timeout:g} s: {self.count} events have come")
            return list(self.events)

    def stop(self) -> None:
        """Leave."""
        self._stopped.set()
        with contextlib.suppress(OSError):  # the server has left before
            self._socket.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        with self._socket:
            while not self._stopped.is_set():
                if self.speed < math.inf:
                    self._stopped.wait(TICK)
                if self.speed:
                    data = self._receive(max(1, int(min(self.speed * TICK, BUFFER))))
                    if not data:
                        return
                    self._take(data)

    def _receive(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except OSError:
            return b""

    def _take(self, data: bytes) -> None:
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
