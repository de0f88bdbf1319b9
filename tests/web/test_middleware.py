"""Each middleware, in a running service, and what a middleware may do."""

import asyncio
import http.client
import json
import logging
import re
import urllib.error
import urllib.request

import pytest
from tornado.web import HTTPError

from sse_demo import serve
from sse_demo.web.handlers import Handler, problem
from sse_demo.web.routing import Group, Route

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


class Hello(Handler):
    def get(self):
        self.write("hello")


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


def answer(url, method="GET", **headers):
    """Status, headers and body, also of an error."""
    request = urllib.request.Request(url, method=method, headers={n.replace("_", "-"): v for n, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.fixture
def serving():
    """``serving(middleware ...)`` gives the address of ``Hello`` behind them."""
    servers = []

    def start(*middleware, handler=Hello, **settings):
        servers.append(serve(routes=[Route("/hello", handler, middleware)], **settings))
        return f"{servers[-1].url}/hello"

    yield start
    for server in servers:
        server.stop()


def test_a_request_has_an_id_of_its_own(server):
    ids = {answer(f"{server.url}/ping")[1]["X-Request-ID"] for _ in range(10)}
    assert len(ids) == 10
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids)


def test_a_stream_has_one_too(server):
    with urllib.request.urlopen(f"{server.url}/stream?interval=0") as stream:
        assert stream.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("é", False)]
)
def test_the_id_of_a_proxy_is_kept_where_it_is_usable(server, given, kept):
    got = answer(f"{server.url}/ping", X_Request_ID=given.encode().decode("latin-1"))[1]["X-Request-ID"]
    assert (got == given) is kept


def test_the_access_log_is_json_and_keeps_the_query_to_itself(server, caplog, eventually):
    with caplog.at_level(logging.INFO, logger="sse_demo.access"):
        urllib.request.urlopen(f"{server.url}/stream?count=1&interval=0&token=secret").close()
        id = answer(f"{server.url}/ping")[1]["X-Request-ID"]
        answer(f"{server.url}/nothing")
        eventually(lambda: len(caplog.records) == 3)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/stream", 200), ("GET", "/ping", 200), ("GET", "/nothing", 404)
    ]  # fmt: skip
    assert lines[1]["request_id"] == id
    assert 0 <= lines[1]["ms"] < 10_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", lines[1]["time"])
    assert lines[1]["remote"] == "127.0.0.1"
    assert "secret" not in caplog.text


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


def test_what_is_answered_or_given_up_is_in_progress_no_more(server, eventually):
    urllib.request.urlopen(f"{server.url}/ping").close()
    urllib.request.urlopen(f"{server.url}/events?topic=a").close()
    eventually(lambda: not server._app.settings["in_progress"])


def test_a_reader_that_leaves_is_no_error(serving, caplog, eventually):
    urllib.request.urlopen(serving(handler=Flushing)).close()
    eventually(lambda: Flushing.ended)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


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


def test_the_access_log_has_the_status_that_was_sent(serving, caplog):
    class BodyWithout(Handler):
        def get(self):
            self.set_status(204)
            self.write("a body that 204 cannot have")

    hello, broken, without = serving(), serving(handler=Broken), serving(handler=BodyWithout)
    with caplog.at_level(logging.INFO, logger="sse_demo.access"):
        assert answer(hello, If_None_Match="*")[0] == 304
        assert answer(broken)[0] == 500
        status, headers, body = answer(without)
        assert (status, json.loads(body)["request_id"]) == (500, headers["X-Request-ID"])
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "sse_demo.access"]
    assert [line["status"] for line in lines] == [304, 500, 500]


@pytest.mark.parametrize("words", [("100% gone",), ("%d%% %s", 100, "gone")])
def test_a_problem_may_be_one_of_tornados_errors(serving, words):
    class Gone(Handler):
        def get(self):
            raise HTTPError(499, *words)

    status, _, body = answer(serving(handler=Gone))
    told = json.loads(body)
    assert (status, told["title"], told["detail"]) == (499, "Unknown", "100% gone")


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


# CORS


def test_without_a_setting_no_page_from_elsewhere_may_read(server):
    headers = answer(f"{server.url}/ping", Origin="https://a.test")[1]
    assert not [name for name in headers if name.startswith("Access-Control")]
    assert "Vary" not in headers


