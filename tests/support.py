"""What several tests import: a subscriber that reads at its own pace, a server that follows a script, the vectors."""

import contextlib
import json
import queue
import socket
import struct
import subprocess
import threading
import time
from base64 import b64decode
from pathlib import Path

import pytest

from sse_demo import Comment, Event, EventStreamParser
from sse_demo.wire.vectors import VECTORS, cuts

OUTSIDE = Path(__file__).parents[2] / "shared" / "wire-vectors.json"  # a larger set, where it is there

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
NO_MORE = b"HTTP/1.1 204 No Content\r\n\r\n"
RETRY = b"retry: 10\n\n"  # so that the tests need not wait three seconds
HOLD = object()  # leave the connection open
RESET = object()  # break it off, with a RST


@contextlib.contextmanager
def running(command, **options):
    """A process that is gone at the end, also where the test fails in between: ``Popen`` alone would wait for it."""
    with subprocess.Popen(command, **{"stdout": subprocess.PIPE, "text": True} | options) as process:
        try:
            yield process
        finally:
            process.kill()


class Reader:
    """A subscriber at its own pace: a socket that is read when the test says so."""

    def __init__(self, server, query, *, last_event_id="", receive_buffer=None, version="1.1", tls=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", server.port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        resume = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        self.socket.sendall(f"GET /events?{query} HTTP/{version}\r\nHost: localhost\r\n{resume}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.head = b"".join(iter(self.file.readline, b"\r\n"))
        self.chunked = b"chunked" in self.head
        self.parser = EventStreamParser()
        self.events = []

    def read(self, until):
        """Read on until ``until(events)``."""
        while not until(self.events):
            self.events += self.parser.feed(self.next_block())
        return self.events

    def next_block(self):
        """The bytes of the next chunk, or whatever comes next where there are no chunks."""
        if self.chunked:
            size = int(self.file.readline(), 16)
            assert size, "the stream has ended"
            data = self.file.read(size)
            assert self.file.readline() == b"\r\n"
        else:
            data = self.file.read1()
            assert data, "the stream has ended"
        return data

    def take(self, count):
        return [event.data for event in self.read(lambda events: len(events) >= count)]

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Told:
    """A follower of a log, and what it was told."""

    def __init__(self):
        self.entries = []
        self.is_reachable = True

    def appended(self, entries):
        self.entries += entries

    def missed(self, up_to):
        raise AssertionError(f"entries up to {up_to} were not told")

    def complete(self, since):
        pass

    def reachable(self, is_so):
        self.is_reachable = is_so


class Script:
    """Answers one connection after the other with the bytes given; the last answer is repeated.

    An answer is bytes or a list of bytes, sent one after the other, with a number of seconds between them where it
    has one; ``HOLD`` or ``RESET`` at its end.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/events"
        self.held = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = self.listener.accept()
                try:
                    self.answer(connection)
                except OSError:  # the client has left
                    connection.close()

    def answer(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.receive(connection)
        head, _, body = request.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length: "):
                while len(body) < int(line[16:]):
                    body += self.receive(connection)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.requests.put(head + b"\r\n\r\n" + body)
        for part in answer if isinstance(answer, (list, tuple)) else [answer]:
            if part is HOLD:
                self.held.append(connection)
            elif isinstance(part, float):
                time.sleep(part)
            elif part is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.sendall(part)
        if connection not in self.held:
            connection.close()

    def receive(self, connection):
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("the client has left before it has asked")
        return data

    def request(self):
        """The next request: its first line, its headers with names in lower case, its body."""
        head, _, body = self.requests.get(timeout=5).decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body

    def headers(self):
        """Of the next request."""
        return self.request()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept, where close alone does not
        self.listener.close()
        self.thread.join(1)  # it may be answering
        for connection in self.held:
            connection.close()


def by_byte(stream):
    return [stream[n : n + 1] for n in range(len(stream))]


def vector_cases():
    """Each vector as: the ways to cut it, the id it starts with, and what must come of it, as far as it says."""
    for vector in VECTORS:
        wanted = {
            "events": [dict(zip(("event", "data", "id"), event, strict=True)) for event in vector.events],
            "comments": list(vector.comments),
            "last_event_id": vector.last_event_id,
            "retry": vector.retry,
        }
        yield pytest.param(list(cuts(vector.stream)), vector.start_id, wanted, id=vector.name)
    for vector in json.loads(OUTSIDE.read_text("utf-8")) if OUTSIDE.exists() else []:
        chunks = [b64decode(chunk) for chunk in vector["chunks"]]
        ways = [chunks, [b"".join(chunks)], by_byte(b"".join(chunks))]
        wanted = {
            "events": vector["events"],
            "last_event_id": vector["final_last_event_id"],
            "retry": vector["final_retry"],
        }
        if "comments" in vector:
            wanted["comments"] = vector["comments"]
        yield pytest.param(ways, vector.get("initial_last_event_id", ""), wanted, id=f"outside-{vector['name']}")


def assert_as_wanted(wanted, items, last_event_id, retry):
    """What a vector of :func:`vector_cases` has given, as far as it says what it must give."""
    events = [item for item in items if isinstance(item, Event)]
    assert len(events) == len(wanted["events"])
    for event, fields in zip(events, wanted["events"], strict=True):
        seen = {"event": event.event, "data": event.data, "id": event.id or "", "retry": event.retry}
        assert {name: seen[name] for name in fields} == fields
    comments = [item.text for item in items if isinstance(item, Comment)]
    assert comments == wanted.get("comments", comments)
    assert (last_event_id, retry) == (wanted["last_event_id"], wanted["retry"])
