"""A stream of one's own: from an iterator or an async generator to the one reader who has asked for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from contextlib import aclosing, suppress
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

from ...hub.connection import Connection
from ...hub.settings import HubSettings
from ...observe.metrics import Metrics
from ...wire.event import Comment, Event
from ...wire.service_events import HEARTBEAT

TURN = 0.01  # seconds for which one stream may keep the event loop, and for which an iterator is read without a pause
PULLED_BYTES = 65_536  # of items that are taken from an iterator before the first of them goes out

#: One item of a stream of one's own. Text is the data of an event.
Item: TypeAlias = Event | Comment | str
Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]

_logger = logging.getLogger("sse_demo.app")


class OwnStream:
    """Sends items to one connection, as fast as its reader takes them. For the event loop's thread.

    Args:
        connection: Where the items go. The stream ends it.
        settings: The limits ``heartbeat``, ``max_stall`` and ``max_connection_age``.
        metrics: Count the events, and the streams that are closed before their end.
    """

    def __init__(self, connection: Connection, settings: HubSettings, metrics: Metrics) -> None:
        self._connection = connection
        self._settings = settings
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._wrote_at = self._loop.time()
        self._has_room = asyncio.Event()
        self._has_room.set()

    async def send(self, items: Items) -> bool:
        """Send all items, and end the response. What gives the items is closed, whatever happens.

        Returns:
            Whether all were sent. They were not where the reader has left, or the server has closed the stream.

        Raises:
            Exception: What the iterator raises. The connection is still open.
            TypeError: An item is none.
        """
        sending = asyncio.create_task(self._send(items))
        self._connection.when_closed(lambda: _cancel(sending))
        self._watching: asyncio.Handle = self._loop.call_soon(self._watch)
        retirement = self._loop.call_later(self._settings.draw_connection_age(), self._close, "age")
        try:
            return await sending
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._connection.closed or (task is not None and task.cancelling()):
                raise
            return False
        finally:
            self._watching.cancel()
            retirement.cancel()

    async def _send(self, items: Items) -> bool:
        blocks = _encoded(items) if isinstance(items, AsyncIterable) else _from_a_thread(iter(items))
        turn_ends = 0.0
        async with aclosing(blocks):
            async for block in blocks:
                await self._has_room.wait()
                if self._connection.closed:  # an iterator may go on although it was cancelled
                    return False
                self._write(block)
                self._metrics.delivered += 1
                self._metrics.sent_bytes += len(block)
                if self._wrote_at >= turn_ends:  # others have their turn, however fast the items come
                    await asyncio.sleep(0)
                    turn_ends = self._loop.time() + TURN
        await self._has_room.wait()
        self._connection.end()
        return True

    def _write(self, block: bytes) -> None:
        self._wrote_at = self._loop.time()
        if not self._connection.write(block):
            self._has_room.clear()
            self._connection.when_drained(self._has_room.set)

    def _watch(self) -> None:
        """Write a comment where nothing has been written for a while, and close where nothing is read."""
        settings = self._settings
        now = self._loop.time()
        silent = now - self._wrote_at
        if not self._has_room.is_set() and silent >= settings.max_stall:
            self._close("stall")
            return
        if self._has_room.is_set() and silent >= settings.heartbeat:
            self._write(HEARTBEAT)
            silent = 0
        wait = min(settings.heartbeat, settings.max_stall)
        self._watching = self._loop.call_later(wait - silent if silent < wait else wait, self._watch)

    def _close(self, reason: str) -> None:
        """Break the stream off, so that its reader does not take it for complete."""
        self._metrics.closed.labels(reason).inc()
        self._connection.abort()


def _cancel(sending: asyncio.Task[bool]) -> None:
    sending.cancel()


def require_items(items: object) -> None:
    """Raise ``TypeError`` for what gives no items, before anything is sent."""
    if isinstance(items, (str, bytes, Event, Comment)) or not isinstance(items, (AsyncIterable, Iterable)):
        raise TypeError(
            f"the events must be an async generator, or an iterable such as a list, not {type(items).__name__}"
        )


def _block(item: Item) -> bytes:
    if isinstance(item, Event):
        return item.encode()
    if isinstance(item, Comment):
        return item.encode().removesuffix(b"\n")  # without the blank line, which many clients take for an event
    if isinstance(item, str):
        return Event(item).encode()
    raise TypeError(f"a stream is made of events, comments and text, not of {type(item).__name__}")


async def _encoded(items: AsyncIterable[Item]) -> AsyncGenerator[bytes, None]:
    iterator = aiter(items)
    try:
        async for item in iterator:
            yield _block(item)
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def _from_a_thread(iterator: Iterator[Item]) -> AsyncGenerator[bytes, None]:
    """Read the iterator in a thread of its own, since it may block, and close it there."""
    thread = _IteratorThread(iterator)
    try:
        end: BaseException | None = None
        while end is None:
            blocks, end = await thread.pull()
            for block in blocks:
                yield block
        if isinstance(end, StopIteration):
            return
        if isinstance(end, Exception):
            raise end
        # That it is cancelled, or to exit, would be said to the coroutine of the handler, or to the whole event loop.
        raise RuntimeError(f"the iterator has ended with {end!r}") from end
    finally:
        thread.close()


_Pulled: TypeAlias = tuple[list[bytes], BaseException | None]


class _IteratorThread:
    """Reads one iterator. The end of the process does not wait for it, since an iterator may block for ever."""

    def __init__(self, iterator: Iterator[Item]) -> None:
        self._iterator = iterator
        self._asked: SimpleQueue[asyncio.Future[_Pulled] | None] = SimpleQueue()
        Thread(target=copy_context().run, args=(self._run,), name="sse_demo iterator", daemon=True).start()

    async def pull(self) -> _Pulled:
        """The next items, see :func:`_pull`."""
        answer: asyncio.Future[_Pulled] = asyncio.get_running_loop().create_future()
        self._asked.put(answer)
        return await answer

    def close(self) -> None:
        """Close the iterator, once it has given the item that is waited for, if there is one. Does not wait."""
        self._asked.put(None)

    def _run(self) -> None:
        while (answer := self._asked.get()) is not None:
            pulled = _pull(self._iterator)
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                answer.get_loop().call_soon_threadsafe(_settle, answer, pulled)
        _close(self._iterator)


def _settle(answer: asyncio.Future[_Pulled], pulled: _Pulled) -> None:
    if not answer.done():
        answer.set_result(pulled)


def _pull(iterator: Iterator[Item]) -> _Pulled:
    """The next items as blocks, all that come within a moment; and what has ended the iterator, if it has ended."""
    blocks: list[bytes] = []
    size = 0
    pause_at = time.monotonic() + TURN
    try:
        while size < PULLED_BYTES:
            block = _block(next(iterator))
            blocks.append(block)
            size += len(block)
            if time.monotonic() >= pause_at:
                break
    except BaseException as end:
        return blocks, end
    return blocks, None


def _close(iterator: object) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        try:
            close()
        except Exception:
            _logger.exception("an iterator of events could not be closed")
