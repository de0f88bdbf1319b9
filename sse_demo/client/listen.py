"""``listen()``: an event stream for code that is not asynchronous."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections import deque
from queue import SimpleQueue
from typing import Any, Generic, Literal, Self, Unpack, overload

from ..wire.event import Comment, Event, Item
from .address import Url
from .one_reader import OneReader
from .options import EventSourceOptions
from .own_loop import new_loop, next_of, run_and_close
from .ready_state import ReadyState
from .source import EventSource


class Listener(Generic[Item]):
    """An event stream as a plain iterator. Made by :func:`listen`.

    The stream is read on an event loop in a thread of its own. So it works in a notebook, too, where the main thread's
    loop is running already, and :meth:`close` can end a ``next()`` that waits.

    Attributes:
        source: The :class:`EventSource` that is read, with its ``ready_state`` and ``last_event_id``.
    """

    _is_running = False  # also where what follows fails

    def __init__(self, source: EventSource[Item]) -> None:
        self.source = source
        self._events: deque[Item] = deque()
        self._reader = OneReader()
        self._loop = new_loop()
        self._stop = asyncio.Event()
        # Nothing is handed to the loop once it has been told to stop. A signal handler may call close() in between.
        self._closing = threading.RLock()
        self._closed = False
        self._thread = threading.Thread(
            target=_run_until, args=(self._loop, self._stop, source), name=f"listen {source.shown_url}", daemon=True
        )
        self._is_running = True
        try:
            self._thread.start()
        except RuntimeError:  # the system has no thread left
            self._is_running = False
            self._loop.close()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        # Nobody reads on after close(), whatever has come.
        if self.source.ready_state is not ReadyState.CLOSED:
            try:
                return self._events.popleft()
            except IndexError:  # as fast as a look before, and safe where several threads take turns
                pass
        if not self._closed:
            with self._reader:
                if events := self._receive():
                    first = events.popleft()
                    self._events = events
                    return first
        self.close()
        raise StopIteration

    def _receive(self) -> deque[Item]:
        with self._closing:
            if self._closed:
                return deque()
            if not self._thread.is_alive():
                raise RuntimeError(
                    "this process is a fork of the one that reads the stream; listen() opens another here"
                )
            # A queue, since an interrupt may leave the lock of a Future taken, and the loop would wait for it for ever.
            received: SimpleQueue[asyncio.Task[deque[Item]]] = SimpleQueue()
            try:
                self._loop.call_soon_threadsafe(self._begin, received)
            except RuntimeError:  # a signal handler has just called close()
                return deque()
        try:
            return next_of(received).result()
        except asyncio.CancelledError:  # close() was faster
            return deque()
        except BaseException:  # the stream has failed, or the reader was interrupted: nobody reads on
            self.close()
            raise

    def _begin(self, received: SimpleQueue[asyncio.Task[deque[Item]]]) -> None:
        """On the event loop."""
        self._loop.create_task(self.source.receive()).add_done_callback(received.put)

    def restart(self) -> None:
        """As :meth:`EventSource.restart`."""
        self.source.restart()

    def close(self) -> None:
        """End the stream, at once and from any thread. A ``next()`` that waits ends with ``StopIteration``."""
        with self._closing:  # all of it each time: Ctrl-C may have interrupted the last one
            self._closed = True
            self.source.close()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if (
            self._is_running and not sys.is_finalizing()
        ):  # then the thread stands still already, and cannot be waited for
            self.close()


@overload
def listen(url: Url, *, comments: Literal[False] = False, **options: Unpack[EventSourceOptions]) -> Listener[Event]: ...
@overload
def listen(url: Url, *, comments: bool, **options: Unpack[EventSourceOptions]) -> Listener[Event | Comment]: ...
def listen(url: Url, *, comments: bool = False, **options: Unpack[EventSourceOptions]) -> Listener[Any]:
    """Iterate over the events of a stream, reconnecting and resuming, until the server says that there are no more.

    >>> for event in listen("http://127.0.0.1:8000/stream"):      # doctest: +SKIP
    ...     print(event.data)

    The stream is closed when the iterator is: at the end, with :meth:`Listener.close`, at the end of a ``with`` block,
    or when nobody holds the iterator any more, as after a ``break``.

    Args:
        url: Where the stream is; ``http`` or ``https``.
        comments: Give each :class:`Comment`, too.
        options: All others of :class:`EventSource`. Functions among them are called in the thread that reads.

    Raises:
        ValueError: An argument makes no sense.
        EventSourceError: From the iteration: see :class:`EventSource`.
        RuntimeError: From the iteration: another thread waits for the next event of the same stream.
    """
    return Listener(EventSource(url, comments=comments, **options))


def _run_until(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, source: EventSource[Any]) -> None:
    async def main() -> None:
        async with source:
            await stop.wait()

    with contextlib.suppress(SystemExit, KeyboardInterrupt):  # raised by a hook; the reader gets it, too
        run_and_close(loop, main())
