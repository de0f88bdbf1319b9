"""The event loop as one stream sees it: what it no longer waits for, the system is told only when it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado.ioloop import IOLoop


class LazyLoop:
    """Stands between a stream and its event loop, and keeps the stream registered as a reader.

    While a request is handled, its stream does not wait for bytes, and for the next request it does. Two calls of the
    system for each request would say so, and nearly always nothing comes in between. So the stream stays registered,
    and is taken out only when bytes come that it does not wait for: they stay in the system, and their client waits.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: IOLoop) -> None:
        self._loop = loop
        self._handle: Callable[[int, int], None] = _nothing
        self._wanted = self._registered = IOLoop.NONE

    def __getattr__(self, name: str) -> Any:
        """All that is not about what the stream waits for."""
        return getattr(self._loop, name)

    def add_handler(self, fd: int, handler: Callable[[int, int], None], events: int) -> None:
        """See :meth:`tornado.ioloop.IOLoop.add_handler`."""
        self._handle = handler
        self._wanted = self._registered = events
        self._loop.add_handler(fd, self._pass_on, events)

    def update_handler(self, fd: int, events: int) -> None:
        """See :meth:`tornado.ioloop.IOLoop.update_handler`."""
        self._wanted = events
        if events | IOLoop.READ != self._registered:
            self._register(fd, events)

    def remove_handler(self, fd: int) -> None:
        """See :meth:`tornado.ioloop.IOLoop.remove_handler`."""
        self._handle = _nothing
        self._loop.remove_handler(fd)

    def _register(self, fd: int, events: int) -> None:
        self._registered = events
        self._loop.update_handler(fd, events)

    def _pass_on(self, fd: int, events: int) -> None:
        if events & IOLoop.READ & ~self._wanted:
            self._register(fd, self._wanted)
            events &= ~IOLoop.READ
        if events:
            self._handle(fd, events)


def _nothing(fd: int, events: int) -> None:
    """The stream has ended."""
