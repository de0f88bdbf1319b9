"""Many subscribers in one process, fast enough to keep up with any server: raw sockets and one selector."""

from __future__ import annotations

import itertools
import re
import selectors
import socket
import time
from array import array
from collections.abc import Callable

from .process import Target

CONNECTING = 50  # connections that are being made at the same time
SUBSCRIBED_WITHIN = 0.5  # seconds without a byte, after which an event is published for the streams that came too late
_NUMBERED = re.compile(rb"data: ?(\d+) (\d+) ")

Progress = Callable[[int], object]  # is called with the number of steps that were done since the last call


class Subscribers:
    """Many event streams of one server, read by one selector, and the connections that publish.

    Args:
        port: The port of the server, on this machine.
        target: What the server is.
        publishers: How many connections publish.

    Attributes:
        timeout: Seconds without a single byte, after which a method gives up.
        arrived: How many numbered events have come, of all streams together.
        disordered: How many events have come to a stream in another order than to the stream that got them first.
        latencies: Milliseconds from publishing an event to reading it, for each delivery.
    """

    timeout = 60.0

    def __init__(self, port: int, target: Target, publishers: int = 1) -> None:
        self._address = ("127.0.0.1", port)
        self._target = target
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._silent: list[socket.socket] = []
        self._rest: list[bytes] = []  # of each stream: the bytes after the last whole event
        self._received: list[int] = []  # of each stream: how many events have come
        self._order: list[int] = []  # the numbers of all events, in the order of the stream that got each one first
        self.arrived = 0
        self.disordered = 0
        self.latencies = array("d")
        self._publishers = [socket.create_connection(self._address) for _ in range(publishers)]
        for publisher in self._publishers:
            publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            publisher.settimeout(self.timeout)

    def __len__(self) -> int:
        """How many streams are read."""
        return len(self._sockets)

    def connect(self, count: int, progress: Progress = lambda steps: None) -> None:
        """Open streams, a few at a time.

        Args:
            count: How many.
            progress: Is told how many streams were opened, each time.

        Raises:
            RuntimeError: The server does not answer with 200.
        """
        request = f"GET {self._target.subscribe} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
        end = len(self._sockets) + count
        while len(self._sockets) < end:
            window = [socket.create_connection(self._address) for _ in range(min(CONNECTING, end - len(self._sockets)))]
            for stream in window:
                stream.sendall(request.encode())
            for stream in window:
                stream.settimeout(self.timeout)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += _receive(stream)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"{self._target.name} answered {head[:100]!r}")
                stream.setblocking(False)
                self._selector.register(stream, selectors.EVENT_READ, len(self._sockets))
                self._sockets.append(stream)
                self._rest.append(b"")
                self._received.append(0)
            progress(len(window))

    def ignore(self, count: int) -> None:
        """Never read another byte of the last ``count`` streams."""
        self._silent += self._sockets[-count:]
        for stream in self._sockets[-count:]:
            self._selector.unregister(stream)
        del self._sockets[-count:]

    def warm_up(self) -> None:
        """Publish until one event has reached every stream: only then are all of them subscribed for sure."""
        for number in itertools.count():
            marker = b"ready %d." % number
            self._publish(self._publishers[0], marker)
            self._read_answer(self._publishers[0])
            waiting = set(range(len(self._sockets)))
            while waiting and (ready := self._selector.select(SUBSCRIBED_WITHIN)):
                for key, _ in ready:
                    self._rest[key.data] += _receive(self._sockets[key.data])
                    if marker in self._rest[key.data]:
                        waiting.discard(key.data)
            self._rest = [b""] * len(self._sockets)
            if not waiting:
                return

    def publish_and_wait(self, number: int, size: int) -> None:
        """Publish one event from each publisher, and read until every stream has all of them.

        Args:
            number: The number of the first event. The others follow.
            size: Bytes of data in an event.

        Raises:
            TimeoutError: Some deliveries are missing, and no byte has come for a while.
            RuntimeError: The server has closed a connection, or has refused an event.
        """
        numbers = range(number, number + len(self._publishers))
        for publisher, own in zip(self._publishers, numbers, strict=True):
            self._publish(publisher, f"{own} {time.perf_counter_ns()} ".ljust(size, "x").encode())
        missing = len(self._sockets) * len(numbers)
        while missing:
            ready = self._selector.select(self.timeout)
            if not ready:
                raise TimeoutError(f"{self._target.name}: {missing} deliveries of event {number} are missing")
            for key, _ in ready:
                missing -= self._read(key.data)
        for publisher in self._publishers:
            self._read_answer(publisher)
        self.disordered += sorted(self._order[-len(numbers) :]) != list(numbers)

    def close(self) -> None:
        """Close all connections."""
        self._selector.close()
        for stream in [*self._sockets, *self._silent, *self._publishers]:
            stream.close()

    def _read(self, index: int) -> int:
        data = self._rest[index] + _receive(self._sockets[index])
        now = time.perf_counter_ns()
        end = max(data.rfind(blank) + len(blank) if blank in data else 0 for blank in (b"\n\n", b"\r\n\r\n"))
        count = 0
        for match in _NUMBERED.finditer(data, 0, end):
            number, sent = int(match[1]), int(match[2])
            position = self._received[index]
            self._received[index] += 1
            if position == len(self._order):
                self._order.append(number)
            self.disordered += self._order[position] != number
            self.latencies.append((now - sent) / 1e6)
            count += 1
        self.arrived += count
        self._rest[index] = data[end:]
        return count

    def _publish(self, publisher: socket.socket, data: bytes) -> None:
        head = f"POST {self._target.publish} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
        publisher.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    def _read_answer(self, publisher: socket.socket) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _receive(publisher)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{self._target.name} answered {answer[:200]!r}")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        chunked = re.search(rb"(?i)transfer-encoding: *chunked", head)
        while len(body) < int(length[1]) if length else chunked and not body.endswith(b"0\r\n\r\n"):
            body += _receive(publisher)


def _receive(stream: socket.socket) -> bytes:
    data = stream.recv(65536)
    if not data:
        raise RuntimeError("the server has closed a connection")
    return data
