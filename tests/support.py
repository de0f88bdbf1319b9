"""What several tests import: a subscriber that reads at its own pace."""

import socket

from sse_demo import EventStreamParser


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
        self.socket.sendall(f"GET /events?{query} HTTP/{version}\r\nHost: x\r\n{resume}\r\n".encode())
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
