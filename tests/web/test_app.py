"""An application: the routes of the service, and one's own before them."""

import json

import pytest
from asking import answer, request

from sse_demo import Hub, Settings, serve
from sse_demo.web.app import BUILT_IN, make_app
from sse_demo.web.handlers import Handler
from sse_demo.web.limits import WebLimits
from sse_demo.web.routing import Group, Route


class Hello(Handler):
    def get(self, name="you"):
        self.write(f"hello {name}")


def test_an_app_serves_the_hub_and_has_the_limits_that_it_was_given():
    hub, settings = Hub(), Settings(max_connections=7)
    service = make_app(hub, (), settings).service
    assert service.hub is hub
    assert service.settings is settings
    assert (service.connections, service.in_progress, service.draining) == (set(), set(), False)
    assert make_app(hub).service.settings == WebLimits()


def test_routes_of_ones_own_come_first_and_share_the_middleware():
    with serve(routes=[Group("/v1", [Route("/hello/{name}", Hello)])]) as server:
        status, headers, body = answer(f"{server.url}/v1/hello/Ada%20L")
        assert (status, body) == (200, b"hello Ada L")
        assert headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/", "/ping", "/health", "/events"])
def test_a_route_of_ones_own_wins_over_one_that_is_built_in(path):
    with serve(routes=[Route(path, Hello)]) as server:
        assert request(server, "GET", path)[2] == b"hello you"
        assert request(server, "GET", "/metrics")[0] == 200


def test_two_of_ones_own_routes_are_an_error():
    for path in ("/ping", "/hello"):
        with pytest.raises(ValueError, match=f"two routes have the path {path}"):
            serve(routes=[Route(path, Hello), Route(path, Hello)])


def test_what_is_not_there_passes_the_middleware_too(server):
    status, headers, body = answer(f"{server.url}/nothing")
    assert (status, json.loads(body)["request_id"]) == (404, headers["X-Request-ID"])


def test_an_app_has_the_demo_only_where_it_is_asked_for():
    paths = [rule.matcher.regex.pattern.rstrip("$") for rule in make_app(Hub()).wildcard_router.rules]
    assert paths[:4] == [route.path for route in BUILT_IN] == ["/events", "/health", "/metrics", "/ready"]
