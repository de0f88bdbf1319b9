"""The demo page, and the sign of life."""

import json

from asking import request


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
