"""The receiving side: an event stream that is reconnected and resumed, as a browser's ``EventSource`` does it.

HTML standard, sections 9.2.2 to 9.2.4. Differences, on purpose: events are iterated over instead of dispatched to
listeners, and a stream that the standard says to *fail* ends the iteration with an exception that tells why.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import CancelledError
from enum import IntEnum

import aiohttp

from .event import Event, EventTooLarge
from .parser import MAX_EVENT_SIZE, EventStreamParser

RECONNECTION_TIME = 3.0  # seconds, until the stream asks for another with `retry`
CONNECT_TIMEOUT = 30.0  # seconds
MAX_RECONNECTION_TIME = 24 * 3600.0  # seconds, however much a stream asks for
MAX_EXPLANATION = 16 * 1024  # bytes of an error answer that are read

_log = logging.getLogger("sse_demo.client")


class ReadyState(IntEnum):
    """As in the standard, 9.2.2."""

    CONNECTING = 0
    OPEN = 1
    CLOSED = 2


class EventSourceError(Exception):
    """The stream has ended for good: the answer was no event stream, or what came cannot be read."""


class EventSource:
    """An event stream, for use in a coroutine.

    >>> async with EventSource(url) as source:      # doctest: +SKIP
    ...     async for event in source:
    ...         print(event.event, event.data)

    A lost connection is made again after the reconnection time, and the server is told the last event ID, so that it
    can go on from there. The iteration ends when the server answers 204 or after :meth:`close`; it raises
    :class:`EventSourceError` when the server answers anything else than 200 with ``text/event-stream``.

    url
        Where the stream is; ``http`` or ``https``.
    last_event_id
        Resume after this event with the first connection already.
    headers
        Sent with every request, beside the standard's ``Accept`` and ``Cache-Control``.
    max_event_size
        See :class:`EventStreamParser`.
    """

    def __init__(
        self,
        url: str,
        *,
        last_event_id: str = "",
        headers: Mapping[str, str] | None = None,
        max_event_size: int = MAX_EVENT_SIZE,
    ):
        if not url.lower().startswith(("http://", "https://")):
            raise ValueError(f"an event stream has an http or https address, not {url!r}")
        self.url = url
        self.ready_state = ReadyState.CONNECTING
        self.reconnection_time = RECONNECTION_TIME  #: seconds to wait before the next connection
        self._headers = dict(headers or {})
        self._parser = EventStreamParser(last_event_id, max_event_size)
        self._events: deque[Event] = deque()
        self._failure: Exception | None = None
        self._closed = False
        self._session: aiohttp.ClientSession | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: asyncio.Timeout | None = None  # what close() ends

    @property
    def last_event_id(self) -> str:
        """What the next connection will send as ``Last-Event-ID``."""
        return self._parser.last_event_id

    def close(self) -> None:
        """End the stream, at once and from any thread or task: whoever waits for an event gets the end instead."""
        self._closed = True
        self.ready_state = ReadyState.CLOSED
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._interrupt)

    async def __aenter__(self) -> EventSource:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()
        await self._disconnect()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if not self._events or self._closed:
            self._events = await self._receive()
        if not self._events:
            raise StopAsyncIteration
        return self._events.popleft()

    async def _receive(self) -> deque[Event]:
        """Wait for the next events. None of them means that the stream has ended."""
        events: deque[Event] = deque()
        # Set before _closed is looked at, and close() does it the other way round: one of the two sees the other.
        self._loop = asyncio.get_running_loop()
        self._waiting = asyncio.timeout(None)
        try:
            async with self._waiting:
                while not events and not self._closed and self._failure is None:
                    if self._response is None:
                        await self._connect()
                    else:
                        await self._read(events)
        except TimeoutError:
            if not self._closed:
                raise
        finally:
            self._waiting = None
        if events and not self._closed:
            return events
        self.ready_state = ReadyState.CLOSED
        await self._disconnect()
        if self._failure is not None and not self._closed:
            raise self._failure
        return deque()

    def _interrupt(self) -> None:
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(self._loop.time())

    async def _connect(self) -> None:
        """One attempt: 9.2.3, "processing model"."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                skip_auto_headers=("Accept-Encoding",),  # compression would hold events back
            )
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"} | self._headers
        if self._parser.last_event_id:
            headers["Last-Event-ID"] = self._parser.last_event_id
        try:
            response = await self._session.get(self.url, headers=headers)
        except aiohttp.InvalidURL as error:
            self._failure = EventSourceError(f"{self.url} is not an address: {error}")
            return
        except (aiohttp.ClientError, OSError) as error:
            await self._wait_to_reconnect(error)
            return
        except ValueError as error:  # an ID that a stream may give, and a header may not carry
            self._failure = EventSourceError(
                f"{self.url} cannot be asked to go on after the event ID {self._parser.last_event_id!r}: {error}"
            )
            return
        if response.status == 204:
            response.close()
            self._closed = True  # the server asks for no more connections
        elif response.status != 200:
            self._failure = EventSourceError(
                f"{self.url} answered {response.status} {response.reason}, not 200{await _explanation(response)}"
            )
            response.close()
        elif response.content_type != "text/event-stream":
            response.close()
            self._failure = EventSourceError(
                f"{self.url} sends {response.content_type}, not text/event-stream: this is no event stream"
            )
        else:
            self._response = response
            self._parser = EventStreamParser(self._parser.last_event_id, self._parser.max_event_size)
            self.ready_state = ReadyState.OPEN
            _log.info("connected to %s", self.url)

    async def _read(self, events: deque[Event]) -> None:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            await self._wait_to_reconnect(error)
            return
        if not chunk:
            await self._wait_to_reconnect(None)
            return
        try:
            events += self._parser.feed(chunk)
        except EventTooLarge as error:
            events += error.events
            self._failure = EventSourceError(f"{self.url}: {error}")
        if self._parser.retry is not None:
            self.reconnection_time = min(self._parser.retry, MAX_RECONNECTION_TIME * 1000) / 1000

    async def _wait_to_reconnect(self, error: Exception | None) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
        self.ready_state = ReadyState.CONNECTING
        reason = f"{type(error).__name__}: {error}" if error else "the server ended the response"
        _log.info("no connection to %s (%s); trying again in %g s", self.url, reason, self.reconnection_time)
        await asyncio.sleep(self.reconnection_time)

    async def _disconnect(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


class Listener:
    """An event stream as a plain iterator. Made by :func:`listen`.

    It is read on an event loop in a thread of its own, so that it works in a notebook too, where the main thread's loop
    is running already, and so that :meth:`close` can end a blocked ``next()``.
    """

    def __init__(self, source: EventSource):
        self.source = source
        self._events: deque[Event] = deque()
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._closing = threading.Lock()  # what is handed to the loop is handed over before it is told to stop
        self._closed = False
        self._thread = threading.Thread(
            target=_run_until, args=(self._loop, self._stop, source), name=f"listen {source.url}", daemon=True
        )
        self._thread.start()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self.source.ready_state is ReadyState.CLOSED:
            self._events.clear()
        elif not self._events:
            self._events = self._receive()
        if not self._events:
            self.close()
            raise StopIteration
        return self._events.popleft()

    def _receive(self) -> deque[Event]:
        with self._closing:
            if self._closed:
                return deque()
            received = asyncio.run_coroutine_threadsafe(self.source._receive(), self._loop)
        try:
            return received.result()
        except CancelledError:  # close() was faster
            return deque()
        except BaseException:  # the stream has failed, or the reader was interrupted: nobody reads on
            self.close()
            raise

    def close(self) -> None:
        """End the stream, at once and from any thread; a ``next()`` that waits ends with ``StopIteration``."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self.source.close()
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

    Takes what :class:`EventSource` takes. The stream is closed when the iterator is: at the end, with
    :meth:`Listener.close`, at the end of a ``with`` block, or when nobody holds it any more, as after a ``break``.
    """
    return Listener(EventSource(url, **options))


def _run_until(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, source: EventSource) -> None:
    async def main() -> None:
        async with source:
            await stop.wait()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


async def _explanation(response: aiohttp.ClientResponse) -> str:
    """What the server says about an error, where it says it in a way that is known (RFC 9457)."""
    if response.content_type == "application/problem+json":
        with contextlib.suppress(aiohttp.ClientError, ValueError, KeyError, TypeError):
            problem = json.loads(await response.content.read(MAX_EXPLANATION))
            return f": {problem['detail']}"
    return ""
