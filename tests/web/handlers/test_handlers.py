"""The HTTP contract, row by row, over plain connections."""

import http.client
import json
import re
import socket
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sse_demo import EventStreamParser, serve
from sse_demo.web.handlers import EventsHandler, Handler, problem, refusals_explained
from sse_demo.web.routing import Group, Route


def request(server, method, path, body=None, headers=None):
    """Status, headers and body of an answer that ends."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {}, encode_chunked="Transfer-Encoding" in (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@contextmanager
def stream(server, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        with connection.getresponse() as answer:  # without a name it would be collected, and the stream closed
            yield answer
    finally:
        connection.close()


def raw(server, data):
    """Everything that comes back for these bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def events(body):
    return EventStreamParser().feed(body)


def assert_problem(answer, status, *words):
    got, headers, body = answer
    problem = json.loads(body)
    assert (got, headers["Content-Type"]) == (status, "application/problem+json")
    assert problem["status"] == status
    assert problem["title"]
    assert all(word in problem["detail"] for word in words), problem["detail"]
    return headers


def publish(server, data=b"x", path="/events?topic=a", **headers):
    return request(server, "POST", path, data, {name.replace("_", "-"): value for name, value in headers.items()})


# Small answers


def test_ping(server):
    status, headers, body = request(server, "GET", "/ping")
    assert (status, json.loads(body)) == (200, {"message": "pong"})
    assert "Server" not in headers


