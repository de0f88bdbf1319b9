"""Bodies on their way: how large each may be, and all of them together."""

import socket
import urllib.request

import pytest
from asking import assert_problem, publish, raw, request, stream
from tornado.web import RequestHandler, stream_request_body

from sse_demo import serve
from sse_demo.web.bodies import UNEXPECTED, Bodies
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route

HOST = b"Host: localhost\r\n"


class Told:
    """A body that remembers how it was refused."""

    def __init__(self):
        self.refused = None

    def refuse(self, status, detail):
        self.refused = status, detail


def test_the_body_that_has_not_gone_on_for_longest_makes_room():
    bodies = Bodies(100)
    stale, slow, quick = Told(), Told(), Told()
    for body, size in ((stale, 40), (slow, 40), (quick, 10), (slow, 1), (quick, 30)):
        bodies.grow(body, size)
    assert stale.refused[0] == 503
    assert (slow.refused, quick.refused) == (None, None)
    assert (bodies.size, len(bodies)) == (81, 2)
    bodies.remove(slow)
    bodies.remove(slow)
    assert (bodies.size, len(bodies)) == (40, 1)


def test_a_body_that_alone_is_too_large_is_told_so():
    bodies, body = Bodies(100), Told()
    bodies.grow(body, 101)
    assert body.refused == (413, "all bodies together may have 100 bytes")
    assert (bodies.size, len(bodies)) == (0, 0)


class Echo(Handler):
    def post(self):
        self.write(str(len(self.body_text())))

    put = patch = delete = post


@stream_request_body
class Piecewise(Handler):
    @classmethod
    def max_body_size(cls, request, service):
        return 3_000_000 if request.method == "POST" else super().max_body_size(request, service)

    def prepare(self):
        super().prepare()
        self.size = 0

    def data_received(self, chunk):
        self.size += len(chunk)

    def post(self):
        self.write(str(self.size))


@pytest.fixture
def echo():
    with serve(routes=[Route("/echo", Echo), Route("/pieces", Piecewise)], max_event_size=200_000) as server:
        yield server


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_handler_of_ones_own_takes_a_body_as_large_as_an_event(echo, method):
    assert request(echo, method, "/echo", b"x" * 200_000)[2] == b"200000"
    headers = assert_problem(request(echo, method, "/echo", b"x" * 200_001), 413, "200,000 bytes")
    assert "X-Request-ID" in headers
    chunks = (b"x" * 1000 for _ in range(201))
    assert request(echo, method, "/echo", chunks, {"Transfer-Encoding": "chunked"})[0] == 413


def test_one_that_takes_its_body_piece_by_piece_takes_more(echo):
    assert request(echo, "POST", "/pieces", b"x" * 3_000_000)[2] == b"3000000"
    assert request(echo, "PUT", "/pieces", b"x" * 100_000)[0] == 413


def test_another_method_takes_a_small_body(echo):
    assert request(echo, "DELETE", "/echo", b"x" * UNEXPECTED)[2] == b"%d" % UNEXPECTED
    assert_problem(request(echo, "DELETE", "/echo", b"x" * (UNEXPECTED + 1)), 413, "65,536 bytes")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/nothing"), ("GET", "/ping"), ("GET", "/events?topic=a"), ("PUT", "/events?topic=a"), ("POST", "/"),
     ("OPTIONS", "*")],
)  # fmt: skip
@pytest.mark.parametrize("sent", ["announced", "in chunks", "announced twice"])
def test_where_nobody_expects_a_body_a_large_one_is_refused_at_once(server, method, path, sent):
    length = b"Content-Length: 1000000\r\n"
    head = {"announced": length, "announced twice": length * 2, "in chunks": b"Transfer-Encoding: chunked\r\n"}[sent]
    begun = b"\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n5\r\nhello" if sent == "in chunks" else b"")
    assert raw(server, f"{method} {path} HTTP/1.1\r\n".encode() + HOST + head + begun).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_the_refusal_reaches_a_client_that_sends_before_it_reads(server, size):
    for _ in range(5):
        assert_problem(request(server, "POST", "/nothing", b"x" * size), 413, "65,536 bytes")


