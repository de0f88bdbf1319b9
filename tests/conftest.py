"""What the tests of the networked half share: a server, a plain HTTP client, and a reader of event streams."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import struct
import threading
import time
from types import SimpleNamespace

import pytest

from sse_demo import Event, EventStreamParser, serve

DEADLINE = 10.0  # seconds; nothing here takes as long, unless it hangs


@pytest.fixture
def eventually():
    return _eventually


@pytest.fixture
def start(caplog):
    """Start a server with these settings. At its end it has left no thread behind, and has logged no error."""
    servers = []

    def start(**settings):
        servers.append(serve(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    names = [server._thread.name for server in servers]
    assert not [thread for thread in threading.enumerate() if thread.name in names]
    errors = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors


@pytest.fixture
def server(start):
    with start() as server:
        yield server


@pytest.fixture
def request_to():
    """``request_to(server, "POST", "/events?topic=a", b"hello")``: an ordinary client's request and its answer."""
    return _request


@pytest.fixture
def connect():
    """A raw connection: ``connect(server).send(b"GET ...").until(b"...")``."""
    wires = []

    def connect(server, **options) -> Wire:
        wires.append(Wire(server.port, **options))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


@pytest.fixture
def subscribe():
    """An open event stream: ``subscribe(server, "/events?topic=a").take(3)``."""
    streams = []

    def subscribe(server, path: str, headers: dict | None = None, **options) -> Stream:
        streams.append(Stream(server.port, path, headers or {}, **options))
        return streams[-1]

    yield subscribe
    for stream in streams:
        stream.close()


class Wire:
    """A socket, and everything that has come out of it."""

    def __init__(self, port: int, receive_buffer: int | None = None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        self.received = b""

    def send(self, data: bytes) -> Wire:
        self.socket.sendall(data)
        return self

    def get(self, path: str, headers: str = "", version: str = "1.1") -> Wire:
        return self.send(f"GET {path} HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n".encode())

    def until(self, mark: bytes) -> bytes:
        """Everything up to now, once the mark is in it."""
        while mark not in self.received:
            self._receive()
        return self.received

    def rest(self) -> bytes:
        """Everything, once the server has closed."""
        while data := self.socket.recv(65536):
            self.received += data
        return self.received

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the server has closed; it sent {self.received!r}")
        self.received += data

    def reset(self) -> None:
        """Vanish, as a client does whose process is killed: what is on the way is answered with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


class Stream:
    """What a subscriber sees. Nothing is read but what is asked for."""

    def __init__(self, port: int, path: str, headers: dict, **options):
        self.wire = Wire(port, **options)
        self.wire.get(path, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        self.response = http.client.HTTPResponse(self.wire.socket)
        self.response.begin()
        assert self.response.status == 200, self.response.read()
        self._parser = EventStreamParser(headers.get("Last-Event-ID", ""))
        self._events: list[Event] = []

    def take(self, number: int) -> list[Event]:
        """The next so many events."""
        while len(self._events) < number:
            if not self._read():
                raise EOFError(f"the stream has ended after {self._events!r}")
        taken, self._events = self._events[:number], self._events[number:]
        return taken

    def data(self, number: int) -> list[str]:
        return [event.data for event in self.take(number)]

    def rest(self) -> list[Event]:
        """All that is left. Raises ``http.client.IncompleteRead`` if the response is not ended as it should be."""
        while self._read():
            pass
        taken, self._events = self._events, []
        return taken

    def _read(self) -> bool:
        chunk = self.response.read1(65536)
        self._events += self._parser.feed(chunk)
        return bool(chunk)

    def close(self) -> None:
        self.response.close()
        self.wire.close()


def _eventually(condition, timeout: float = 5.0):
    """Wait until a condition holds; return what it returned."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s"
        time.sleep(0.002)
    return value


def _request(server, method: str, path: str, body=None, headers: dict | None = None) -> SimpleNamespace:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    is_json = "json" in response.headers.get("Content-Type", "")
    return SimpleNamespace(
        status=response.status, headers=response.headers, body=body, json=json.loads(body) if is_json else None
    )
