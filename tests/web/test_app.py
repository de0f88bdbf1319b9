import urllib.error
import urllib.request

import pytest

from sse_demo import Hub, serve
from sse_demo.web.app import make_app
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Group, Route


def test_an_app_serves_the_hub_it_was_given():
    hub = Hub()
    app = make_app(hub)
    assert app.settings["hub"] is hub
    assert app.settings["connections"] == set()
    assert b"<!doctype html>" in app.settings["page"]


class Hello(Handler):
    def get(self, name):
        self.write(f"hello {name}")


def test_routes_of_ones_own_come_first_and_share_the_middleware():
    with serve(routes=[Group("/v1", [Route("/hello/{name}", Hello)]), Route("/hello", Hello)]) as server:
        with urllib.request.urlopen(f"{server.url}/v1/hello/Ada%20L") as answer:
            assert answer.read() == b"hello Ada L"
            assert answer.headers["X-Request-ID"]
        with pytest.raises(urllib.error.HTTPError) as error:  # it has no name to give
            urllib.request.urlopen(f"{server.url}/hello")
        assert error.value.code == 500
        error.value.close()


def test_an_address_that_is_taken_is_told_to_who_starts_the_server():
    with pytest.raises(ValueError, match="two routes have the path /ping"):
        serve(routes=[Route("/ping", Hello)])


def test_what_is_not_there_passes_the_middleware_too(server):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{server.url}/nothing")
    assert error.value.headers["X-Request-ID"]
    error.value.close()
