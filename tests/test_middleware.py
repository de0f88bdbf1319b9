"""Each middleware, in a running service, and what a middleware may do."""

import json
import logging
import re
import urllib.error
import urllib.request

import pytest

from sse_demo import serve
from sse_demo.handlers import Handler, problem
from sse_demo.routing import Route

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


def test_an_error_in_a_stream_breaks_it_off(serving, caplog):
    with urllib.request.urlopen(serving(handler=BrokenStream)) as stream:
        with pytest.raises(Exception, match=r"IncompleteRead|incomplete"):
            stream.read()
    assert "in the middle of a stream" in caplog.text


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

    for broken in (early, late, silent):
        status, headers, body = answer(serving(broken))
        assert (status, json.loads(body)["request_id"]) == (500, headers["X-Request-ID"]), broken.__name__


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
    assert "Last-Event-ID" in headers["Access-Control-Allow-Headers"]
    assert headers["Access-Control-Max-Age"] == "600"
    headers = answer(url, "OPTIONS", Origin="https://b.test", **PREFLIGHT)[1]
    assert headers["Access-Control-Allow-Methods"] is None


def test_who_may_read_may_publish(serving):
    url = serving(allow_origins=["https://a.test"]).removesuffix("/hello") + "/events?topic=a"
    assert answer(url, "POST", Origin="https://a.test", Content_Length="0")[0] == 202
    assert answer(url, "POST", Origin="https://b.test", Content_Length="0")[0] == 403
