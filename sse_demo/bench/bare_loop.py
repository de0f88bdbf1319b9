"""The least that a server in Python can do: ``python -m sse_demo.bench.bare_loop PORT``."""

from __future__ import annotations

import selectors
import socket
import sys

from ..web.open_files import allow_files


def run_bare_loop(port: int) -> None:
    """Serve for ever: for each event that is posted, ``send`` the same bytes to one socket after the other.

    The loop does not notice when a client leaves, and a socket that is full loses the event.

    Args:
        port: Where to listen, on this machine only.
    """
    allow_files(1 << 20)
    streams: list[socket.socket] = []
    waiting = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    waiting.register(listener, selectors.EVENT_READ, listener)
    while True:
        for key, _ in waiting.select():
            connection: socket.socket = key.data
            if connection is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting.register(connection, selectors.EVENT_READ, connection)
                continue
            request = connection.recv(65536)
            if request.startswith(b"GET"):
                waiting.unregister(connection)
                connection.setblocking(False)
                connection.send(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                streams.append(connection)
            elif request:
                event = b"data: %b\n\n" % request.partition(b"\r\n\r\n")[2]
                chunk = b"%x\r\n%b\r\n" % (len(event), event)
                for stream in streams:
                    stream.send(chunk)
                connection.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            else:
                waiting.unregister(connection)
                connection.close()


if __name__ == "__main__":
    run_bare_loop(int(sys.argv[1]))
