"""Coroutines that are run in a thread of their own."""

import asyncio
import signal
import threading

import pytest

from sse_demo.client.own_loop import new_loop, run_and_close, run_in_a_thread


async def where():
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_the_result_comes_from_a_thread_that_has_ended():
    assert run_in_a_thread(where(), "somewhere else") == "somewhere else"
    assert "somewhere else" not in [thread.name for thread in threading.enumerate()]


def test_it_works_inside_another_loop():
    async def main():
        return run_in_a_thread(where(), "inside")

    assert asyncio.run(main()) == "inside"


@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError])
def test_what_a_coroutine_raises_is_raised(error):
    async def fail():
        raise error("so it is")

    with pytest.raises(error):
        run_in_a_thread(fail(), "failing")


def test_an_interrupt_at_any_moment_leaves_no_thread_behind():
    async def interrupt_and_wait():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # the caller may still be starting the thread
        await asyncio.sleep(1)  # Python notices an interrupt late that comes just before it begins to wait

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):
                run_in_a_thread(interrupt_and_wait(), "interrupted")
            assert "interrupted" not in [thread.name for thread in threading.enumerate()]
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_is_left_on_the_loop_is_cancelled_at_the_end():
    ended = []

    async def linger():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("lingering")

    async def numbers():
        try:
            while True:
                yield 1
        finally:
            ended.append("generator")

    async def main():
        kept = numbers()
        await anext(kept)
        task = asyncio.create_task(linger())
        await asyncio.sleep(0)
        return kept, task

    loop = new_loop()
    kept, task = run_and_close(loop, main())
    assert sorted(ended) == ["generator", "lingering"]
    assert loop.is_closed()
    assert task.cancelled()
    assert kept.ag_frame is None


def test_the_loop_is_closed_after_an_error_too():
    async def fail():
        raise ValueError("so it is")

    loop = new_loop()
    with pytest.raises(ValueError, match="so it is"):
        run_and_close(loop, fail())
    assert loop.is_closed()
