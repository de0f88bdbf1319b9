"""Long texts are read in their turn."""

import asyncio
import threading
import time
from itertools import pairwise

import pytest

from sse_demo.errors import Overloaded
from sse_demo.web.aside import READ_ASIDE_FROM, Aside

LONG = "x" * READ_ASIDE_FROM


def test_a_short_text_is_read_at_once_and_a_long_one_in_a_thread():
    async def check():
        aside = Aside(10**6)
        here = threading.current_thread()
        assert await aside.read("x", lambda text: (text, threading.current_thread())) == ("x", here)
        text, there = await aside.read(LONG, lambda text: (text, threading.current_thread()))
        assert (text, there is here) == (LONG, False)

    asyncio.run(check())


def test_one_is_read_after_the_other_and_the_event_loop_has_as_long_for_itself():
    spans = []

    def read(text, number):
        began = time.monotonic()
        time.sleep(0.03)
        spans.append((began, time.monotonic()))
        return number

    async def check():
        aside = Aside(10**6)
        assert await asyncio.gather(*(aside.read(LONG, read, number) for number in range(4))) == [0, 1, 2, 3]

    asyncio.run(check())
    for (_, end), (began, _) in pairwise(spans):
        assert began - end >= 0.025


def test_so_many_characters_may_wait_and_one_text_always_may():
    async def check():
        aside, go_on = Aside(2.5 * READ_ASIDE_FROM), threading.Event()
        reading = [asyncio.create_task(aside.read(LONG, lambda text: go_on.wait(10))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="131,072 characters"):
            await aside.read(LONG, len)
        go_on.set()
        assert await asyncio.gather(*reading) == [True, True]
        assert await aside.read(LONG * 10, len) == 10 * READ_ASIDE_FROM

    asyncio.run(check())


def test_what_fails_or_is_given_up_makes_room():
    async def check():
        aside, go_on = Aside(READ_ASIDE_FROM), threading.Event()
        with pytest.raises(ZeroDivisionError):
            await aside.read(LONG, lambda text: 1 / 0)
        reading = asyncio.create_task(aside.read(LONG, lambda text: go_on.wait(10)))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        go_on.set()
        assert await asyncio.wait_for(aside.read(LONG, len), 5) == READ_ASIDE_FROM

    asyncio.run(check())
