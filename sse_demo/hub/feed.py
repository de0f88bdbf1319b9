"""What a log tells a hub, on its way from the log's thread to the event loop.

Neither side holds a lock while it runs code of others: both use queues that may be used by a finalizer or a signal
handler which interrupts another use of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue

from ..logs.contract import Entry
from .delivery import Delivery
from .settings import HubSettings

LOOK_EVERY = 1.0  # seconds between two looks of a thread that waits whether the event loop is still there
PATIENCE = 10.0  # seconds to wait for an event loop that takes nothing: its own thread may be waiting for a publisher
# What a feed keeps for an event loop that stands still: events, and bytes, beyond what may wait anyway.
MOST_EVENTS, MOST_BYTES = 10_000, 64 * 1024 * 1024


class Feed:
    """Follows a log, and has the delivery told on the event loop: once for a burst, in order.

    Args:
        delivery: What is to be told.
        settings: The limits ``max_burst`` and ``burst_bytes``, and ``batch_delay``.
    """

    def __init__(self, delivery: Delivery, settings: HubSettings) -> None:
        self.log_is_reachable = True
        self._delivery = delivery
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._is_closed = False
        self._news: deque[tuple[Sequence[Entry], Callable[[], None] | None]] = deque()  # entries, and what comes then
        self._is_scheduled = False
        # Each of these is changed by one side: what the log has told, and what the event loop has taken.
        self._told = self._told_bytes = self._taken = self._taken_bytes = 0
        self._waiting: list[SimpleQueue[None]] = []  # of each thread that waits; gets an item when something was taken
        self._given_up_at = -1  # how much the event loop had taken when a thread waited for it in vain
        self._loop_is_waiting = 0

    @property
    def is_attached(self) -> bool:
        """Whether there is an event loop to tell. Without one nobody has ever subscribed, and the log has it all."""
        return self._loop is not None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the delivery on this loop from now on. To be called in its thread."""
        self._loop_thread = threading.get_ident()
        self._loop = loop

    # What the log tells, in its thread

    def appended(self, entries: Sequence[Entry]) -> None:
        """See :meth:`Follower.appended`."""
        if self._loop is None or not entries:
            return
        if (
            threading.get_ident() == self._loop_thread
            and not self._is_scheduled
            and self._delivery.passes_over(entries)
        ):
            return
        self._told_bytes += _bytes(entries)
        self._told += len(entries)
        if (
            self._told - self._taken > self._settings.max_burst + MOST_EVENTS
            or self._told_bytes - self._taken_bytes > self._settings.burst_bytes + MOST_BYTES
        ):
            self._take_back()
            self.missed(entries[-1].position)
            self._told_bytes -= _bytes(entries)
            self._told -= len(entries)
        else:
            self._tell(entries, None)

    def missed(self, up_to: int) -> None:
        """See :meth:`Follower.missed`."""
        self._tell((), partial(self._delivery.skip_to, up_to))

    def complete(self, since: float) -> None:
        """See :meth:`Follower.complete`."""
        self._tell((), partial(self._delivery.complete, since))

    def reachable(self, is_so: bool) -> None:
        """See :meth:`Follower.reachable`."""
        self.log_is_reachable = is_so

    def wait_for_delivery(self) -> None:
        """Wait while more is told than the event loop has taken. It may not wait for a loop that waits for the log."""
        if not self.is_behind:
            return
        taking: SimpleQueue[None] = SimpleQueue()
        self._waiting.append(taking)  # before the next look, or what is taken in between would not be told
        end = time.monotonic() + PATIENCE
        while self.is_behind and not self._is_hopeless() and time.monotonic() < end:
            with contextlib.suppress(Empty):
                taking.get(timeout=LOOK_EVERY)
        self._waiting.remove(taking)
        if time.monotonic() >= end:
            self._given_up_at = self._taken

    @property
    def is_behind(self) -> bool:
        """Whether more is told than the event loop is to have at a time."""
        return (
            self._told - self._taken >= self._settings.max_burst
            or self._told_bytes - self._taken_bytes >= self._settings.burst_bytes
        )

    def _is_hopeless(self) -> bool:
        if self._taken == self._given_up_at:  # the event loop still stands where it stood
            return True
        return self._is_closed or self._loop_is_waiting > 0 or self._loop is None or self._loop.is_closed()

    def _take_back(self) -> None:
        """Forget the news that the event loop has not taken: it stands still, and others go on. The log has it all."""
        with contextlib.suppress(IndexError):
            while True:
                entries, _ = self._news.popleft()
                self._told -= len(entries)
                self._told_bytes -= _bytes(entries)

    def _tell(self, entries: Sequence[Entry], action: Callable[[], None] | None) -> None:
        if self._loop is None:
            return
        self._news.append((entries, action))
        if not self._is_scheduled:
            self._is_scheduled = True
            here = threading.get_ident() == self._loop_thread
            call = self._loop.call_soon if here else self._loop.call_soon_threadsafe
            with contextlib.suppress(RuntimeError):  # the loop is closed, and with it all that it would deliver to
                call(self._wake_up, self._loop)

    # On the event loop

    def _wake_up(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._settings.batch_delay:
            loop.call_later(self._settings.batch_delay, self.deliver)
        else:
            self.deliver()

    def deliver(self) -> None:
        """Have all that was told so far delivered, in order."""
        self._delivery.in_turn(self._deliver)

    def _deliver(self) -> None:
        self._is_scheduled = False  # before anything is taken, or what comes meanwhile would wait
        burst: list[Entry] = []
        actions: list[Callable[[], None]] = []
        with contextlib.suppress(IndexError):  # there is no more
            while True:
                entries, action = self._news.popleft()
                self._taken += len(entries)
                self._taken_bytes += _bytes(entries)
                burst += entries
                if action:
                    actions += [partial(self._delivery.deliver, burst), action]
                    burst = []
        self._wake_waiting()
        for action in actions:
            action()
        self._delivery.deliver(burst)

    @contextlib.contextmanager
    def waiting_for_the_log(self) -> Iterator[None]:
        """While the event loop's own thread waits for the log, the log's thread must not wait for the event loop."""
        if threading.get_ident() != self._loop_thread:
            yield
            return
        self._loop_is_waiting += 1
        self._wake_waiting()
        try:
            yield
        finally:
            self._loop_is_waiting -= 1
        if self.is_behind and not self._delivery.is_busy:
            self.deliver()

    def close(self) -> None:
        """Nothing is to be delivered any more."""
        self._is_closed = True
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        for taking in tuple(self._waiting):
            taking.put(None)


def _bytes(entries: Sequence[Entry]) -> int:
    return sum(len(entry.wire) for entry in entries)
