"""Clients that take their time, vanish, send too much, or speak TLS: what the server does with their connections."""

import socket
import ssl
import struct
import urllib.request

import pytest
import trustme
from asking import open_stream
from support import Reader

from sse_demo import EventStreamParser, serve


def test_a_pipelined_request_after_a_stream_does_no_harm(eventually):
    with serve() as server:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(
            b"GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        eventually(lambda: server.hub.subscribers == 1)
        server.publish("a", "one")
        received = b""
        while b"data: one" not in received:
            received += connection.recv(1000)
        assert b"pong" not in received
        connection.close()


def test_a_browser_that_comes_and_goes_leaves_nothing_behind(eventually):
    with serve() as server:
        for _ in range(200):
            open_stream(server, "/events?topic=a").close()
        eventually(lambda: server.hub.subscribers == 0)
        body = urllib.request.urlopen(f"{server.url}/health").read()
        assert b'"connections": 0' in body
        assert EventStreamParser().feed(body) == []


def test_clients_that_vanish_at_once_are_no_errors(server, eventually):
    for _ in range(200):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # As a client does whose process is killed: what is on the way is answered with a reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    eventually(lambda: b'"connections": 0' in urllib.request.urlopen(f"{server.url}/health").read())


UNFINISHED = [
    b"",
    b"GET /pi",
    b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-Slow: a",
    b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\nab",
    b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n384\r\nab",
]


@pytest.mark.parametrize("data", UNFINISHED)
def test_a_request_that_stops_half_way_is_given_up(data):
    with serve(request_timeout=0.1) as server, socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(data)
        assert client.recv(1000) == b""
        assert urllib.request.urlopen(f"{server.url}/ping").status == 200


@pytest.mark.parametrize("data", UNFINISHED[1:])
def test_a_request_that_comes_byte_by_byte_has_no_more_time_than_another(data):
    with serve(request_timeout=0.2) as server, socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(data)
        client.settimeout(0.02)  # between two bytes
        received = None
        while received is None:
            try:
                client.send(b"x")
                received = client.recv(1000)
            except TimeoutError:
                continue
            except ConnectionError:  # it was closed with a byte on the way
                received = b""
        assert received == b"", "it has not waited for the end"


def test_an_idle_connection_is_closed_and_a_stream_is_not():
    with serve(request_timeout=0.1, heartbeat=0.2) as server:
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"".join(iter(lambda: client.recv(1000), b"")).endswith(b'{"message": "pong"}')
        with Reader(server, "topic=a") as reader:
            for _ in range(4):  # the first block, and three heartbeats
                reader.next_block()
            server.publish("a", "still here")
            assert reader.take(1) == ["still here"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that nobody else trusts."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return authority, path


def test_over_tls_it_is_the_same(certificate):
    authority, path = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serve(tls=context, read_batch=50_000) as server:
        assert server.url.startswith("https://")
        with (
            Reader(server, "topic=a", tls=trusting) as quick,
            Reader(server, "topic=a", tls=trusting, receive_buffer=50_000) as slow,
        ):
            for n in range(100):
                server.publish("a", f"{n} {'x' * 50_000}")
                quick.take(n + 1)
            assert [data.split()[0] for data in slow.take(100)] == [str(n) for n in range(100)]
            server.publish("a", "live again")
            assert slow.take(101)[-1] == quick.take(101)[-1] == "live again"