def test_a_page_from_elsewhere_reads_the_refusal():
    with serve(allow_origins=["http://a.test"]) as server:
        headers = request(server, "POST", "/ping", b"x" * 100_000, {"Origin": "http://a.test"})[1]
        assert headers["Access-Control-Allow-Origin"] == "http://a.test"


def test_a_small_body_that_nobody_expects_does_no_harm(server):
    assert request(server, "POST", "/nothing", b"x" * UNEXPECTED)[0] == 404
    assert request(server, "GET", "/ping", b"x" * UNEXPECTED)[0] == 200
    with stream(server, "/events?topic=a", {"Content-Length": "0"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/events?topic=a", "/echo"])
def test_bodies_that_never_end_make_room_for_others(echo, path, eventually):
    echo.service.bodies = bodies = Bodies(400_000)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 150000\r\n\r\n".encode()
    clients = []
    for n in range(4):
        clients.append(socket.create_connection(("127.0.0.1", echo.port), timeout=10))
        clients[-1].sendall(head + b"x" * 140_000)
        eventually(lambda n=n: bodies.size == min(n + 1, 2) * 140_000)
    for refused in clients[:2]:
        assert refused.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert refused.recv(1000) == b""
    assert publish(echo, b"x" * 150_000, path)[0] in (200, 202)
    clients[-1].sendall(b"x" * 10_000)
    assert clients[-1].recv(100).startswith(b"HTTP/1.1 20")
    for client in clients:
        client.close()
    eventually(lambda: (bodies.size, len(bodies)) == (0, 0))
    assert urllib.request.urlopen(f"{echo.url}/ping").status == 200


def test_what_a_client_asks_before_it_sends_is_answered_for_each_handler(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=10) as client:
        head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Expect: 100-Continue\r\nContent-Length: "
        client.sendall(head + b"2\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hi")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.sendall(head + b"300000\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 413 "), "and need not send it"


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_data_is_no_form_whether_or_not_the_client_asks_before_it_sends(echo, expect):
    """Older versions of ``curl -d`` ask for all that is longer than 1,024 bytes."""
    data = b"a&" * 5000
    lines = HOST + expect + b"Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    answer = raw(echo, b"POST /events?topic=a HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (lines, len(data)) + data)
    assert answer.removeprefix(b"HTTP/1.1 100 (Continue)\r\n\r\n").startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_who_has_no_body_is_not_told_to_send_it(echo, version):
    lines = HOST + b"Expect: 100-continue\r\nConnection: close\r\n"
    for rest in (b"", b"Content-Length: 0\r\n"):
        answer = raw(echo, b"GET /ping HTTP/" + version + b"\r\n" + lines + rest + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("length", [b"\xb2" * 19, b"\xb2", b"1_000", b"+5", b"5.0", b"0x5", b""])
def test_a_length_is_made_of_digits(echo, length):
    head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: " + length + b"\r\n\r\nabcde"
    assert raw(echo, head).startswith(b"HTTP/1.1 400 ")


def test_a_client_of_http_1_0_is_asked_nothing(echo):
    head = b"POST /echo HTTP/1.0\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    assert raw(echo, head).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("headers", [{"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}])
@pytest.mark.parametrize("asks", [{}, {"Expect": "100-continue"}])
def test_what_the_head_says_is_refused_before_the_body_comes(server, headers, asks):
    lines = {"Host": "localhost", "Content-Type": "image/png", **headers, **asks}
    head = (
        "POST /events?topic=a HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    )
    assert raw(server, head.encode()).startswith(b"HTTP/1.1 415 ")


def test_a_handler_of_tornados_own_takes_as_much_as_an_event_may_have():
    class Plain(RequestHandler):
        def post(self):
            self.write(str(len(self.request.body)))

    with serve(max_event_size=1000) as server:
        server._serving._http._app.add_handlers(".*", [("/plain", Plain)])
        assert request(server, "POST", "/plain", b"x" * 1000)[::2] == (200, b"1000")
        assert request(server, "POST", "/plain", b"x" * 1001)[0] == 413
        head = ["POST /plain HTTP/1.1", "Host: localhost", "Connection: close", "Expect: 100-continue"]
        assert raw(server, "\r\n".join([*head, "Content-Length: 2", "", "hi"]).encode()).endswith(b"\r\n\r\n2")
