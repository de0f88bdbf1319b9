"""``listen()``: an event stream for code that is not asynchronous."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError

from ..wire.event import Comment, Event
from .source import EventSource


class Listener:
    """An event stream as a plain iterator. Made by :func:`listen`.

    It is read on an event loop in a thread of its own, so that it works in a notebook too, where the main thread's loop
    is running already, and so that :meth:`close` can end a blocked ``next()``. ``source`` is the
    :class:`EventSource` that is read there, with its ``ready_state`` and ``last_event_id``.
    """

    def __init__(self, source: EventSource):
        self.source = source
        self._events: deque[Event | Comment] = deque()
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._closing = threading.Lock()  # what is handed to the loop is handed over before it is told to stop
        self._closed = False
        self._thread = threading.Thread(
            target=_run_until, args=(self._loop, self._stop, source), name=f"listen {source.shown_url}", daemon=True
        )
        self._thread.start()

    def __iter__(self) -> Iterator[Event | Comment]:
        return self

    def __next__(self) -> Event | Comment:
        if not self._events or self.source._closed:  # nobody reads on after close(), whatever has come
            self._events = self._receive()
        if not self._events:
            self.close()
            raise StopIteration
        return self._events.popleft()

    def _receive(self) -> deque[Event | Comment]:
        with self._closing:
            if self._closed:
                return deque()
            received = asyncio.run_coroutine_threadsafe(self.source.receive(), self._loop)
        try:
            return received.result()
        except CancelledError:  # close() was faster
            return deque()
        except BaseException:  # the stream has failed, or the reader was interrupted: nobody reads on
            self.close()
            raise

    def restart(self) -> None:
        """As :meth:`EventSource.restart`."""
        self.source.restart()

    def close(self) -> None:
        """End the stream, at once and from any thread; a ``next()`` that waits ends with ``StopIteration``."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self.source.close()
                with contextlib.suppress(RuntimeError):  # a hook has ended the loop
                    self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not sys.is_finalizing():  # then the thread stands still already, and cannot be waited for
            self.close()


def listen(url: str, **options) -> Listener:
    """Iterate over the events of a stream, reconnecting and resuming, until the server says that there are no more.

    >>> for event in listen("http://127.0.0.1:8000/stream"):      # doctest: +SKIP
    ...     print(event.data)

    Takes what :class:`EventSource` takes; functions that are called on the way are called in the thread that reads. The
    stream is closed when the iterator is: at the end, with :meth:`Listener.close`, at the end of a ``with`` block, or
    when nobody holds it any more, as after a ``break``.
    """
    return Listener(EventSource(url, **options))


def _run_until(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, source: EventSource) -> None:
    async def main() -> None:
        async with source:
            await stop.wait()

    try:
        with contextlib.suppress(SystemExit, KeyboardInterrupt):  # raised by a hook; the reader gets it below
            loop.run_until_complete(main())
        loop.run_until_complete(_end_tasks())
    finally:
        # Not asyncio.Runner: that would wait for the threads that look names up, which may take half a minute.
        loop.close()


async def _end_tasks() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
