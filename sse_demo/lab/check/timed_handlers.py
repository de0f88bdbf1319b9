"""Handlers whose time a learner's middleware is to tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator

from ...web.handlers import Handler, problem

SLOW = 0.2  # seconds
LATER = 0.1  # seconds from the first of two requests to the second


class Quick(Handler):
    """Answers at once."""

    def get(self) -> None:
        self.write("ok")


class Slow(Handler):
    """Says itself how many milliseconds it took, in one more header."""

    async def get(self) -> None:
        start = time.perf_counter()
        await self.work()
        self.set_header("Took", str((time.perf_counter() - start) * 1000))

    async def work(self) -> None:
        await asyncio.sleep(SLOW)


class Meeting:
    """A handler for two requests, each of which goes on for a while when both have come.

    Args:
        pauses: How many seconds the first one goes on, and the second one.

    Attributes:
        handler: The handler.
        here: The requests that have come.
        least: How many seconds each takes at least, where the second one comes ``LATER`` seconds after the first.
    """

    def __init__(self, *pauses: float) -> None:
        self.here: list[Slow] = []
        self.least = [LATER + pauses[0], *pauses[1:]]
        both, here = asyncio.Event(), self.here

        class InMeeting(Slow):
            async def work(self) -> None:
                here.append(self)
                pause = pauses[len(here) - 1] if len(here) <= len(pauses) else 0
                if len(here) == len(pauses):
                    both.set()
                await both.wait()
                await asyncio.sleep(pause)

        self.handler = InMeeting


class Stream(Handler):
    """Answers with two events."""

    async def get(self) -> None:
        await self.send_events(["one", "two"])


class Failing(Handler):
    """Answers with an exception, and so with 500."""

    def get(self) -> None:
        raise ValueError("a handler of the check fails")


def closed(handler: Handler) -> Generator[None, None, None]:
    """Refuses every request."""
    raise problem(403, "closed")
    yield
