"""What a publisher sends, and says that it sends: the type and the size of a body."""

import socket

import pytest
from asking import assert_problem, publish, raw, request

from sse_demo import Overloaded, serve
from sse_demo.web.handlers import EventsHandler, problem
from sse_demo.web.routing import Group, Route


@pytest.mark.parametrize("content_type", ["image/png", "multipart/form-data; boundary=x", "application/xml"])
def test_what_is_no_text_is_refused(server, content_type):
    assert_problem(publish(server, Content_Type=content_type), 415, content_type.split(";")[0])


def test_what_is_not_utf_8_is_refused(server):
    assert_problem(publish(server, b"x", Content_Type="text/plain; charset=latin-1"), 415, "latin-1")
    assert_problem(publish(server, b"caf\xe9"), 415, "UTF-8")


@pytest.mark.parametrize("size", [1001, 5000, 300_000])
def test_what_is_too_large_is_refused(size):
    with serve(max_event_size=1000) as server:
        assert_problem(publish(server, b"x" * size), 413, "1,000")
        assert publish(server, b"x" * 900)[0] == 202


def test_what_is_too_large_in_chunks_is_refused():
    with serve(max_event_size=1000) as server:
        assert_problem(publish(server, (b"x" * 100 for _ in range(100)), Transfer_Encoding="chunked"), 413, "1,000")
        assert publish(server, iter([b"a", b"b"]), Transfer_Encoding="chunked")[0] == 202


def test_a_publisher_that_asks_first_is_refused_before_it_sends():
    with serve(max_event_size=1000) as server:
        head = (
            b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
        )
        assert raw(server, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("spelling", ["100-continue", "100-Continue"])
def test_a_publisher_that_asks_first_is_told_to_go_on(server, spelling):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = f"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nExpect: {spelling}\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hi")
        assert connection.recv(1000).startswith(b"HTTP/1.1 202 ")


def test_an_absurd_body_is_not_received():
    with serve(max_event_size=1000) as server:
        for length in (b"100000000", b"9" * 5000):
            head = b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: %b\r\n\r\n" % length
            assert raw(server, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [2 * 2**20, 10 * 2**20])
def test_413_reaches_a_client_that_sends_before_it_reads(server, size):
    for _ in range(5):
        assert_problem(publish(server, b"x" * size), 413, "limit")


@pytest.mark.parametrize("headers", [{"Content-Type": "image/png"}, {"Origin": "http://evil.example"}])
def test_a_refusal_by_headers_reaches_a_client_with_a_large_body(server, headers):
    for _ in range(10):
        assert request(server, "POST", "/events?topic=a", b"x" * 5_000_000, headers)[0] in (403, 415)


@pytest.mark.parametrize(("error", "status"), [(problem(401, "locked"), 401), (Overloaded("locked"), 503)])
def test_so_does_that_of_a_lock(error, status):
    def locked(handler):
        raise error
        yield

    group = Group("/admin", [Route("/events", EventsHandler)], [locked])
    with serve(routes=[group]) as server:
        for _ in range(10):
            answer = request(server, "POST", "/admin/events?topic=a", b"x" * 5_000_000)
            assert "X-Request-ID" in assert_problem(answer, status, "locked")
        absurd = b"POST /admin/events?topic=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n"
        assert raw(server, absurd).startswith(b"HTTP/1.1 %d " % status)
