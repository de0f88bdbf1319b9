"""Messages on their way to the log, and how their publisher is told what has become of them.

A publisher may be interrupted anywhere, by Ctrl-C, by a signal handler or by a finalizer, and the handler may publish
itself. So no lock is held while a publisher waits: what it waits for is a lock of its own that only the teller opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import threading
from collections.abc import Sequence

from .messages import Message, size_of
from .report import report

_logger = logging.getLogger("sse_demo.hub")


class Waiting:
    """Messages that wait for their turn, all of them or none, and for which nobody can wait.

    Args:
        messages: What is published together.
    """

    __slots__ = ("_error", "_ids", "is_told", "is_withdrawn", "messages")

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.is_withdrawn = False  # its publisher does not wait any more: not to be appended if it is not already
        self.is_told = False
        self._ids: Sequence[str] = ()
        self._error: Exception | None = None

    @property
    def size(self) -> int:
        """The bytes that the messages take while they wait."""
        return size_of(self.messages)

    def accept(self, ids: Sequence[str]) -> None:
        """The messages have been kept under these ids."""
        self._ids = ids
        self.is_told = True
        self._tell()

    def refuse(self, error: Exception) -> None:
        """Nothing has been kept. The error is copied: threads that raise the same one would mix up its tracebacks."""
        self._error = copy.copy(error)
        self._error.__cause__ = error.__cause__
        self.is_told = True
        self._tell()

    def outcome(self) -> Sequence[str]:
        """The ids, once they are known. Raises the error where there was one."""
        if self._error is not None:
            raise self._error
        return self._ids

    def _tell(self) -> None:
        """Nobody waits. What has become of the messages is for the log of the program."""
        if self._error is not None:
            topics = ", ".join({message.topic for message in self.messages})
            report(_logger, f"what a finalizer has published to {topics} was refused", self._error)


class WaitingThread(Waiting):
    """Messages whose publisher is a thread that waits."""

    __slots__ = ("_told",)

    def __init__(self, messages: Sequence[Message]) -> None:
        super().__init__(messages)
        self._told = threading.Lock()
        self._told.acquire()

    def wait(self) -> Sequence[str]:
        """Wait for the ids. Raises what has kept the messages from being kept."""
        try:
            self._told.acquire()
        except BaseException:  # Ctrl-C, or what a signal handler raises
            self.is_withdrawn = True
            raise
        return self.outcome()

    def _tell(self) -> None:
        self._told.release()


class WaitingTask(Waiting):
    """Messages whose publisher is a coroutine."""

    __slots__ = ("_future",)

    def __init__(self, messages: Sequence[Message]) -> None:
        super().__init__(messages)
        self._future: asyncio.Future[None] | None = None  # there is none before somebody has to wait

    async def wait(self) -> Sequence[str]:
        """Wait for the ids. Raises what has kept the messages from being kept."""
        if not self.is_told:
            self._future = asyncio.get_running_loop().create_future()
            if not self.is_told:  # in this order: the teller notes first that it has told, and then looks for a future
                try:
                    await self._future
                except BaseException:  # it is cancelled, or its coroutine is closed
                    self.is_withdrawn = True
                    raise
        return self.outcome()

    def _tell(self) -> None:
        if self._future is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._future.get_loop().call_soon_threadsafe(_settle, self._future)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
