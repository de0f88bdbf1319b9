"""A handler behind middleware, for the tests of the HTTP side."""

import logging

import pytest
from bearers import access, planted

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


@pytest.fixture
def guarded(caplog):
    """``guarded(access=..., **settings)`` starts a server. At its end no log has a secret, and none an error."""
    caplog.set_level(logging.DEBUG)
    planted.clear()
    servers = []

    def start(**options):
        servers.append(serve(**{"access": access(), "demo": False, **options}))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    told = [record.getMessage() for record in caplog.get_records("call")]
    assert not [text for text in told for secret in planted if secret in text]
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
