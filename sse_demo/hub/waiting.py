"""A publication on its way to the log, and how its publisher is told what has become of it.

A publisher may be interrupted anywhere, by Ctrl-C, by a signal handler or by a finalizer, and the handler may publish
itself. So no lock is held while a publisher waits: what it waits for is a lock of its own that only the teller opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import sys
import threading

from ..wire.event import Event

_logger = logging.getLogger("sse_demo.hub")


class Waiting:
    """A publication that waits for its turn, and for which nobody can wait.

    Args:
        topic: The topic's name.
        event: What is published.
        key: The key under which it is kept.
        idempotency_key: The publisher's key.
    """

    __slots__ = ("_error", "_id", "event", "idempotency_key", "is_told", "is_withdrawn", "key", "topic")

    def __init__(self, topic: str, event: Event, key: str | None, idempotency_key: str | None) -> None:
        self.topic = topic
        self.event = event
        self.key = key
        self.idempotency_key = idempotency_key
        self.is_withdrawn = False  # its publisher does not wait any more: not to be appended if it is not already
        self.is_told = False
        self._id = ""
        self._error: Exception | None = None

    @property
    def size(self) -> int:
        """The bytes that it takes while it waits."""
        texts = (self.event.data, self.event.event, self.topic, self.key or "", self.idempotency_key or "")
        return sum(map(sys.getsizeof, texts))

    def accept(self, id: str) -> None:
        """It has been kept under this id."""
        self._id = id
        self.is_told = True
        self._tell()

    def refuse(self, error: Exception) -> None:
        """It has not been kept. The error is copied: threads that raise the same one would mix up its tracebacks."""
        self._error = copy.copy(error)
        self._error.__cause__ = error.__cause__
        self.is_told = True
        self._tell()

    def outcome(self) -> str:
        """The id, once it is known. Raises the error where there was one."""
        if self._error is not None:
            raise self._error
        return self._id

    def _tell(self) -> None:
        """Nobody waits. What has become of the publication is for the log of the program."""
        if self._error is not None:
            report(_logger, f"what a finalizer has published to {self.topic} was refused", self._error)


class WaitingThread(Waiting):
    """A publication whose publisher is a thread that waits."""

    __slots__ = ("_told",)

    def __init__(self, topic: str, event: Event, key: str | None, idempotency_key: str | None) -> None:
        super().__init__(topic, event, key, idempotency_key)
        self._told = threading.Lock()
        self._told.acquire()

    def wait(self) -> str:
        """Wait for the id. Raises what has kept the publication from being kept."""
        try:
            self._told.acquire()
        except BaseException:  # Ctrl-C, or what a signal handler raises
            self.is_withdrawn = True
            raise
        return self.outcome()

    def _tell(self) -> None:
        self._told.release()


class WaitingTask(Waiting):
    """A publication whose publisher is a coroutine."""

    __slots__ = ("_future", "_loop")

    def __init__(self, topic: str, event: Event, key: str | None, idempotency_key: str | None) -> None:
        super().__init__(topic, event, key, idempotency_key)
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    async def wait(self) -> str:
        """Wait for the id. Raises what has kept the publication from being kept."""
        try:
            await self._future
        except BaseException:  # it is cancelled, or its coroutine is closed
            self.is_withdrawn = True
            raise
        return self.outcome()

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


def report(logger: logging.Logger, message: str, error: BaseException) -> None:
    """Log an error in a thread of its own.

    Who logs takes locks of others. A thread that appends must not wait for them: their owner may be publishing.
    """
    details = (type(error), error, error.__traceback__)
    threading.Thread(target=logger.error, args=(message,), kwargs={"exc_info": details}, daemon=True).start()
