"""The demo page, and the sign of life."""

import json

from asking import request

from sse_demo import serve


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


def test_strangers_may_not_show_the_page_or_a_problem_in_a_frame(server):
    for path in ("/", "/nothing"):
        policy = request(server, "GET", path)[1]["Content-Security-Policy"]
        assert policy.startswith("frame-ancestors 'self' http://localhost:* ")


def test_pages_that_may_read_may_show_the_page_in_a_frame():
    with serve(allow_origins=["https://a.test"]) as server:
        assert request(server, "GET", "/")[1]["Content-Security-Policy"].endswith(" https://a.test")
