import asyncio
import contextvars

import pytest

from sse_demo.lab.loop_thread import LoopThread

CELL = contextvars.ContextVar("CELL", default="none")


async def until_cancelled(ended):
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(CELL.get())


@pytest.fixture
def thread():
    thread = LoopThread("a test")
    yield thread
    thread.stop()
    assert not thread.is_alive()


def test_it_runs_coroutines_and_calls_functions(thread):
    async def double(number):
        return 2 * number

    called = []
    thread.call(called.append, 1)
    assert thread.submit(double(4)).result(5) == 8
    assert called == [1]


def test_it_ends_with_its_main_coroutine_and_cancels_the_others():
    ended = []

    async def main():
        other = asyncio.create_task(until_cancelled(ended))
        await asyncio.sleep(0)  # the other one begins
        assert not other.done()

    thread = LoopThread("a test", main())
    thread.join(5)
    assert not thread.is_alive()
    assert ended == ["none"]


def test_its_main_coroutine_can_clean_up_however_soon_it_is_stopped():
    for _ in range(50):
        ended = []
        LoopThread("a test", until_cancelled(ended)).stop()
        assert ended


def test_its_main_coroutine_does_not_belong_to_the_cell_that_has_started_it():
    ended = []
    token = CELL.set("a cell")
    LoopThread("a test", until_cancelled(ended)).stop()
    CELL.reset(token)
    assert ended == ["none"]


def test_it_can_be_stopped_from_its_own_loop_and_again(thread):
    thread.call(thread.stop)
    thread.join(5)
    assert not thread.is_alive()
    thread.stop()