def test_the_page_is_at_the_root(server):
    status, headers, body = request(server, "GET", "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"new EventSource(" in body
    assert b"http://" not in body
    assert b"https://" not in body, "nothing from outside"


def test_health_counts_connections(server):
    with stream(server, "/events?topic=a"), stream(server, "/stream"):
        health = json.loads(request(server, "GET", "/health")[2])
        assert health == {"status": "ok", "connections": 2, "subscribers": 1}


def test_metrics_are_what_prometheus_reads(server):
    publish(server)
    status, headers, body = request(server, "GET", "/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert families["sse_published"].samples[0].value == 1
    assert {"sse_subscribers", "sse_delivered", "sse_sent_bytes", "sse_lag_seconds", "sse_closed"} <= set(families)


# The ten messages


def test_ten_messages(server):
    status, _, body = request(server, "GET", "/stream?interval=0")
    assert status == 200
    assert [event.id for event in events(body)] == [str(n) for n in range(10)]
    for n, event in enumerate(events(body)):
        data = json.loads(event.data)
        assert list(data) == ["seq", "time"]
        assert data["seq"] == n
        assert len(data["time"].split(":")) == 3


def test_count_and_interval(server):
    assert len(events(request(server, "GET", "/stream?count=3&interval=0.01")[2])) == 3


def test_a_return_goes_on_after_the_last_id(server):
    _, _, body = request(server, "GET", "/stream?interval=0", headers={"Last-Event-ID": "6"})
    assert [event.id for event in events(body)] == ["7", "8", "9"]
    _, _, body = request(server, "GET", "/stream?interval=0&last_event_id=7")
    assert [event.id for event in events(body)] == ["8", "9"]
    _, _, body = request(server, "GET", "/stream?interval=0&last_event_id=1", headers={"Last-Event-ID": "8"})
    assert [event.id for event in events(body)] == ["9"], "the header wins"


@pytest.mark.parametrize("id", ["9", "10", "123456789"])
def test_after_the_last_message_there_is_no_more(server, id):
    status, headers, body = request(server, "GET", "/stream", headers={"Last-Event-ID": id})
    assert (status, body) == (204, b"")
    assert "Content-Type" not in headers


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("count=0", "count"),
        ("count=-1", "count"),
        ("count=10001", "count"),
        ("count=1.5", "whole number"),
        ("count=x", "'x'"),
        ("count=", "count"),
        ("count=1&count=2", "2 times"),
        ("interval=-1", "interval"),
        ("interval=61", "interval"),
        ("interval=nan", "interval"),
        ("interval=inf", "interval"),
        ("interval=fast", "'fast'"),
        ("last_event_id=x", "0 to 9"),
        ("last_event_id=-1", "0 to 9"),
        ("last_event_id=1234567890", "0 to 9"),
    ],
)
def test_a_wrong_number_is_explained(server, query, word):
    assert_problem(request(server, "GET", f"/stream?{query}"), 400, word)


def test_a_long_pause_has_heartbeats():
    with serve(heartbeat=0.05) as server, stream(server, "/stream?interval=30") as answer:
        received = b""
        while received.count(b":\n\n") < 4:
            received += answer.read1(100)
        assert len(events(received)) == 1


# Streams


@pytest.mark.parametrize(("path", "hello"), [("/stream", rb":\n\n"), ("/events?topic=a", rb":\nretry: \d+\n\n")])
def test_the_head_of_a_stream_and_its_first_byte_come_at_once(server, path, hello):
    with stream(server, path, {"Accept-Encoding": "gzip, br"}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Content-Encoding"] is None
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert re.fullmatch(hello, answer.read1(100))


def test_each_client_is_told_another_time_to_wait_before_it_comes_back():
    with serve(retry=10) as server:
        waits = set()
        for _ in range(20):
            with stream(server, "/events?topic=a") as answer:
                waits.add(int(answer.read1(100).split()[-1]))
    assert len(waits) > 10
    assert all(5000 <= wait <= 15000 for wait in waits)


def test_a_stream_for_http_1_0_has_no_chunks_and_ends_by_closing(server):
    head, _, body = raw(server, b"GET /stream?count=2&interval=0 HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body.startswith(b":\n\nid: 0\n")
    assert len(events(body)) == 2


def test_a_stream_for_http_1_1_ends_with_its_last_chunk(server):
    assert raw(server, b"GET /stream?count=2&interval=0 HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"\r\n0\r\n\r\n")


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


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "topic"),
        ("topic=", "topic name"),
        ("topic=a%20b", "topic name"),
        ("topic=a%0Ab", "topic name"),
        ("topic=%C3%A9", "topic name"),
        ("topic=" + "x" * 129, "128"),
        ("&".join(f"topic={n}" for n in range(101)), "100"),
        ("topic=a&recent=-1", "recent"),
        ("topic=a&recent=1000000", "recent"),
        ("topic=a&recent=2.5", "recent"),
    ],
)
def test_a_wrong_subscription_is_explained(server, query, word):
    assert_problem(request(server, "GET", f"/events?{query}"), 400, word)


def test_a_percent_sign_in_a_request_is_shown_as_it_is(server):
    assert_problem(request(server, "GET", "/events?topic=100%25"), 400, "'100%'")
    assert_problem(request(server, "GET", "/100%25"), 404, "/100%25")


# Publishing


def test_what_is_published_is_sent(server):
    with stream(server, "/events?topic=a") as answer:
        status, headers, body = publish(server, "héllo\nworld".encode(), "/events?topic=a&event=greeting&retry=1500")
        assert (status, headers["Content-Type"].split(";")[0]) == (202, "application/json")
        received = b""
        while not events(received):
            received += answer.read1(1000)
        event = events(received)[0]
        assert (event.event, event.data, event.retry) == ("greeting", "héllo\nworld", 1500)
        assert event.id == json.loads(body)["id"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/plain; charset=UTF-8", 'text/csv; charset="utf-8"', "application/x-www-form-urlencoded", ""],
)
def test_text_of_many_types_is_accepted(server, content_type):
    assert publish(server, b"a=b&c", Content_Type=content_type)[0] == 202
    with stream(server, "/events?topic=a&recent=1") as answer:
        received = b""
        while not events(received):
            received += answer.read1(1000)
        assert events(received)[0].data == "a=b&c"


def test_an_empty_body_is_an_event_with_no_data(server):
    assert publish(server, b"")[0] == 202


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity"])
def test_json_has_no_such_number(server, number):
    assert_problem(publish(server, b"[%b]" % number, Content_Type="application/json"), 400, number.decode())


def test_json_is_checked_where_it_is_declared(server):
    assert publish(server, b'{"a": [1]}', Content_Type="application/json")[0] == 202
    assert_problem(publish(server, b'{"a": ', Content_Type="application/json"), 400, "JSON")
    assert_problem(publish(server, b"[" * 100_000, Content_Type="application/json"), 400, "JSON")


def test_the_same_idempotency_key_is_one_event(server):
    answers = [publish(server, b"pay", Idempotency_Key="k")[2] for _ in range(3)]
    assert len(set(answers)) == 1
    assert publish(server, b"pay", Idempotency_Key="other")[2] not in answers
    assert_problem(publish(server, b"pay more", Idempotency_Key="k"), 422, "'k'")


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_a_length(server, key):
    assert_problem(publish(server, Idempotency_Key=key), 400, "255")


@pytest.mark.parametrize("type_", ["a%0Ab", "a%0D%0Adata:%20b", "", "a%00%0Ab"])
def test_nothing_can_be_injected_through_the_event_type(server, type_):
    with stream(server, "/events?topic=a") as answer:
        assert_problem(publish(server, b"x", f"/events?topic=a&event={type_}"), 400, "event")
        publish(server, b"clean")
        received = b""
        while not events(received):
            received += answer.read1(1000)
        assert [event.data for event in events(received)] == ["clean"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/events", "topic"),
        ("/events?topic=a&topic=b", "one topic"),
        ("/events?topic=a&retry=-1", "retry"),
        ("/events?topic=a&retry=x", "retry"),
        ("/events?topic=a&event=x&event=y", "2 times"),
    ],
)
def test_a_wrong_publication_is_explained(server, path, word):
    assert_problem(publish(server, b"x", path), 400, word)


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
        head = b"POST /events?topic=a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
        assert raw(server, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("spelling", ["100-continue", "100-Continue"])
def test_a_publisher_that_asks_first_is_told_to_go_on(server, spelling):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = f"POST /events?topic=a HTTP/1.1\r\nHost: x\r\nExpect: {spelling}\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hi")
        assert connection.recv(1000).startswith(b"HTTP/1.1 202 ")


