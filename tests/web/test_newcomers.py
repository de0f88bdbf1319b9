"""Connections that have not said a word yet."""

import socket
import threading
import time

from asking import request
from support import Reader

from sse_demo import serve


def test_a_client_that_connects_and_speaks_later_is_answered(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent:
        assert request(server, "GET", "/ping")[0] == 200, "others go before it"
        silent.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"pong" in b"".join(iter(lambda: silent.recv(65536), b""))


def test_one_that_never_speaks_is_closed_in_time():
    with serve(request_timeout=0.2) as server:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent:
            assert silent.recv(1) == b""
        assert 0.15 < time.monotonic() - began < 5


def test_one_that_leaves_without_a_word_is_not_counted_any_more(server, eventually):
    for _ in range(20):
        socket.create_connection(("127.0.0.1", server.port)).close()
    eventually(lambda: b"\nsse_connections 1.0\n" in request(server, "GET", "/metrics")[2])


def test_many_that_come_at_once_are_all_answered(eventually):
    with serve() as server:
        readers = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(300)]
        for reader in readers:
            reader.sendall(b"GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: server.hub.subscribers == 300)
        server.publish("a", "to all")
        for reader in readers:
            received = b""
            while b"to all" not in received:
                received += reader.recv(65536)
            reader.close()


def test_a_stop_closes_those_that_are_silent():
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent, Reader(server, "topic=a"):
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert silent.recv(1) == b""
        stopping.join(5)
        assert not stopping.is_alive()
