"""The name that a server is asked for: a page must not read what is here because its name points here."""

import asyncio
import json

import pytest
from asking import assert_problem, raw, request
from support import Reader

from sse_demo import AsyncServer, Hub, Settings, bind, make_app, serve
from sse_demo.web.addresses import is_loopback
from sse_demo.web.hosts import name_in

LOCAL = [
    *("localhost", "LocalHost:8000", "localhost.", "a.b.localhost:1", "127.0.0.1", "127.0.0.1:8000", "127.9.8.7:80"),
    *("[::1]", "[::1]:8000", "[::FFFF:127.0.0.1]", "127.0.0.1:", "localhost.:8000"),
]
FOREIGN = [
    *("evil.test", "evil.test:8000", "localhost.evil.test", "127.0.0.1.evil.test", "notlocalhost", "10.0.0.1", "[::2]"),
    *("0.0.0.0", "128.0.0.1", "2130706433", "x", ".localhost.evil", "[fe80::1]:8000", "localhost..", "127.1"),
]


def asked_for(server, host, path="/ping", method="GET"):
    return request(server, method, path, headers={"Host": host})


@pytest.mark.parametrize("host", LOCAL)
def test_a_server_on_loopback_answers_each_name_of_loopback(server, host):
    assert asked_for(server, host)[0] == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_a_server_on_loopback_answers_no_other_name(server, host):
    assert_problem(asked_for(server, host), 421, f"does not answer as '{name_in(host)}'", "allow_hosts")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/events?topic=a"), ("GET", "/"), ("GET", "/health"), ("GET", "/no")]
)
def test_nothing_at_all_is_read_under_a_false_name(server, method, path):
    assert_problem(asked_for(server, "evil.test", path, method), 421, "evil.test")


def test_a_page_whose_name_was_made_to_point_here_may_not_publish(server, caplog):
    origin = {"Host": "evil.test", "Origin": "http://evil.test", "Sec-Fetch-Site": "same-origin"}
    assert_problem(request(server, "POST", "/events?topic=a", b"x", origin), 421, "evil.test")
    with Reader(server, "topic=a&recent=9") as reader:
        server.publish("a", "mine")
        assert reader.take(1) == ["mine"], "and nothing before it"


def test_an_address_in_the_request_line_is_the_name_that_counts(server):
    answer = raw(server, b"GET http://evil.test/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421 ")
    answer = raw(server, b"GET http://localhost/ping HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_the_names_that_are_allowed_are_answered_beside_those_of_loopback():
    with serve(allow_hosts=["Shop.example", "*.shop.example", "10.0.0.5", "[2001:db8::5]", "under_score"]) as server:
        known = (
            "shop.example",
            "SHOP.example:8443",
            "shop.example.",
            "a.b.shop.example",
            "10.0.0.5",
            "[2001:DB8::5]:80",
        )
        for host in (*known, "under_score", "localhost", "127.0.0.1"):
            assert asked_for(server, host)[0] == 200, host
        for host in ("shop.example.evil.test", "ashop.example", ".shop.example.x", "10.0.0.50", "example"):
            assert asked_for(server, host)[0] == 421, host


def test_every_name_is_answered_where_that_is_asked_for():
    with serve(allow_hosts=["*"]) as server:
        assert asked_for(server, "evil.test")[0] == 200


def test_a_server_that_other_machines_reach_answers_every_name_unless_some_are_given():
    with serve(host="0.0.0.0") as server:
        assert asked_for(server, "shop.example")[0] == 200
    with serve(host="0.0.0.0", allow_hosts=["shop.example"]) as server:
        assert [asked_for(server, host)[0] for host in ("shop.example", "evil.test", "localhost")] == [200, 421, 200]


def test_an_app_knows_by_its_server_where_it_is_reached():
    async def local_only(host):
        hub = Hub()
        async with AsyncServer(make_app(hub), bind(host, 0)) as server:
            told = server.service.local_only
        hub.close()
        return told

    assert [asyncio.run(local_only(host)) for host in ("127.0.0.1", "127.0.0.2", "0.0.0.0")] == [True, True, False]


def test_a_request_names_one_host_and_only_http_1_0_may_name_none(server):
    assert raw(server, b"GET /ping HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert raw(server, b"GET /ping HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    twice = b"GET /ping HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"
    assert raw(server, twice).startswith(b"HTTP/1.1 400 ")


def test_the_answer_to_a_false_name_has_an_id_and_is_logged(server):
    status, headers, body = asked_for(server, "evil.test")
    assert (status, json.loads(body)["request_id"]) == (421, headers["X-Request-ID"])


def test_host_names_are_names_without_a_port():
    assert Settings(allow_hosts=["*", "*.a.test", "a-b.test"]).allow_hosts == ("*", "*.a.test", "a-b.test")
    for bad in ("a.test:80", "http://a.test", "a.*", "*a.test", "", "::1", "a b", "a.test/", "é.test"):
        with pytest.raises(ValueError, match=r"allow_hosts: .* is not a name such as"):
            Settings(allow_hosts=[bad])
    with pytest.raises(ValueError, match="allow_hosts must be a list of host names"):
        Settings(allow_hosts="a.test")


def test_what_is_loopback():
    assert all(is_loopback(name_in(host)) for host in LOCAL)
    assert not any(is_loopback(name_in(host)) for host in FOREIGN)
