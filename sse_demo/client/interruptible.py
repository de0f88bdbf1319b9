"""A step of a coroutine that any thread or task can end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Interruptible:
    """Runs one step after the other. :meth:`interrupt` ends a step wherever it waits, and nothing else."""

    def __init__(self) -> None:
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Timeout] | None = None

    async def run(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run a step until it ends or is interrupted. What it raises is raised."""
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                self._running = asyncio.get_running_loop(), timeout
                await step()
        except TimeoutError:
            if not timeout.expired():
                raise
        finally:
            self._running = None

    def interrupt(self, is_due: Callable[[], bool]) -> None:
        """End the step that runs, if one does. From any thread.

        Args:
            is_due: Whether there is a reason for the interruption. The caller makes it true before, and a step looks
                at the reason as its first thing: so one of the two sees the other. The reason is looked at again when
                the step is ended, so that an interruption that comes late does no harm.
        """
        running = self._running
        if running is not None:
            loop, _ = running
            with contextlib.suppress(RuntimeError):  # that loop is closed: nothing runs
                loop.call_soon_threadsafe(self._end_if, is_due)

    def _end_if(self, is_due: Callable[[], bool]) -> None:
        if self._running is not None and is_due():
            loop, timeout = self._running
            if not timeout.expired():
                timeout.reschedule(loop.time())