def test_what_is_refused_is_not_kept(monkeypatch):
    kept = []
    receive = EventsHandler.data_received

    def watched(handler, chunk):
        receive(handler, chunk)
        kept.append((len(chunk), len(handler.body)))

    monkeypatch.setattr(EventsHandler, "data_received", watched)
    with serve(max_event_size=100_000) as server:
        assert_problem(publish(server, b"x" * 1_500_000), 413, "100,000")
    assert sum(size for size, _ in kept) == 1_500_000
    assert max(body for _, body in kept) <= 100_000 + max(size for size, _ in kept)


def test_an_absurd_body_is_not_received():
    with serve(max_event_size=1000) as server:
        for length in (b"100000000", b"9" * 5000):
            head = b"POST /events?topic=a HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n" % length
            assert raw(server, head).startswith(b"HTTP/1.1 413 ")


def test_what_becomes_too_large_on_the_wire_is_refused():
    with serve(max_event_size=1000) as server:
        assert_problem(publish(server, b"\n" * 900), 413, "1,000")


def test_only_so_many_topics():
    with serve(max_topics=1) as server:
        assert publish(server)[0] == 202
        headers = assert_problem(publish(server, b"x", "/events?topic=b"), 503, "1 topics")
        assert int(headers["Retry-After"]) > 0


def test_a_page_from_elsewhere_may_not_publish(server):
    assert_problem(publish(server, Origin="http://example.org"), 403, "example.org")
    assert_problem(publish(server, Origin="null"), 403, "null")
    assert publish(server, Origin=server.url)[0] == 202


# Everything else


class Room(Handler):
    async def get(self, room):
        self.hub.subscribe(await self.open_event_stream(), [f"room/{room}"], self.hub.seek([f"room/{room}"]))

    async def post(self, room):
        with refusals_explained(self):
            await self.hub.publish_async(f"room/{room}", self.request.body.decode())


def test_a_route_of_ones_own_explains_what_it_refuses():
    with serve(routes=[Route("/rooms/{room}", Room)], max_event_size=100, max_topics=1) as server:
        assert request(server, "POST", "/rooms/a", b"hi")[0] == 200
        assert_problem(request(server, "POST", "/rooms/a%20b", b"hi"), 400, "a b")
        assert_problem(request(server, "POST", "/rooms/a", b"\xff"), 400, "utf-8")
        assert_problem(request(server, "POST", "/rooms/a", b"x" * 101), 413, "100")
        assert_problem(request(server, "POST", "/rooms/b", b"hi"), 503, "1 topics")


def test_a_route_of_ones_own_answers_head_and_opens_no_stream():
    with serve(routes=[Route("/rooms/{room}", Room)]) as server:
        status, headers, body = request(server, "HEAD", "/rooms/a")
        assert (status, headers["Content-Type"], body) == (200, "text/event-stream", b"")
        assert len(server.hub) == 0
        assert request(server, "OPTIONS", "/rooms/a")[1]["Allow"] == "GET, HEAD, POST, OPTIONS"


