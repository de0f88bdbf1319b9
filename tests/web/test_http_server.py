"""Connections of any kind: how many there may be, who makes room, and who is closed for not reading."""

import asyncio
import contextlib
import http.client
import json
import math
import select
import socket
import ssl

import pytest
import trustme
from asking import answer, assert_problem, open_stream, raw, request
from support import Reader

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route

HOST = b"Host: localhost\r\n"
PING = b"GET /ping HTTP/1.1\r\n" + HOST + b"\r\n"
UNFINISHED = b"POST /events?topic=a HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nx"


def connect(server, **options):
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    for name, value in options.items():
        client.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    return client


def ping(client):
    """A request and its answer on a connection that is kept alive."""
    client.sendall(PING)
    received = b""
    while not received.endswith(b'{"message": "pong"}'):
        received += client.recv(1000)


def rest(client):
    """Everything that comes until the server closes."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def rest_of_the_lost(client):
    """The same, also where what was sent last has not been read."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            received += piece
    return received


def metric(server, name):
    text = server.hub.metrics.text().decode()
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0)


@pytest.fixture
def few(monkeypatch):
    """A server for two streams, and two connections more."""
    monkeypatch.setattr("sse_demo.web.http_server.RESERVE", 2)
    with serve(max_connections=2) as server, contextlib.ExitStack() as clients:
        yield server, lambda **options: clients.enter_context(connect(server, **options))


# How many there may be


def test_others_are_answered_while_the_streams_are_full(few):
    server, _ = few
    with Reader(server, "topic=a"), Reader(server, "topic=a"):
        for _ in range(5):
            assert answer(f"{server.url}/health")[0] == 200
            assert request(server, "POST", "/events?topic=a", b"hello")[0] == 202
            headers = assert_problem(request(server, "GET", "/events?topic=a"), 503, "2 event streams are open")
            assert headers["Retry-After"] == "5"


def be_patient(monkeypatch, seconds):
    """How long a new connection need not make room: one that is silent, and one whose head has begun."""
    for module in ("newcomers", "http_server"):
        monkeypatch.setattr(f"sse_demo.web.{module}.GRACE", seconds)


def test_the_connection_that_has_been_idle_for_longest_makes_room(few):
    _, client = few
    idle = [client() for _ in range(4)]
    for one in idle:
        ping(one)
    ping(idle[0])  # now the second one has been idle for longest
    ping(client())
    assert rest(idle[1]) == b""
    for one in (idle[0], idle[2], idle[3]):
        ping(one)


def test_streams_that_have_left_tornado_go_on_being_counted(few):
    server, client = few
    with Reader(server, "topic=a"), Reader(server, "topic=a"):
        idle = [client() for _ in range(2)]
        for one in idle:
            ping(one)
        ping(client())
        assert rest(idle[0]) == b""


def test_where_nobody_is_idle_the_new_one_is_told_when_to_come_again(few, eventually):
    server, client = few
    busy = [client() for _ in range(4)]
    for one in busy:
        one.sendall(UNFINISHED)
    eventually(lambda: len(server.service.bodies) == 4)
    head, body = raw(server, PING).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 5" in head
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["detail"] == "4 connections are open, which is the limit"
    for one in busy:
        one.sendall(b"x" * 9)
        assert one.recv(1000).startswith(b"HTTP/1.1 202 ")
    assert metric(server, 'sse_refused_total{reason="connections"}') == 1


@pytest.mark.parametrize("begun", [b"", b"GET /pi", b"GET /ping HTTP/1.1\r\nX: y"])
def test_a_connection_that_asks_for_nothing_makes_room_after_a_while(few, begun, monkeypatch):
    _, client = few
    silent = [client() for _ in range(4)]
    for one in silent:
        one.sendall(begun)
    be_patient(monkeypatch, math.inf)
    assert rest(client()).startswith(b"HTTP/1.1 503 "), "it has only just come"
    be_patient(monkeypatch, 0)
    ping(client())
    closed, _, _ = select.select(silent, [], [], 10)
    assert [rest_of_the_lost(one) for one in closed] == [b""]


