"""What is answered to what is no request, and how a client learns of it."""

import json
import socket
import urllib.request

import pytest
from asking import raw

from sse_demo import serve

HOST = b"Host: localhost\r\n"
POST = b"POST /events?topic=a HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def assert_raw_problem(answer, status, word):
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    assert b"\r\nConnection: close" in head
    problem = json.loads(body)
    assert problem["status"] == status
    assert word in problem["detail"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /ping HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 3_000_000,
        b"GET /ping HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 1_000_000,
        b"GET /ping HTTP/1.1\r\n" + HOST + b"X:\r\n" * 10_000 + b"\r\n",
    ],
    ids=["one header", "no end", "many headers", "many short ones"],
)
def test_a_head_that_is_too_large_is_told_so(server, head):
    for _ in range(5):
        assert_raw_problem(raw(server, head), 431, "larger than may be")


def test_a_head_may_have_many_lines_and_a_body_any_number(server):
    lines = HOST + b"Connection: close\r\nContent-Length: 10000\r\n" + b"X: y\r\n" * 240 + b"\r\n" + b"\n" * 10_000
    assert raw(server, b"POST /events?topic=a HTTP/1.1\r\n" + lines).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (b"GET /ping\r\n\r\n", "request line"),  # HTTP/0.9
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2.0"),
        (b"G@T /ping HTTP/1.1\r\n" + HOST + b"\r\n", "request line"),
        (b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", "request line"),
        (b"GET /ping HTTP/1.1\r\n\r\n", "Host"),
        (b"GET /ping HTTP/1.1\r\n" + HOST + HOST + b"\r\n", "host"),
        (b"GET /ping HTTP/1.1\r\n" + HOST + b"A\0: b\r\n\r\n", "header name"),
        (b"GET /ping HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", "folding"),
        (b"GET /ping HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", "colon"),
        (b"PUT /ping HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello", "Content-Length"),
        (b"PUT /ping HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nhello", "Content-Length"),
        (b"PUT /ping HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "unequal"),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "gzip"),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0"),
        (CHUNKED + b"+2\r\nhi\r\n0\r\n\r\n", "chunk size"),
        (CHUNKED + b"2\r\nhi!\r\n0\r\n\r\n", "chunk"),
        (CHUNKED + b"2;" + b"x" * 1000 + b"\r\nhi\r\n0\r\n\r\n", "size of a chunk"),
        (CHUNKED + b"2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n", "chunked"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_why(server, request_, word):
    assert_raw_problem(raw(server, request_), 400, word)
    assert server.hub.log.seek([]) == 0, "nothing of it was published"


def test_what_is_told_repeats_only_a_little_of_what_came(server):
    answer = raw(server, b"GET /ping HTTP/1.1\r\nHost: " + b"/" * 60_000 + b"\r\n\r\n")
    assert_raw_problem(answer, 400, "Host")
    assert len(answer) < 1000


def test_what_follows_a_request_that_was_refused_is_not_read_as_another(server):
    hidden = POST + b"Content-Length: 2\r\n\r\nhi"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (70_000, b"x" * 70_000)
    first = b"PUT /nothing HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body
    assert raw(server, first + hidden).count(b"HTTP/1.1 ") == 1
    assert server.hub.log.seek([]) == 0


def test_who_is_refused_while_sending_sees_the_answer_and_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr("sse_demo.web.streams.FAREWELL_BYTES", 2_000_000)
    with serve() as server, socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET /" + b"x" * 1_000_000)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert_raw_problem(answer, 431, "larger than may be")
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(b"x" * 100_000)


def test_who_is_refused_and_stays_silent_is_closed_after_a_moment(monkeypatch, eventually):
    monkeypatch.setattr("sse_demo.web.streams.FAREWELL", 0.1)
    with serve() as server, socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET /" + b"x" * 100_000)
        assert b" 431 " in b"".join(iter(lambda: client.recv(65536), b""))
        farewells = server._serving._http._farewells
        eventually(lambda: not farewells)


def test_a_server_that_stops_waits_for_none_of_them():
    with serve() as server, socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET /" + b"x" * 100_000)
        assert b" 431 " in b"".join(iter(lambda: client.recv(65536), b""))
        assert urllib.request.urlopen(f"{server.url}/ping").status == 200
        server.stop()
        assert not server._serving._http._farewells
