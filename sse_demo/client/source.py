"""The receiving side: an event stream that is reconnected and resumed, as a browser's ``EventSource`` does it.

HTML standard, sections 9.2.2 to 9.2.4. Differences, on purpose: events are iterated over instead of dispatched to
listeners, and a stream that the standard says to *fail* ends the iteration with an exception that tells why.
What scripts need beyond the standard is off until it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Container, Mapping
from functools import partial
from typing import Any, Generic, Literal, Self, Unpack, overload

from ..errors import EventSourceError
from ..wire.event import Comment, Event, Item
from ..wire.parser import MAX_EVENT_SIZE, EventStreamParser
from .address import Url, shown
from .connections import Lost, Refused
from .interruptible import Interruptible
from .one_reader import OneReader
from .options import EventSourceOptions, require_options
from .ready_state import ReadyState, StateChange
from .reconnection import CONSTANT, MAX_RECONNECTION_TIME, RECONNECTION_TIME, Backoff, Pace
from .request import NoMore, StreamRequest
from .stream import Stream

CONNECT_TIMEOUT = 30.0  # seconds
STABLE_AFTER = 60.0  # seconds that a connection has to last to count as a success without an event

_logger = logging.getLogger("sse_demo.client")


class EventSource(Generic[Item]):
    """An event stream, for use in a coroutine.

    >>> async with EventSource(url) as source:      # doctest: +SKIP
    ...     async for event in source:
    ...         print(event.event, event.data)

    A lost connection is made again after the reconnection time, and the server is told the last event ID, so that it
    can go on from there. The iteration ends when the server answers 204 or after :meth:`close`. All times are in
    seconds. With ``comments``, type checkers see an ``EventSource[Event | Comment]``.

    Args:
        url: Where the stream is, sent byte for byte; ``http`` or ``https``. Redirects are followed, each time anew.
        last_event_id: Resume after this event with the first connection already.
        method: Of each request.
        body: Of each request: bytes, or text that is sent as UTF-8.
        headers: Sent with every request to the same origin, beside the standard's ``Accept`` and ``Cache-Control``.
        before_connect: Called before each request; returns more headers, such as an ``Authorization`` or a ``Cookie``
            that has been renewed. A coroutine function, or a plain one, which is run in a thread, so that it may block.
            Called again, once, where the server answers 401. An ``OSError`` from it is a try that has failed; any other
            exception ends the stream.
        tls: A context for ``https``, where the system's authorities are not the right ones.
        proxy: The address of an http or https proxy, with a user and a password if it has them; or ``"environment"``
            for ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, which are for other machines only.
        comments: Also give each comment, as a :class:`Comment`, as soon as its line is complete.
        max_event_size: See :class:`EventStreamParser`.
        connect_timeout: How long a connection may take to be made, and the head of an answer from its first byte on.
        read_timeout: Silence that is a lost connection; longer than the server's heartbeat. ``None`` waits for ever.
        retry_on: Statuses that are tried again instead of ending the stream, such as ``TRANSIENT_STATUSES``. A
            ``Retry-After`` in the answer is respected.
        backoff: How the waits grow; by default the wait is the reconnection time, each time.
        max_tries: How many tries may fail in a row before the stream ends with an error. ``None`` never gives up.
        reconnect: ``False`` is one request and the stream that answers it, as for a POST that must not be repeated. The
            iteration ends where the server ends the stream in order; a connection that breaks off is an error.
        on_state_change: Called when the state changes and when a try has failed, where the stream is read or, for
            :meth:`close`, where that is called. It must not block. What it raises is raised there.

    Attributes:
        url: As given.
        reconnection_time: Seconds to wait for the next try, until the stream asks for another time with ``retry``.
        tries: How many tries there have been in a row, since a connection has last brought something.

    Raises:
        ValueError: An argument makes no sense.
        EventSourceError: From the iteration: the answer is no event stream, or larger than a limit; ``max_tries`` have
            failed; or the connection has broken off, where ``reconnect`` is off.
        RuntimeError: From the iteration: somebody else waits for the next event of the same stream.
    """

    @overload
    def __init__(
        self: EventSource[Event], url: Url, *, comments: Literal[False] = False, **options: Unpack[EventSourceOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: EventSource[Event | Comment], url: Url, *, comments: bool, **options: Unpack[EventSourceOptions]
    ) -> None: ...
    def __init__(
        self,
        url: Url,
        *,
        last_event_id: str = "",
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        before_connect: Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]] | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        comments: bool = False,
        max_event_size: int = MAX_EVENT_SIZE,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float | None = None,
        retry_on: Container[int] = (),
        backoff: Backoff = CONSTANT,
        max_tries: int | None = None,
        reconnect: bool = True,
        on_state_change: Callable[[StateChange], object] | None = None,
    ) -> None:
        require_options(url, proxy, max_tries, retry_on, connect_timeout=connect_timeout, read_timeout=read_timeout)
        self.url = url
        self.reconnection_time = RECONNECTION_TIME
        self.tries = 0
        self._request = StreamRequest(
            url=url, method=method, body=body, headers=headers or {}, before_connect=before_connect, tls=tls,
            proxy=proxy, connect_timeout=connect_timeout, read_timeout=read_timeout, retry_on=retry_on,
        )  # fmt: skip
        self._comments = comments
        self._parser: EventStreamParser[Any] = EventStreamParser(last_event_id, max_event_size, comments=comments)
        self._backoff = backoff
        self._max_tries = max_tries
        self._reconnect = reconnect
        self._on_state_change = on_state_change
        self._events: deque[Item] = deque()
        self._state = ReadyState.CONNECTING
        self._failure: EventSourceError | None = None
        self._closed = False
        self._restarting = False
        self._stream: Stream | None = None
        self._connect_at = 0.0  # on the monotonic clock
        self._pace = Pace()
        self._step = Interruptible()
        self._reader = OneReader()

    @property
    def ready_state(self) -> ReadyState:
        """As in the standard: connecting, open, closed."""
        return ReadyState.CLOSED if self._closed else self._state

    @property
    def last_event_id(self) -> str:
        """The id that the next connection will send as ``Last-Event-ID``."""
        return self._parser.last_event_id

    @property
    def shown_url(self) -> str:
        """The address as it may be shown and logged: without the user and the password, if it has them."""
        return shown(self.url)

    def close(self) -> None:
        """End the stream, at once and from any thread or task. A reader that waits gets the end instead of an event."""
        told = self.ready_state is ReadyState.CLOSED
        self._closed = True
        if not told:
            self._change(ReadyState.CLOSED, "close() was called")
        self._step.interrupt(lambda: self._closed)

    def restart(self) -> None:
        """Connect again, at once and from any thread or task, and go on after the last event that has come.

        A wait for the next try ends, too. Events that have come and have not been read yet are kept. A stream that is
        closed stays closed.

        Raises:
            RuntimeError: The stream has ``reconnect=False``.
        """
        if not self._reconnect:
            raise RuntimeError("a stream with reconnect=False is one request, which is not made again")
        self._restarting = True
        self._step.interrupt(lambda: self._restarting)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()
        await self._disconnect()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if not self._events or self._closed:
            self._events = await self.receive()
        if not self._events:
            raise StopAsyncIteration
        return self._events.popleft()

    async def receive(self) -> deque[Item]:
        """Wait for the next events, and return all that have come together; none once the stream has ended.

        Raises:
            EventSourceError: The stream has failed.
            RuntimeError: Somebody else is waiting for events of this stream, and goes on.
        """
        events: deque[Item] = deque()
        if not self._closed:
            with self._reader:
                while not (events or self._closed or self._failure):
                    await self._step.run(partial(self._advance, events))
        if events and not self._closed:
            return events
        await self._disconnect()
        if self._failure is not None and not self._closed:
            if self._state is not ReadyState.CLOSED:
                self._change(ReadyState.CLOSED, str(self._failure), error=self._failure)
            raise self._failure
        return deque()

    async def _advance(self, events: deque[Item]) -> None:
        """One step: wait for the next try, connect, or read."""
        if self._restarting:
            self._restarting = False
            self._drop_connection("restart() was called")
        if self._closed:
            return
        try:
            if self._stream is not None:
                await self._read(self._stream, events)
            elif (wait := self._connect_at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            else:
                await self._connect()
        except Lost as loss:
            self._lose_connection(loss)
        except Refused as refusal:
            self._fail(str(refusal), refusal.status, refusal.__cause__)
        except NoMore as end:
            self._end(str(end))

    async def _connect(self) -> None:
        """One try: 9.2.3, "processing model"."""
        self.tries += 1
        self._pace.begin(time.monotonic())
        self._stream = Stream(await self._request.open(self._parser.last_event_id))
        self._parser = EventStreamParser(self.last_event_id, self._parser.max_event_size, comments=self._comments)
        self._change(ReadyState.OPEN, "connected")

    async def _read(self, stream: Stream, events: deque[Item]) -> None:
        try:
            await stream.read(self._parser, events)
        finally:
            if events:
                self.tries = 0
            if self._parser.retry is not None:
                self.reconnection_time = min(self._parser.retry, MAX_RECONNECTION_TIME * 1000) / 1000

    def _lose_connection(self, loss: Lost) -> None:
        least = self._pace.end(time.monotonic())
        if self._stream is not None and self._stream.age > STABLE_AFTER:
            self.tries = 0
        if not self._reconnect:
            if self._stream is not None and loss.error is None:
                self._end(str(loss))
            else:
                self._fail(f"was lost, and reconnect is off: {loss}", loss.status, loss.error)
        elif self._max_tries is not None and self.tries >= self._max_tries:
            self._fail(f"was given up, {loss}", loss.status, loss.error)
        else:
            wait = max(loss.wait, least, self._backoff.wait(self.reconnection_time, self.tries))
            self._drop_connection(str(loss), wait, loss.error)

    def _end(self, why: str) -> None:
        self._closed = True
        self._change(ReadyState.CLOSED, why)

    def _drop_connection(self, reason: str, wait: float = 0.0, error: Exception | None = None) -> None:
        self._abort()
        self._connect_at = time.monotonic() + wait
        self._change(ReadyState.CONNECTING, reason, wait, error)

    def _fail(self, what: str, status: int | None, cause: BaseException | None) -> None:
        message = f"{self.shown_url} {what}" + (f" (try {self.tries})" if self.tries else "")
        self._failure = EventSourceError(message, self.shown_url, self.tries, status)
        self._failure.__cause__ = cause

    def _change(self, state: ReadyState, reason: str, wait: float = 0.0, error: Exception | None = None) -> None:
        if self._closed and state is not ReadyState.CLOSED:
            return  # another thread was faster
        self._state = state
        again = f"; trying again in {wait:.3g} s" if state is ReadyState.CONNECTING else ""
        _logger.info("%s is %s: %s%s", self.shown_url, state.name.lower(), reason, again)
        if self._on_state_change is not None:
            self._on_state_change(StateChange(state, reason, self.tries, wait, error))

    def _abort(self) -> None:
        if self._stream is not None:
            self._stream.abort()
            self._stream = None

    async def _disconnect(self) -> None:
        self._abort()
        await self._request.close()