def test_all_are_counted_and_leave_nothing_behind(eventually):
    with serve() as server:
        with Reader(server, "topic=a"), connect(server) as idle, connect(server):
            ping(idle)
            eventually(lambda: metric(server, "sse_connections") == 3)
        eventually(lambda: metric(server, "sse_connections") == 0)


# TLS


@pytest.fixture
def tls():
    """A server's context, and one of a client that trusts it."""
    authority = trustme.CA()
    own, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(own)
    authority.configure_trust(theirs)
    return own, theirs


def test_a_handshake_that_never_ends_is_counted_and_given_up(tls, monkeypatch):
    own, theirs = tls
    monkeypatch.setattr("sse_demo.web.http_server.RESERVE", 2)
    be_patient(monkeypatch, 0)
    with serve(tls=own, max_connections=1, request_timeout=0.3) as server, contextlib.ExitStack() as clients:
        silent = [clients.enter_context(connect(server)) for _ in range(3)]
        with Reader(server, "topic=a", tls=theirs):
            assert rest(silent[0]) == b"", "it made room"
            for one in silent[1:]:
                assert rest(one) == b"", "its time was over"


def test_over_tls_a_stream_is_counted_until_it_closes(tls, eventually):
    own, theirs = tls
    with serve(tls=own) as server:
        with Reader(server, "topic=a", tls=theirs):
            eventually(lambda: metric(server, "sse_connections") == 1)
        eventually(lambda: metric(server, "sse_connections") == 0)


def test_one_who_speaks_tls_to_a_plain_server_need_not_wait(server, tls):
    with pytest.raises(OSError, match=r"(?i)eof|reset"), connect(server) as client:
        tls[1].wrap_socket(client, server_hostname="127.0.0.1")


# Those who do not read


class Large(Handler):
    """An answer that is more than a socket takes."""

    def get(self):
        self.write(b"x" * 20_000_000)


class Flushing(Handler):
    """The same, piece by piece."""

    async def get(self):
        for _ in range(2000):
            self.write(b"x" * 10_000)
            await self.flush()


class Careless(Handler):
    """A stream whose handler does not look whether it is read."""

    async def get(self):
        connection = await self.open_event_stream()
        connection.write(b":" + b"x" * 20_000_000 + b"\n")


ROUTES = [Route("/large", Large), Route("/flushing", Flushing), Route("/careless", Careless)]


@pytest.mark.parametrize("path", ["/large", "/flushing", "/careless"])
def test_a_client_that_never_reads_its_answer_is_closed(path, eventually):
    with serve(routes=ROUTES, max_stall=0.2) as server, connect(server, SO_RCVBUF=4096) as client:
        client.sendall(PING.replace(b"/ping", path.encode()))
        assert client.recv(1) == b"H", "the answer has begun"
        eventually(lambda: metric(server, "sse_connections") == 0)


@pytest.mark.parametrize("path", ["/large", "/careless"])
def test_so_is_one_over_tls(path, tls, eventually):
    own, theirs = tls
    with serve(routes=ROUTES, max_stall=0.2, tls=own) as server:
        client = theirs.wrap_socket(connect(server, SO_RCVBUF=4096), server_hostname="127.0.0.1")
        client.sendall(PING.replace(b"/ping", path.encode()))
        assert client.recv(1) == b"H"
        eventually(lambda: metric(server, "sse_connections") == 0)
        client.close()


def test_so_is_one_that_asks_again_and_again(eventually):
    with serve(max_stall=0.2) as server, connect(server, SO_RCVBUF=4096) as client:
        client.setblocking(False)
        with pytest.raises(ConnectionError):
            while True:
                with contextlib.suppress(BlockingIOError):
                    client.send(PING.replace(b"/ping", b"/") * 100)


