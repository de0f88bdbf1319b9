"""The answer that is an event stream: may it be one, and how it begins and ends."""

import asyncio
import re

import pytest
from asking import assert_problem, events, raw, request, stream

from sse_demo import EventSource, EventSourceError, serve


@pytest.mark.parametrize(("path", "hello"), [("/stream", rb":\n"), ("/events?topic=a", rb":\nretry: \d+\n")])
def test_the_head_of_a_stream_and_its_first_byte_come_at_once(server, path, hello):
    with stream(server, path, {"Accept-Encoding": "gzip, br"}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Content-Encoding"] is None
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert re.fullmatch(hello, answer.read1(100))


def test_the_reconnection_time_counts_before_any_blank_line():
    async def told(url):
        async with EventSource(url, read_timeout=0.3, max_tries=1) as source:
            with pytest.raises(EventSourceError):  # nothing else comes
                await anext(source)
            return source.reconnection_time

    with serve(retry=7, retry_jitter=0) as server:
        assert asyncio.run(told(f"{server.url}/events?topic=a")) == 7


def test_a_stream_for_http_1_0_has_no_chunks_and_ends_by_closing(server):
    head, _, body = raw(server, b"GET /stream?count=2&interval=0 HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body.startswith(b":\nid: 0\n")
    assert len(events(body)) == 2


def test_a_stream_for_http_1_1_ends_with_its_last_chunk(server):
    assert raw(server, b"GET /stream?count=2&interval=0 HTTP/1.1\r\nHost: localhost\r\n\r\n").endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "accept",
    [
        "text/event-stream",
        "*/*",
        "text/*",
        "text/html, */*;q=0.1",
        "TEXT/Event-Stream; q=0.01",
        "a/b, text/event-stream",
    ],
)
@pytest.mark.parametrize("path", ["/stream?count=1", "/events?topic=a"])
def test_who_accepts_event_streams_gets_one(server, accept, path):
    with stream(server, path, {"Accept": accept}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "accept", ["application/json", "text/html", "text/event-stream;q=0, */*", "*/*;q=0", "text/*; q=0.000, */*;q=1"]
)
@pytest.mark.parametrize("path", ["/stream?count=1", "/events?topic=a"])
def test_who_excludes_them_is_told(server, accept, path):
    assert_problem(request(server, "GET", path, headers={"Accept": accept}), 406, "text/event-stream", accept)


def test_a_full_server_says_when_to_come_again():
    with serve(max_connections=2) as server, stream(server, "/events?topic=a"), stream(server, "/stream"):
        for path in ("/events?topic=a", "/stream"):
            headers = assert_problem(request(server, "GET", path), 503, "2")
            assert int(headers["Retry-After"]) > 0
        assert request(server, "GET", "/ping")[0] == 200


def test_head_of_a_stream_opens_none_and_leaves_the_connection_in_order(server):
    twice = (
        b"HEAD /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n"
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    head, _, rest = raw(server, twice).partition(b"\r\n\r\n")
    assert b"Content-Type: text/event-stream" in head
    assert b"Connection: close" not in head, "there is a second answer"
    assert rest.startswith(b"HTTP/1.1 200 OK"), "nothing stands between the two"
    assert rest.endswith(b'{"message": "pong"}')
    assert server.hub.subscribers == 0
    assert request(server, "HEAD", "/stream", headers={"Last-Event-ID": "9"})[0] == 204
    assert request(server, "HEAD", "/events")[0] == 400
    assert request(server, "HEAD", "/stream", headers={"Accept": "text/html"})[0] == 406


@pytest.mark.parametrize("path", ["/stream?interval=0", "/events?topic=a"])
def test_a_stream_is_never_compressed(server, path):
    with stream(server, path, {"Accept-Encoding": "gzip, deflate, br"}) as answer:
        assert answer.headers["Content-Encoding"] is None
        assert answer.readline() == b":\n"
