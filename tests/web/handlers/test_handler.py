"""A handler of one's own: its methods, what it refuses, and what becomes of its errors."""

import asyncio
import http.client
import json
import logging
import urllib.request

import pytest
from asking import answer, assert_problem, raw, request, stream
from tornado.web import HTTPError

from sse_demo import Event, listen, serve
from sse_demo.web.handlers import Handler, problem
from sse_demo.web.routing import Route


class Room(Handler):
    async def get(self, room):
        cursor = self.hub.seek([f"room/{room}"])
        self.hub.subscribe(await self.open_event_stream(), [f"room/{room}"], cursor)

    async def post(self, room):
        await self.hub.publish_async(f"room/{room}", self.body_text())


def test_a_route_of_ones_own_explains_what_it_refuses():
    with serve(routes=[Route("/rooms/{room}", Room)], max_event_size=100, max_topics=1) as server:
        for _ in range(2):  # a topic with a single event makes room for another
            assert request(server, "POST", "/rooms/a", b"hi")[0] == 200
        assert_problem(request(server, "POST", "/rooms/a%20b", b"hi"), 400, "a b")
        assert_problem(request(server, "POST", "/rooms/a", b"\xff"), 415, "utf-8")
        assert_problem(request(server, "POST", "/rooms/a", b"x" * 101), 413, "100")
        assert_problem(request(server, "POST", "/rooms/b", b"hi"), 503, "1 topics")


class Leaves(Handler):
    """A stream of teas, whose ids are no ASCII."""

    async def get(self):
        teas = ["Assam", "Earl Grey", "茶", "thé à la menthe"]
        had = self.last_event_id()
        if had == teas[-1]:
            self.set_status(204)
            return
        left = teas[teas.index(had) + 1 :] if had in teas else teas
        await self.send_events(Event("a cup", id=tea) for tea in left)


def test_an_id_of_any_script_comes_back_as_it_was():
    with (
        serve(routes=[Route("/leaves", Leaves)]) as server,
        listen(f"{server.url}/leaves", last_event_id="茶") as stream,
    ):
        assert [event.id for event in stream] == ["thé à la menthe"]


def test_an_id_that_is_not_utf_8_is_one_that_nobody_knows():
    with serve(routes=[Route("/leaves", Leaves)]) as server:
        head = b"GET /leaves HTTP/1.0\r\nHost: localhost\r\nLast-Event-ID: th\xe9\r\n\r\n"
        assert raw(server, head).count(b"data: a cup") == 4


def test_a_route_of_ones_own_answers_head_and_opens_no_stream():
    with serve(routes=[Route("/rooms/{room}", Room)]) as server:
        status, headers, body = request(server, "HEAD", "/rooms/a")
        assert (status, headers["Content-Type"], body) == (200, "text/event-stream", b"")
        assert server.hub.subscribers == 0
        assert request(server, "OPTIONS", "/rooms/a")[1]["Allow"] == "GET, HEAD, POST, OPTIONS"


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
    answer = raw(server, f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    got = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert wanted.items() <= (got | {"Connection": wanted.get("Connection")}).items()


@pytest.mark.parametrize(
    ("path", "allowed"), [("/ping", "GET, HEAD, OPTIONS"), ("/events", "GET, HEAD, POST, OPTIONS")]
)
def test_options_tells_what_is_allowed(server, path, allowed):
    status, headers, body = request(server, "OPTIONS", path)
    assert (status, headers["Allow"], body) == (204, allowed, b"")
    assert "Access-Control-Allow-Origin" not in headers


class Broken(Handler):
    def get(self):
        self.write("half of an ")
        raise ZeroDivisionError("nobody expects this")


class BrokenStream(Handler):
    async def get(self):
        connection = await self.open_event_stream()
        connection.write(b"data: 1\n\n")
        raise ZeroDivisionError("in the middle of a stream")


class RefusedStream(Handler):
    async def get(self):
        await self.open_event_stream()
        raise problem(400, "in the middle of a stream")


class BrokenAnswer(Handler):
    async def get(self):
        self.write("half of an ")
        await self.flush()
        raise ZeroDivisionError("in the middle of an answer")


class Flushing(Handler):
    ended = None

    async def get(self):
        try:
            while True:
                self.write("more\n" * 1000)
                await self.flush()
        finally:
            Flushing.ended = True


def test_an_error_that_nobody_expected_is_an_answer_and_a_log_line_with_the_same_id(serving, caplog):
    status, headers, body = answer(serving(handler=Broken))
    told = json.loads(body)
    assert (status, headers["Content-Type"]) == (500, "application/problem+json")
    assert (told["status"], told["request_id"]) == (500, headers["X-Request-ID"])
    assert "nobody expects this" not in body.decode(), "what went wrong is for the log"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert told["request_id"] in record.getMessage()
    assert "ZeroDivisionError: nobody expects this" in caplog.text


@pytest.mark.parametrize("handler", [BrokenStream, RefusedStream, BrokenAnswer])
def test_what_fails_in_the_middle_of_an_answer_breaks_it_off(serving, caplog, handler):
    with urllib.request.urlopen(f"{serving(handler=handler)}?token=secret", timeout=10) as answer:
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert answer.headers["X-Request-ID"] in record.getMessage()
    assert "in the middle of a" in caplog.text
    assert "secret" not in caplog.text


def test_what_fails_after_an_answer_is_logged(serving, caplog, eventually):
    class Late(Handler):
        def get(self):
            self.finish(b"all is well" * 10**6)
            raise ZeroDivisionError("after all")

    assert answer(serving(handler=Late))[2] == b"all is well" * 10**6
    eventually(lambda: "ZeroDivisionError: after all" in caplog.text)


class Cancelled(Handler):
    async def get(self):
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future


class Stubborn(Handler):
    """Cannot even be told that it has failed."""

    def get(self):
        raise problem(404, "no")

    def finish(self, chunk=None):
        return super().finish({"data": self.data})


class WrongLength(Handler):
    def get(self):
        raise problem(400, "no", {"Content-Length": 3})


def test_what_was_cancelled_is_an_error_like_others(serving, caplog):
    status, headers, body = answer(serving(handler=Cancelled))
    assert (status, json.loads(body)["request_id"]) == (500, headers["X-Request-ID"])
    assert "CancelledError" in caplog.text


@pytest.mark.parametrize("handler", [Stubborn, WrongLength])
def test_what_cannot_be_told_is_logged_and_the_connection_closed(serving, caplog, eventually, handler):
    url = serving(handler=handler)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        answer(url)
    eventually(lambda: "/hello failed, request" in caplog.text)
    assert answer(url.replace("/hello", "/ping"))[0] == 200


def test_a_reader_that_leaves_is_no_error(serving, caplog, eventually):
    urllib.request.urlopen(serving(handler=Flushing)).close()
    eventually(lambda: Flushing.ended)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("words", [("100% gone",), ("%d%% %s", 100, "gone")])
def test_a_problem_may_be_one_of_tornados_errors(serving, words):
    class Gone(Handler):
        def get(self):
            raise HTTPError(499, *words)

    status, _, body = answer(serving(handler=Gone))
    told = json.loads(body)
    assert (status, told["title"], told["detail"]) == (499, "Unknown", "100% gone")