@pytest.mark.parametrize("path", ["/large", "/flushing"])
def test_a_client_that_reads_slowly_gets_its_answer(path):
    with serve(routes=ROUTES, max_stall=0.5) as server, connect(server, SO_RCVBUF=100_000) as client:
        client.sendall(PING.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"/ping", path.encode()))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        received = 0
        while piece := answer.read(400_000):
            received += len(piece)
            asyncio.run(asyncio.sleep(0.03))  # the whole takes three times as long as a client may do nothing
        assert received == 20_000_000


# Those who finish sending


class Later(Handler):
    async def get(self):
        await asyncio.sleep(0.1)
        self.write("later")

    post = get


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("size", [0, 20_000_000])
def test_who_sends_no_more_gets_the_answer(method, size):
    class Answer(Later):
        async def get(self):
            await super().get()
            self.write(b"x" * size)

        post = get

    with serve(routes=[Route("/later", Answer)]) as server, connect(server) as client:
        client.sendall(b"%b /later HTTP/1.1\r\n%bContent-Length: 2\r\n\r\nhi" % (method.encode(), HOST))
        client.shutdown(socket.SHUT_WR)
        assert rest(client).endswith(b"later" + b"x" * size)


def test_who_sends_no_more_gets_the_answers_to_all_that_was_sent(server):
    with connect(server) as client:
        client.sendall(PING * 10)
        client.shutdown(socket.SHUT_WR)
        assert rest(client).count(b'{"message": "pong"}') == 10


def test_who_sends_no_more_goes_on_receiving_events(eventually):
    with serve(heartbeat=0.1) as server:
        with Reader(server, "topic=a") as reader:
            reader.socket.shutdown(socket.SHUT_WR)
            for n in range(3):
                server.publish("a", str(n))
            assert reader.take(3) == ["0", "1", "2"]
            assert server.hub.subscribers == 1
        eventually(lambda: server.hub.subscribers == 0)


@pytest.mark.parametrize("begun", [b"", PING[:20], UNFINISHED])
def test_who_sends_no_more_before_the_request_is_whole_has_left(server, begun):
    with connect(server) as client:
        client.sendall(begun)
        client.shutdown(socket.SHUT_WR)
        assert rest(client) == b""


# What is asked for


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/ping", 200),
        ("HTTP://localhost:8000/ping?x=1", 200),
        ("http://localhost", 200),
        ("http://localhost?x=1", 200),
        ("http://evil.example/ping", 421),
        ("http://user:secret@localhost/ping", 400),
        ("http:///ping", 400),
        ("ftp://localhost/ping", 400),
        ("ping", 400),
        ("*", 404),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_target_may_be_a_whole_address_whose_host_counts(server, target, status, version):
    asked = f"GET {target} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    assert raw(server, asked).startswith(b"HTTP/1.1 %d " % status)


def test_a_whole_address_makes_up_for_no_missing_and_no_second_host(server):
    for hosts in (b"", HOST + b"Host: evil.example\r\n"):
        assert raw(server, b"GET http://localhost/ping HTTP/1.1\r\n" + hosts + b"\r\n").startswith(b"HTTP/1.1 400 ")
    assert raw(server, b"GET http://localhost/ping HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("target", [b"*", b"http://localhost"])
def test_options_may_ask_about_the_server(server, target):
    head = raw(server, b"OPTIONS " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nAllow: GET, HEAD, POST, " in head


# How a stream says that it ends


@pytest.mark.parametrize("connection", ["", "Connection: close\r\n", "Connection: keep-alive\r\n"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_only_a_stream_without_chunks_says_that_it_ends_by_closing(server, version, connection):
    """With it, Node takes a stream that was cut for one that is complete."""
    with connect(server) as client:
        client.sendall(f"GET /events?topic=a HTTP/{version}\r\nHost: localhost\r\n{connection}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1000)
        said = [line for line in head.split(b"\r\n") if line.lower().startswith(b"connection:")]
        assert said == ([b"Connection: close"] if version == "1.0" else [])


def test_a_cut_is_seen_as_one(server):
    stream = open_stream(server, "/events?topic=a")
    server._loop.call_soon_threadsafe(lambda: [one.abort() for one in server.service.connections])
    with pytest.raises(http.client.IncompleteRead):
        stream.read()
    stream.close()