def test_nothing_there(server):
    for method in ("GET", "POST", "DELETE"):
        assert_problem(request(server, method, "/nothing"), 404, "/nothing")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("POST", "/stream", "GET, HEAD, OPTIONS"),
        ("DELETE", "/events?topic=a", "GET, HEAD, POST, OPTIONS"),
        ("PUT", "/ping", "GET, HEAD, OPTIONS"),
        ("BREW", "/ping", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_allowed(server, method, path, allowed):
    headers = assert_problem(request(server, method, path), 405, method, allowed)
    assert headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/ping", "/health", "/metrics", "/stream?count=1&interval=0", "/events?topic=a"])
def test_head_gives_the_headers_of_get_and_no_body(server, path):
    with stream(server, path) as answer:
        wanted = dict(answer.headers)
    differ = ("x-request-id", "date", "content-length", "transfer-encoding", "etag")  # which HEAD may leave out, too
    wanted = {name: value for name, value in wanted.items() if name.lower() not in differ}
    answer = raw(server, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    got = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert wanted.items() <= (got | {"Connection": wanted.get("Connection")}).items()


def test_head_of_a_stream_opens_none_and_leaves_the_connection_in_order(server):
    twice = (
        b"HEAD /events?topic=a HTTP/1.1\r\nHost: x\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    head, _, rest = raw(server, twice).partition(b"\r\n\r\n")
    assert b"Content-Type: text/event-stream" in head
    assert b"Connection: close" not in head, "there is a second answer"
    assert rest.startswith(b"HTTP/1.1 200 OK"), "nothing stands between the two"
    assert rest.endswith(b'{"message": "pong"}')
    assert len(server.hub) == 0
    assert request(server, "HEAD", "/stream", headers={"Last-Event-ID": "9"})[0] == 204
    assert request(server, "HEAD", "/events")[0] == 400
    assert request(server, "HEAD", "/stream", headers={"Accept": "text/html"})[0] == 406


@pytest.mark.parametrize(
    ("path", "allowed"), [("/ping", "GET, HEAD, OPTIONS"), ("/events", "GET, HEAD, POST, OPTIONS")]
)
def test_options_tells_what_is_allowed(server, path, allowed):
    status, headers, body = request(server, "OPTIONS", path)
    assert (status, headers["Allow"], body) == (204, allowed, b"")
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", ["/stream?interval=0", "/events?topic=a"])
def test_a_stream_is_never_compressed(server, path):
    with stream(server, path, {"Accept-Encoding": "gzip, deflate, br"}) as answer:
        assert answer.headers["Content-Encoding"] is None
        assert answer.readline() == b":\n"


@pytest.mark.parametrize("path", ["/events?topic=%FF", "/stream?count=%FF"])
def test_a_query_that_is_not_utf_8(server, path):
    assert request(server, "GET", path)[0] == 400


@pytest.mark.parametrize("size", [2 * 2**20, 10 * 2**20])
def test_413_reaches_a_client_that_sends_before_it_reads(server, size):
    for _ in range(5):
        assert_problem(publish(server, b"x" * size), 413, "limit")


@pytest.mark.parametrize("headers", [{"Content-Type": "image/png"}, {"Origin": "http://evil.example"}])
def test_a_refusal_by_headers_reaches_a_client_with_a_large_body(server, headers):
    for _ in range(10):
        assert request(server, "POST", "/events?topic=a", b"x" * 5_000_000, headers)[0] in (403, 415)


def test_so_does_that_of_a_lock():
    def locked(handler):
        raise problem(401, "the door is locked")
        yield

    group = Group("/admin", [Route("/events", EventsHandler)], [locked])
    with serve(routes=[group]) as server:
        for _ in range(10):
            answer = request(server, "POST", "/admin/events?topic=a", b"x" * 5_000_000)
            assert "X-Request-ID" in assert_problem(answer, 401, "locked")
        absurd = b"POST /admin/events?topic=a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
        assert raw(server, absurd).startswith(b"HTTP/1.1 401 ")


def test_a_long_stream_without_pauses_comes_whole(server):
    assert len(events(request(server, "GET", "/stream?count=10000&interval=0")[2])) == 10_000


# Keys


def test_a_key_says_what_an_event_is_the_newest_of():
    with serve(coalesce=["prices"]) as server:
        for key, data in (("A", b"1"), ("B", b"2"), ("A", b"3")):
            assert publish(server, data, f"/events?topic=prices&key={key}")[0] == 202
        with stream(server, "/events?topic=prices&recent=10") as answer:
            received = b""
            while received.count(b"data:") < 2:
                received += answer.read1(1000)
        assert [event.data for event in events(received)] == ["2", "3"]


def test_a_key_without_a_use_is_refused(server):
    assert_problem(publish(server, path="/events?topic=a&key=x"), 400, "does not coalesce")
