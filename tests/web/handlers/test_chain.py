"""What a middleware may do, in a running service."""

import json
import logging
import urllib.request

import pytest
from asking import answer

from sse_demo import serve
from sse_demo.web.handlers import Handler, problem
from sse_demo.web.routing import Group, Route


class Hello(Handler):
    def get(self):
        self.write("hello")


class Broken(Handler):
    def get(self):
        self.write("half of an ")
        raise ZeroDivisionError("nobody expects this")


class Flushing(Handler):
    async def get(self):
        self.write("more\n" * 1000)
        await self.flush()


def test_the_headers_of_a_handler_that_flushes_have_passed_the_middleware(serving):
    with urllib.request.urlopen(serving(handler=Flushing)) as answer:
        assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("BREW /v1/rooms/a", 405), ("TRACE /v1/rooms/a", 405), ("GET /v1/rooms/%FF", 400), ("BREW /admin/rooms/a", 401)],
)
def test_what_tornado_refuses_passes_the_middleware_too(caplog, request_line, status):
    def locked(handler):
        raise problem(401, "the door is locked")
        yield

    rooms = [Route("/rooms/{room}", Hello)]
    with caplog.at_level(logging.INFO, logger="sse_demo.access"):
        with serve(routes=[Group("/v1", rooms), Group("/admin", rooms, [locked])], allow_origins=["*"]) as server:
            method, path = request_line.split()
            got, headers, body = answer(server.url + path, method, Origin="https://a.test")
    told = json.loads(body)
    assert (got, told["status"], told["request_id"]) == (status, status, headers["X-Request-ID"])
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert [json.loads(record.getMessage())["status"] for record in caplog.records] == [status]


def test_middleware_acts_before_and_after(serving):
    seen = []

    def notes(handler):
        seen.append("before")
        yield
        seen.append(f"after {handler.get_status()}")
        handler.set_header("Seen", "yes")

    status, headers, body = answer(serving(notes))
    assert (status, body, headers["Seen"]) == (200, b"hello", "yes")
    assert seen == ["before", "after 200"]


def test_middleware_stops_with_a_problem_and_those_outside_still_see_the_answer(serving):
    seen = []

    def outside(handler):
        yield
        seen.append(handler.get_status())

    def closed(handler):
        raise problem(403, "closed on Sundays")
        yield

    def never(handler):
        seen.append("never")
        yield

    status, _, body = answer(serving(outside, closed, never))
    assert (status, json.loads(body)["detail"], seen) == (403, "closed on Sundays", [403])


def test_middleware_answers_itself(serving):
    def cached(handler):
        handler.set_header("Content-Type", "text/plain")
        handler.finish("from the cache")
        yield

    assert answer(serving(cached))[2] == b"from the cache"

    def at_once(handler):
        return handler.finish("at once")
        yield

    assert answer(serving(at_once))[2] == b"at once"


def test_middleware_may_turn_an_exception_into_an_answer(serving):
    def explain(handler):
        try:
            yield
        except ZeroDivisionError:
            raise problem(422, "one cannot divide by that") from None

    status, _, body = answer(serving(explain, handler=Broken))
    assert (status, json.loads(body)["detail"]) == (422, "one cannot divide by that")


def test_middleware_that_fails_itself_is_recovered_from(serving, caplog):
    def early(handler):
        raise ValueError("before")
        yield

    def late(handler):
        yield
        raise ValueError("after")

    def silent(handler):
        return
        yield

    def function(handler):
        handler.set_header("Seen", "yes")

    class Refuses(Handler):
        def get(self):
            raise problem(404, "no")

    for handler in (Hello, Refuses, Broken):
        for chain in ([early], [late], [late, late], [silent], [function]):
            caplog.clear()
            status, headers, body = answer(serving(*chain, handler=handler))
            assert (status, json.loads(body)["request_id"]) == (500, headers["X-Request-ID"]), chain
            logged = [record for record in caplog.records if record.levelno == logging.ERROR]
            assert [record for record in logged if headers["X-Request-ID"] in record.getMessage()] == logged != []
    assert "must be a generator function, with one yield" in caplog.text
