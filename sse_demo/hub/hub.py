"""The hub: one publish, many subscribers.

``publish`` comes from any thread and is appended to the log by a thread for that (:mod:`sse_demo.hub.publisher`).
The log tells what it has kept, whoever has appended it (:mod:`sse_demo.hub.feed`), and that is delivered on the event
loop (:mod:`sse_demo.hub.delivery`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from ..errors import TopicFull
from ..logs.contract import EventLog
from ..logs.memory import MemoryLog
from ..observe.metrics import Metrics
from ..wire.event import Event
from .connection import Connection
from .delivery import Delivery
from .feed import Feed
from .messages import Message
from .position import Cursor
from .publisher import Publisher, is_log_thread
from .settings import HubSettings
from .topics import require_topic
from .waiting import Waiting, WaitingTask, WaitingThread


class Hub:
    """Topics and their subscribers. ``publish`` may be called from any thread, the rest on the event loop's.

    Args:
        settings: The limits, and the kinds of topics.
        log: Where the events are kept; its owner closes it. Without one they are kept in memory.
    """

    def __init__(self, settings: HubSettings | None = None, log: EventLog | None = None) -> None:
        self.settings = HubSettings() if settings is None else settings
        self.log: EventLog = MemoryLog(self.settings) if log is None else log
        self.metrics = Metrics()
        self._delivery = Delivery(self.log, self.settings, self.metrics)
        self._feed = Feed(self._delivery, self.settings)
        # States are compared by a thread of their own, so that large ones do not keep the other topics waiting.
        self._publishers = [
            Publisher(self.log, self.settings, self._feed.wait_for_delivery)
            for _ in range(2 if self.settings.state else 1)
        ]
        self.log.follow(self._feed)
        self.metrics.counter(
            "sse_published", "Events published", lambda: sum(publisher.published for publisher in self._publishers)
        )
        self.metrics.counter(
            "sse_dropped", "Events that had to make room before they were too old", lambda: dict(self.log.dropped)
        )

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return self._delivery.subscribers

    @property
    def lagging(self) -> int:
        """How many of them lag behind."""
        return self._delivery.lagging

    def topics_of(self, connection: Connection) -> tuple[str, ...]:
        """What a connection follows; nothing where it is no subscriber's."""
        return self._delivery.topics_of(connection)

    def lag_of(self, connection: Connection) -> float:
        """Seconds for which a subscriber has lagged; 0 where it has caught up."""
        return self._delivery.lag_of(connection)

    @property
    def log_is_reachable(self) -> bool:
        """Whether the log can take events."""
        return self._feed.log_is_reachable

    @property
    def is_running(self) -> bool:
        """Whether something can be published: neither is the hub closed, nor is this process a fork of its own."""
        return self._publishers[0].is_running

    def publish(
        self, topic: str, event: Event | str, *, key: str | None = None, idempotency_key: str | None = None
    ) -> str:
        """Append an event to a topic and have it delivered. From any thread.

        It waits as long as the log takes; in a coroutine, use :meth:`publish_async`. On a state topic the data is the
        whole state, a JSON object. Where nothing has changed, nothing is sent.

        Args:
            topic: The topic's name.
            event: What is published. Ids are the hub's; put one of your own into the data.
            key: On a coalescing topic: a newer event with the same key replaces this one. By default the whole topic
                has one key.
            idempotency_key: The same key again does nothing and returns the same id, so that a publisher that has not
                seen an answer can safely try again.

        Returns:
            The id that the event was given. It is empty where a finalizer publishes that Python happens to run in a
            thread that appends: nobody can wait there.

        Raises:
            InvalidInput: A bad topic name, an event with an id, a key without a use, a state that is none.
            EventTooLarge: The event has more than ``max_event_size`` bytes.
            IdempotencyConflict: The idempotency key was used for another event.
            Overloaded: More publications wait than may wait.
            LogError: The log is full or broken.
            ServerStopped: The hub is closed, or it belongs to the process of which this one is a fork.
        """
        ids = self.publish_many([_message(topic, event, key, idempotency_key)])
        return ids[0] if ids else ""

    async def publish_async(
        self, topic: str, event: Event | str, *, key: str | None = None, idempotency_key: str | None = None
    ) -> str:
        """The same as :meth:`publish` for a coroutine: the event loop goes on while the log is written.

        What is cancelled before its turn is not published.
        """
        return (await self.publish_many_async([_message(topic, event, key, idempotency_key)]))[0]

    def publish_many(self, messages: Sequence[Message]) -> Sequence[str]:
        """Append several events together, all of them or none, and have them delivered. From any thread.

        Args:
            messages: What is published: topic, event, key and idempotency key of each, as for :meth:`publish`. One
                state may be among them only once.

        Returns:
            The ids, in the order of the messages. There are none where a finalizer publishes in a thread that appends.

        Raises:
            Rejected: Some of the messages are wrong. ``causes`` tells which, and the error of each. For a single
                message its own error is raised.
            Overloaded, LogError, ServerStopped: As :meth:`publish` does.
        """
        if is_log_thread():
            self._publisher_of(messages).submit(Waiting(messages))
            return ()
        waiting = WaitingThread(messages)
        self._publisher_of(messages).submit(waiting)
        with self._feed.waiting_for_the_log():
            return waiting.wait()

    async def publish_many_async(self, messages: Sequence[Message]) -> Sequence[str]:
        """The same as :meth:`publish_many` for a coroutine. What is cancelled before its turn is not published."""
        publisher = self._publisher_of(messages)
        # The second publisher has the states: comparing them would take the event loop's time.
        if publisher is self._publishers[0] and not self._feed.is_behind:
            ids = publisher.append_here(messages)
            if ids is not None:
                return ids
        waiting = WaitingTask(messages)
        publisher.submit(waiting)
        return await waiting.wait()

    def _publisher_of(self, messages: Sequence[Message]) -> Publisher:
        if not self.settings.state:
            return self._publishers[0]
        for message in messages:
            require_topic(message.topic)
        return self._publishers[any(self.settings.is_state(message.topic) for message in messages)]

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> Cursor | None:
        """Where a subscriber of these topics starts: see :meth:`Cursor.seek`.

        To be called before the client is sent its first byte: what is published once it has seen that it is connected,
        from any thread, is then sure to come.

        Raises:
            InvalidInput: A bad topic name.
            TopicFull: A topic has as many subscribers as it may have.
        """
        limit = self.settings.max_subscribers_per_topic
        for topic in topics:
            require_topic(topic)
            if self._delivery.followers(topic) >= limit:
                raise TopicFull(f"{topic} has {limit} subscribers, which is the limit")
        return self._delivery.seek(topics, last_event_id, recent)

    def subscribe(
        self, connection: Connection, topics: Collection[str], cursor: Cursor | None, *, resumes: bool = False
    ) -> None:
        """Send these topics to the connection, from the cursor on. See :meth:`Delivery.add`."""
        if not self._feed.is_attached:
            self._feed.attach(asyncio.get_running_loop())
            self._delivery.start(self.log.seek(()) or 0)
        self._feed.deliver()  # or the subscriber would be held where its cursor is ahead of what has been delivered
        self._delivery.add(connection, topics, cursor, resumes=resumes)

    def close(self) -> None:
        """Append what waits, and no more. The log is its owner's to close."""
        self._feed.close()
        for publisher in self._publishers:
            publisher.close()
        self.log.unfollow(self._feed)


def _message(topic: str, event: Event | str, key: str | None, idempotency_key: str | None) -> Message:
    return Message(topic, event if isinstance(event, Event) else Event(event), key, idempotency_key)
