"""The service's own middleware: the id of a request, the access log, what is in progress."""

import json
import logging
import re
import socket
import urllib.request

import pytest
from asking import answer
from tornado.web import stream_request_body

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Broken(Handler):
    def get(self):
        raise ZeroDivisionError("nobody expects this")


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


def test_what_is_answered_or_given_up_is_in_progress_no_more(server, eventually):
    urllib.request.urlopen(f"{server.url}/ping").close()
    urllib.request.urlopen(f"{server.url}/events?topic=a").close()
    eventually(lambda: not server.service.in_progress)


@pytest.mark.parametrize("sent", [b"", b"ab"])
def test_a_client_that_leaves_before_its_body_has_come_ends_the_middleware(eventually, sent):
    ended = []

    def noting(name):
        def note(handler):
            try:
                yield
                ended.append(f"{name} answered")
            finally:
                ended.append(name)

        return note

    @stream_request_body
    class Pieces(Handler):
        def data_received(self, chunk):
            pass

        def post(self):
            self.write("all")

    class Whole(Handler):
        def post(self):
            self.write("all")

    middleware = [noting("outer"), noting("inner")]
    routes = [Route("/pieces", Pieces, middleware), Route("/whole", Whole, middleware)]
    with serve(routes=routes) as server:
        for path, expect in (("/pieces", ""), ("/whole", "Expect: 100-continue\r\n")):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{expect}Content-Length: 5\r\n\r\n"
                client.sendall(head.encode() + sent)
                eventually(lambda: server.service.in_progress)
            eventually(lambda: not server.service.in_progress)
            assert ended == ["inner", "outer"]
            ended.clear()
