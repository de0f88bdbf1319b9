import asyncio
import contextlib
import urllib.request
from urllib.error import HTTPError

import pytest
from tornado.web import Application, RequestHandler

from sse_demo.lab import Background, BufferingProxy, arrivals
from sse_demo.lab.lessons.server.time_line import in_words

ended = []


class Numbers(RequestHandler):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        for name, value in [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")]:
            if name in self.get_query_arguments("header"):
                self.set_header(name, value)
        for number in range(3):
            self.write(f"data: {number}\n\n")
            await self.flush()
            await asyncio.sleep(0.15)


class Endless(RequestHandler):
    def on_connection_close(self):
        ended.append(self)

    async def get(self):
        self.set_header("X-Accel-Buffering", "no")
        await self.flush()
        self.write(":\n")
        await self.flush()
        await asyncio.sleep(60)


@pytest.fixture
def background():
    background = Background()
    yield background
    background.stop()


@pytest.fixture
def proxy(background):
    address = background.serve(Application([("/", Numbers), ("/endless", Endless)]))
    proxy = BufferingProxy(f"http://{address}/")
    yield proxy
    proxy.stop()


@pytest.mark.parametrize(
    ("query", "first", "second"),
    [
        ("", "3 together, late", "3 together, at once"),
        ("?header=Cache-Control", "3 together, late", "3 together, late"),
        ("?header=X-Accel-Buffering", "3 one by one", "3 together, at once"),
        ("?header=X-Accel-Buffering&header=Cache-Control", "3 one by one", "3 one by one"),
    ],
)
def test_it_collects_and_keeps_unless_it_is_told_not_to(proxy, query, first, second):
    assert [in_words(arrivals(proxy.url + query)) for _ in range(2)] == [first, second]


def test_it_passes_the_type_on(proxy):
    for _ in range(2):  # the second one is kept
        with urllib.request.urlopen(proxy.url, timeout=5) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"


def test_it_leaves_the_server_when_its_reader_leaves(proxy, background):
    ended.clear()
    with urllib.request.urlopen(f"{proxy.url}endless", timeout=5) as answer:
        assert answer.readline() == b":\n"
    background.wait_until(lambda: ended, "end of the stream")


def test_it_says_that_the_server_has_gone(proxy, background):
    background.stop()
    with pytest.raises(HTTPError, match="502"):
        urllib.request.urlopen(proxy.url, timeout=5)


def test_stopped_it_is_gone(proxy):
    assert "BufferingProxy(to port" in repr(proxy)
    proxy.stop()
    with contextlib.suppress(ConnectionResetError), pytest.raises(OSError, match=r"refused|actively"):
        urllib.request.urlopen(proxy.url, timeout=5)
