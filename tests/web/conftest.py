"""A handler behind middleware, for the tests of the HTTP side."""

import pytest

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Hello(Handler):
    def get(self):
        self.write("hello")


@pytest.fixture
def serving():
    """``serving(middleware ...)`` gives the address of a handler behind them; by default it says hello."""
    servers = []

    def start(*middleware, handler=Hello, **settings):
        servers.append(serve(routes=[Route("/hello", handler, middleware)], **settings))
        return f"{servers[-1].url}/hello"

    yield start
    for server in servers:
        server.stop()