@pytest.mark.parametrize("path", ["/hello", "/nothing", "/stream?count=1&interval=0"])
def test_a_named_origin_may_read_whatever_is_answered(serving, path):
    url = serving(allow_origins=["https://a.test"], allow_credentials=True).removesuffix("/hello") + path
    headers = answer(url, Origin="https://a.test")[1]
    assert headers["Access-Control-Allow-Origin"] == "https://a.test"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Vary"] == "Origin"
    assert "X-Request-ID" in headers["Access-Control-Expose-Headers"]
    headers = answer(url, Origin="https://b.test")[1]
    assert headers["Access-Control-Allow-Origin"] is None
    assert headers["Vary"] == "Origin", "a cache must not give one the answer of the other"
    assert answer(url)[1]["Access-Control-Allow-Origin"] is None


def test_an_error_of_the_server_may_be_read_too(serving, caplog):
    """Else a page would see a failed fetch, and never the request id that finds the line in the log."""
    url = serving(handler=Broken, allow_origins=["https://a.test"])
    status, headers, body = answer(url, Origin="https://a.test")
    assert (status, headers["Access-Control-Allow-Origin"]) == (500, "https://a.test")
    assert json.loads(body)["request_id"] in caplog.text


def test_everybody_may_read(serving):
    headers = answer(serving(allow_origins=["*"]), Origin="https://b.test")[1]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Credentials"] is None


def test_a_preflight_is_told_what_is_allowed(serving):
    url = serving(allow_origins=["https://a.test"]).removesuffix("/hello") + "/events?topic=a"
    status, headers, _ = answer(url, "OPTIONS", Origin="https://a.test", **PREFLIGHT)
    assert status == 204
    assert headers["Access-Control-Allow-Methods"] == headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "content-type"
    assert headers["Vary"] == "Origin"
    assert headers["Access-Control-Max-Age"] == "600"
    headers = answer(url, "OPTIONS", Origin="https://b.test", **PREFLIGHT)[1]
    assert headers["Access-Control-Allow-Methods"] is None
    headers = answer(url, "OPTIONS", Origin="https://a.test")[1]
    assert headers["Access-Control-Allow-Origin"] == "https://a.test"
    assert headers["Access-Control-Max-Age"] is None, "it is no preflight"


def test_a_preflight_opens_no_lock_and_is_not_stopped_by_one(serving):
    def locked(handler):
        if handler.request.headers.get("Authorization") != "Bearer open sesame":
            raise problem(401, "the door is locked", {"WWW-Authenticate": "Bearer"})
        yield

    url = serving(locked, allow_origins=["https://a.test"])
    wanted = PREFLIGHT | {"Access-Control-Request-Headers": "authorization"}
    status, headers, _ = answer(url, "OPTIONS", Origin="https://a.test", **wanted)
    assert (status, headers["Access-Control-Allow-Headers"]) == (204, "authorization")
    assert headers["X-Request-ID"]
    assert answer(url, "OPTIONS", Origin="https://b.test", **wanted)[0] == 401
    assert answer(url, Origin="https://a.test")[0] == 401
    assert answer(url, Origin="https://a.test", Authorization="Bearer open sesame")[2] == b"hello"


def test_who_may_read_may_publish(serving):
    url = serving(allow_origins=["https://a.test"]).removesuffix("/hello") + "/events?topic=a"
    assert answer(url, "POST", Origin="https://a.test", Content_Length="0")[0] == 202
    assert answer(url, "POST", Origin="https://b.test", Content_Length="0")[0] == 403


class Changing(Handler):
    def get(self):
        self.write("seven")

    def delete(self):
        self.set_status(204)

    put = post = delete


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_a_page_from_elsewhere_would_change_is_refused_on_every_route(serving, method):
    url = serving(handler=Changing, allow_origins=["https://a.test"])
    own = url.removesuffix("/hello")
    for origin in ("https://b.test", "null", f"{own}.evil.test", ""):
        status, _, body = answer(url, method, Origin=origin, Content_Length="0")
        assert (status, origin in json.loads(body)["detail"]) == (403, True)
    for allowed in ({}, {"Origin": own}, {"Origin": "https://a.test"}):
        assert answer(url, method, Content_Length="0", **allowed)[0] == 204
    assert answer(url, Origin="https://b.test")[0] == 200, "a browser sees to it that the page cannot read it"
