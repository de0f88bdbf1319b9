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
from typing import Any, Generic, Literal, NamedTuple, Self, Unpack, cast, overload

import aiohttp

from ..errors import EventSourceError, EventTooLarge
from ..wire.event import Comment, Event, Item
from ..wire.parser import MAX_EVENT_SIZE, EventStreamParser
from .address import shown
from .connections import Lost, Refused, abort, lost
from .interruptible import Interruptible
from .options import EventSourceOptions, require_options
from .ready_state import ReadyState, StateChange
from .reconnection import CONSTANT, MAX_RECONNECTION_TIME, RECONNECTION_TIME, Backoff
from .request import NoMore, StreamRequest

CONNECT_TIMEOUT = 30.0  # seconds
STABLE_AFTER = 60.0  # seconds that a connection has to last to count as a success without an event

_logger = logging.getLogger("sse_demo.client")


class _Connection(NamedTuple):
    """An open stream, and since when it is open, on the monotonic clock."""

    response: aiohttp.ClientResponse
    opened_at: float


class EventSource(Generic[Item]):
    """An event stream, for use in a coroutine.

    >>> async with EventSource(url) as source:      # doctest: +SKIP
    ...     async for event in source:
    ...         print(event.event, event.data)

    A lost connection is made again after the reconnection time, and the server is told the last event ID, so that it
    can go on from there. The iteration ends when the server answers 204 or after :meth:`close`. All times are in
    seconds. With ``comments``, type checkers see an ``EventSource[Event | Comment]``.

    Args:
        url: Where the stream is; ``http`` or ``https``. Redirects are followed, each time anew.
        last_event_id: Resume after this event with the first connection already.
        method: Of each request.
        body: Of each request: bytes, or text that is sent as UTF-8.
        headers: Sent with every request, beside the standard's ``Accept`` and ``Cache-Control``.
        before_connect: Called before each request; returns more headers, such as an ``Authorization`` or a ``Cookie``
            that has been renewed. A coroutine function, or a plain one, which is run in a thread, so that it may block.
            An ``OSError`` from it is a try that has failed; any other exception ends the stream.
        tls: A context for ``https``, where the system's authorities are not the right ones.
        comments: Also give each comment, as a :class:`Comment`, as soon as its line is complete.
        max_event_size: See :class:`EventStreamParser`.
        connect_timeout: How long a connection may take to be made.
        read_timeout: Silence that counts as a lost connection. Longer than the server's heartbeat; ``None`` waits for
            ever.
        retry_on: Statuses that are tried again instead of ending the stream, such as ``TRANSIENT_STATUSES``. A
            ``Retry-After`` in the answer is respected.
        backoff: How the waits grow; by default the wait is the reconnection time, each time.
        max_tries: How many tries may fail in a row before the stream ends with an error. ``None`` never gives up.
        on_state_change: Called when the state changes and when a try has failed, where the stream is read or, for
            :meth:`close`, where that is called. It must not block. What it raises is raised there.

    Attributes:
        url: As given.
        reconnection_time: Seconds to wait for the next try, until the stream asks for another time with ``retry``.
        tries: How many tries there have been in a row, since a connection has last brought something.

    Raises:
        ValueError: An argument makes no sense.
        EventSourceError: From the iteration: the server has answered anything else than 200 with
            ``text/event-stream``, or redirects for ever; ``max_tries`` have failed; or an event is too large.
    """

    @overload
    def __init__(
        self: EventSource[Event], url: str, *, comments: Literal[False] = False, **options: Unpack[EventSourceOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: EventSource[Event | Comment], url: str, *, comments: bool, **options: Unpack[EventSourceOptions]
    ) -> None: ...
    def __init__(
        self,
        url: str,
        *,
        last_event_id: str = "",
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        before_connect: Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]] | None = None,
        tls: ssl.SSLContext | None = None,
        comments: bool = False,
        max_event_size: int = MAX_EVENT_SIZE,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float | None = None,
        retry_on: Container[int] = (),
        backoff: Backoff = CONSTANT,
        max_tries: int | None = None,
        on_state_change: Callable[[StateChange], object] | None = None,
    ) -> None:
        require_options(url, max_tries, retry_on, connect_timeout=connect_timeout, read_timeout=read_timeout)
        self.url = url
        self.reconnection_time = RECONNECTION_TIME
        self.tries = 0
        self._request = StreamRequest(
            url=url,
            method=method,
            body=body,
            headers=headers or {},
            before_connect=before_connect,
            tls=tls,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retry_on=retry_on,
        )
        self._max_event_size = max_event_size
        self._comments = comments
        self._parser: EventStreamParser[Item] = self._new_parser(last_event_id)
        self._backoff = backoff
        self._max_tries = max_tries
        self._on_state_change = on_state_change
        self._events: deque[Item] = deque()
        self._state = ReadyState.CONNECTING
        self._failure: EventSourceError | None = None
        self._closed = False
        self._restarting = False
        self._connection: _Connection | None = None
        self._connect_at = 0.0  # on the monotonic clock
        self._step = Interruptible()

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
        """
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
        """
        events: deque[Item] = deque()
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
            if self._connection is not None:
                await self._read(self._connection.response, events)
            elif (wait := self._connect_at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            else:
                await self._connect()
        except Lost as loss:
            self._lose_connection(loss)
        except Refused as refusal:
            self._fail(str(refusal), refusal.status, refusal.__cause__)
        except NoMore as end:
            self._closed = True
            self._change(ReadyState.CLOSED, str(end))

    def _new_parser(self, last_event_id: str) -> EventStreamParser[Any]:
        return EventStreamParser(last_event_id, self._max_event_size, comments=self._comments)

    async def _connect(self) -> None:
        """One try: 9.2.3, "processing model"."""
        self.tries += 1
        response = await self._request.open(self._parser.last_event_id)
        self._connection = _Connection(response, opened_at=time.monotonic())
        self._parser = self._new_parser(self._parser.last_event_id)
        self._change(ReadyState.OPEN, "connected")

    async def _read(self, response: aiohttp.ClientResponse, events: deque[Item]) -> None:
        try:
            chunk = await response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error) from error
        if not chunk:
            raise Lost("the server ended the response")
        try:
            events += self._parser.feed(chunk)
        except EventTooLarge as error:
            events += cast("list[Item]", error.events)
            raise Refused(f"cannot be read: {error}") from error
        finally:
            if events:
                self.tries = 0
            if self._parser.retry is not None:
                self.reconnection_time = min(self._parser.retry, MAX_RECONNECTION_TIME * 1000) / 1000

    def _lose_connection(self, loss: Lost) -> None:
        if self._connection is not None and time.monotonic() - self._connection.opened_at > STABLE_AFTER:
            self.tries = 0
        if self._max_tries is not None and self.tries >= self._max_tries:
            self._fail(f"was given up, {loss}", loss.status, loss.error)
        else:
            wait = max(loss.wait, self._backoff.wait(self.reconnection_time, self.tries))
            self._drop_connection(str(loss), wait, loss.error)

    def _drop_connection(self, reason: str, wait: float = 0.0, error: Exception | None = None) -> None:
        self._abort()
        self._connect_at = time.monotonic() + wait
        self._change(ReadyState.CONNECTING, reason, wait, error)

    def _fail(self, what: str, status: int | None, cause: BaseException | None) -> None:
        message = f"{self.shown_url} {what} (try {self.tries})"
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
        if self._connection is not None:
            abort(self._connection.response)
            self._connection = None

    async def _disconnect(self) -> None:
        self._abort()
        await self._request.close()
