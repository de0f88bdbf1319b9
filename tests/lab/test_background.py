import asyncio
import gc
import urllib.request

import pytest
from tornado.web import Application, RequestHandler

from sse_demo.lab import Background


class Hello(RequestHandler):
    def get(self):
        self.write("hello")


class Never(RequestHandler):
    async def get(self):
        await asyncio.Event().wait()


@pytest.fixture
def background():
    background = Background()
    yield background
    background.stop()


def test_it_runs_coroutines_and_gives_what_they_return_or_raise(background):
    async def halve(number):
        if number % 2:
            raise ValueError("odd")
        return number // 2

    assert background.start(halve(4)).result(5) == 2
    with pytest.raises(ValueError, match="odd"):
        background.start(halve(3)).result(5)


def test_it_keeps_a_task_that_nobody_else_holds(background):
    ended = []

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    background.start(wait())
    background.start(asyncio.sleep(0)).result(5)
    gc.collect()
    assert not ended
    background.stop()
    assert ended


def test_it_serves_an_application_until_it_is_stopped(background):
    address = background.serve(Application([("/", Hello)]))
    with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
        assert answer.read() == b"hello"
    background.stop()
    with pytest.raises(OSError, match=r"refused|actively"):
        urllib.request.urlopen(f"http://{address}/", timeout=5)


def test_it_stops_with_requests_that_wait(background, caplog):
    address = background.serve(Application([("/", Never)]))

    async def ask():
        reader, writer = await asyncio.open_connection(*address.split(":"))
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.read()
        finally:
            writer.transport.abort()

    background.start(ask())
    background.stop()
    assert not background._thread.is_alive()
    assert not caplog.records


def test_it_calls_functions_on_its_loop(background):
    called = []
    background.call(called.append, 1)
    background.wait_until(lambda: called)
    assert called == [1]


def test_waiting_has_an_end_which_says_what_was_waited_for(background):
    with pytest.raises(TimeoutError, match=r"^no twenty readers within 0.1 s$"):
        background.wait_until(lambda: False, "twenty readers", timeout=0.1)
    with pytest.raises(TimeoutError, match=r"within 0.1 s"):
        background.wait_until(lambda: False, timeout=0.1)


def test_stopped_it_says_what_to_do(background):
    background.stop()
    for start in (lambda: background.serve(Application([("/", Hello)])), lambda: background.start(asyncio.sleep(0))):
        with pytest.raises(RuntimeError, match="run the cell again that has made the Background"):
            start()


def test_stop_again_does_nothing(background):
    background.stop()
    background.stop()
    assert repr(background) == "Background()"
