"""The hub: one publish, many subscribers.

``publish`` comes from any thread and appends to the log (:mod:`sse_demo.hub.publisher`). What has been appended is
handed to the event loop, once for a burst, and is delivered there (:mod:`sse_demo.hub.delivery`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection

from ..errors import TopicFull
from ..logs.memory import Entry, EventLog, MemoryLog
from ..observe.metrics import Metrics
from ..wire.event import Event
from .connection import Connection
from .delivery import Delivery
from .position import Cursor
from .publisher import SNAPSHOTS, Publisher
from .settings import HubSettings
from .topics import require_topic


class Hub:
    """Topics and their subscribers. ``publish`` may be called from any thread, the rest on the event loop's."""

    def __init__(self, settings: HubSettings | None = None, log: EventLog | None = None):
        self.settings = settings or HubSettings()
        self.log = MemoryLog(self.settings) if log is None else log
        self.metrics = Metrics()
        topics = self.settings
        self._delivery = Delivery(self.log, topics, self.settings, self.metrics)
        self._publisher = Publisher(self.log, topics, self.settings, self._hand_over)
        self._publisher.know(self._delivery.snapshots.values())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        # Between the publishers' threads and the event loop:
        self._changed = threading.Condition()
        self._fresh: list[Entry] = []
        self._fresh_bytes = 0

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._delivery)

    def publish(
        self, topic: str, event: Event | str, *, key: str | None = None, idempotency_key: str | None = None
    ) -> str:
        """Append an event to a topic and have it delivered. Returns the id it was given. From any thread.

        key
            On a topic that coalesces: what the event is the newest of. Without one, of the whole topic.
        idempotency_key
            The same key again does nothing and returns the same id, so that a publisher that has not seen an answer
            can safely try again.

        On a state topic the data is the whole state, a JSON object. Where nothing has changed, nothing is sent.

        Waits as long as the log takes; in a coroutine, use :meth:`publish_async`.

        Raises ``ValueError`` for a bad topic name, an event with an id of its own (ids are the hub's; put yours
        into the data), a key without a use, a state that is none, or (:class:`IdempotencyConflict`) an idempotency key
        that was used for another event; :class:`EventTooLarge`; and :class:`LogError` where the log is full or broken.
        """
        waiting = self._publisher.submit(topic, event, key, idempotency_key)
        id = waiting.result()
        if self._is_a_crowd():
            self._wait_for_delivery()
        return id

    async def publish_async(
        self, topic: str, event: Event | str, *, key: str | None = None, idempotency_key: str | None = None
    ) -> str:
        """The same for a coroutine: the event loop goes on while a log on a disk is written."""
        return await asyncio.wrap_future(self._publisher.submit(topic, event, key, idempotency_key))

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> Cursor | None:
        """Where a subscriber of these topics starts: see :meth:`Cursor.seek`.

        To be called before the client is sent its first byte: what is published once it has seen that it is connected,
        from any thread, is then sure to come. Raises :class:`TopicFull`.
        """
        limit = self.settings.max_subscribers_per_topic
        for topic in topics:
            require_topic(topic)
            if self._delivery.followers[topic] >= limit:
                raise TopicFull(f"{topic} has {limit} subscribers, which is the limit")
        return Cursor.seek(self.log, topics, last_event_id, recent)

    def subscribe(
        self, connection: Connection, topics: Collection[str], cursor: Cursor | None, *, resumes: bool = False
    ) -> None:
        """Send these topics to the connection, from the cursor on. See :meth:`Delivery.add`."""
        if self._loop is None:
            with self._changed:
                self._loop = asyncio.get_running_loop()
                self._thread = threading.get_ident()
            self._delivery.start()
        self._deliver()  # or the cursor might lie beyond what has been delivered, and some would come twice
        self._delivery.add(connection, topics, cursor, resumes=resumes)

    def close(self) -> None:
        """Wait for the last append. The log is its owner's to close."""
        self._publisher.close()

    def _hand_over(self, entries: list[Entry]) -> None:
        """From the publisher's thread to the event loop."""
        self.metrics.published.inc(sum(entry.topic != SNAPSHOTS for entry in entries))
        with self._changed:
            if self._loop is None:  # nobody has ever subscribed; the log has it
                self._delivery.deliver(entries)
                return
            self._fresh += entries
            self._fresh_bytes += sum(len(entry.wire) for entry in entries)
            if len(self._fresh) == len(entries):  # one wake-up for a burst
                self._loop.call_soon_threadsafe(self._wake_up)

    def _wake_up(self) -> None:
        if self.settings.batch_delay:
            self._loop.call_later(self.settings.batch_delay, self._deliver)
        else:
            self._deliver()

    def _deliver(self) -> None:
        with self._changed:
            fresh, self._fresh, self._fresh_bytes = self._fresh, [], 0
            self._changed.notify_all()
        self._delivery.deliver(fresh)

    def _wait_for_delivery(self) -> None:
        """Backpressure for a publisher that is faster than the event loop."""
        if threading.get_ident() == self._thread:
            self._deliver()
        with self._changed:
            while self._is_a_crowd() and not self._loop.is_closed():
                self._changed.wait(timeout=1)

    def _is_a_crowd(self) -> bool:
        return len(self._fresh) >= self.settings.max_burst or self._fresh_bytes >= self.settings.burst_bytes
