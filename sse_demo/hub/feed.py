"""What a log tells a hub, on its way from the log's thread to the event loop.

Neither side holds a lock while it runs code of others: both use queues that may be used by a finalizer or a signal
handler which interrupts another use of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import Empty, SimpleQueue

from ..logs.contract import Entry
from .delivery import Delivery
from .settings import HubSettings

LOOK_EVERY = 1.0  # seconds between two looks of a thread that waits whether the event loop is still there


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
        # Each of these is changed by one thread: what the log has told, and what the event loop has taken.
        self._told = self._told_bytes = self._taken = self._taken_bytes = 0
        self._is_waited_for = False
        self._taking: SimpleQueue[None] = SimpleQueue()  # has an item when the event loop has taken something
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
        if self._loop is not None and entries:
            self._told_bytes += sum(len(entry.wire) for entry in entries)
            self._told += len(entries)
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
        while self._is_behind() and not self._is_hopeless():
            self._is_waited_for = True
            if self._is_behind() and not self._is_hopeless():
                with contextlib.suppress(Empty):
                    self._taking.get(timeout=LOOK_EVERY)
        self._is_waited_for = False

    def _is_behind(self) -> bool:
        return (
            self._told - self._taken >= self._settings.max_burst
            or self._told_bytes - self._taken_bytes >= self._settings.burst_bytes
        )

    def _is_hopeless(self) -> bool:
        return self._is_closed or self._loop_is_waiting > 0 or self._loop is None or self._loop.is_closed()

    def _tell(self, entries: Sequence[Entry], action: Callable[[], None] | None) -> None:
        if self._loop is None:
            return
        self._news.append((entries, action))
        if not self._is_scheduled:
            self._is_scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop is closed, and with it all that it would deliver to
                self._loop.call_soon_threadsafe(self._wake_up, self._loop)

    # On the event loop

    def _wake_up(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._settings.batch_delay:
            loop.call_later(self._settings.batch_delay, self.deliver)
        else:
            self.deliver()

    def deliver(self) -> None:
        """Have all that was told so far delivered."""
        self._is_scheduled = False  # before anything is taken, or what comes meanwhile would wait
        burst: list[Entry] = []
        actions: list[Callable[[], None]] = []
        while self._news:
            entries, action = self._news.popleft()
            burst += entries
            if action:
                actions += [partial(self._delivery.deliver, burst), action]
                burst = []
            self._taken += len(entries)
            self._taken_bytes += sum(len(entry.wire) for entry in entries)
        if self._is_waited_for:
            self._taking.put(None)
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
        self._taking.put(None)
        try:
            yield
        finally:
            self._loop_is_waiting -= 1
        if self._is_behind() and not self._delivery.is_busy:
            self.deliver()

    def close(self) -> None:
        """Nothing is to be delivered any more."""
        self._is_closed = True
        self._taking.put(None)
