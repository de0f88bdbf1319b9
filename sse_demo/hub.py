"""The hub: one publish, many subscribers.

A topic is a log, a subscriber is a cursor into the logs of its topics. Nearly always the cursors of all
subscribers stand at the end: they are *caught up*, and an event goes to them as the same bytes, one after
the other. A subscriber whose socket is full, or who resumes after a lost connection, *lags*: it is not sent anything
live, but reads on from the log at the speed of its own socket until it has caught up. So a slow subscriber holds up
nobody, and there is no queue for it that could grow: the log is the queue.

The order that makes this exact: ``publish`` appends to the log, from any thread; ``_deliver``, on the event loop, moves
``_delivered`` on to the new end and sends what lies between to those who have caught up. A lagging subscriber reads the
log only up to ``_delivered``; when it gets there it has caught up. So each position reaches it exactly once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from .connection import Connection, broadcast
from .event import Comment, Event, EventTooLarge
from .log import Entry, EventLog, MemoryLog
from .settings import Settings

TOPIC_NAME = re.compile(r"[A-Za-z0-9._:/~-]{1,128}")
_HEARTBEAT = Comment().encode()


class KeyReused(ValueError):
    """An idempotency key has come again with another event."""


class Subscriber:
    """A connection, the topics it follows, and how far into their logs it has been sent."""

    __slots__ = ("connection", "topics", "cursor", "lagging", "told_up_to")

    def __init__(self, connection: Connection, topics: tuple[str, ...], cursor: int):
        self.connection = connection
        self.topics = topics
        self.cursor = cursor  # while it lags; one that has caught up stands where the hub stands
        self.lagging = True
        self.told_up_to = 0  # up to where it has been told that events are missing


class Hub:
    """Topics and their subscribers. ``publish`` may be called from any thread, the rest on the event loop's."""

    def __init__(self, settings: Settings | None = None, log: EventLog | None = None):
        self.settings = settings or Settings()
        self.log = log or MemoryLog(self.settings.log_events, self.settings.log_bytes, self.settings.max_topics)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self._subscribers: dict[Connection, Subscriber] = {}
        self._caught_up: dict[str, dict[Connection, Subscriber]] = {}  # by topic
        self._delivered = self.log.seek(())
        # Between the publishers' threads and the event loop:
        self._changed = threading.Condition()
        self._fresh: list[Entry] = []
        self._keys: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._subscribers)

    def publish(self, topic: str, event: Event | str, *, idempotency_key: str | None = None) -> str:
        """Append an event to a topic and have it delivered. Returns the id it was given. From any thread.

        The same ``idempotency_key`` again does nothing and returns the same id, so that a publisher that has not seen
        an answer can safely try again.

        Raises ``ValueError`` for a bad topic name, an event with an id of its own (ids are the hub's; put yours
        into the data) or a key that was used for another event, :class:`EventTooLarge`, and :class:`LogFull`.
        """
        if not isinstance(event, Event):
            event = Event(event)
        check_topic(topic)
        if event.id is not None:
            raise ValueError("the hub gives the ids; put an id of your own into the data")
        wire = event.encode()
        limit = self.settings.max_event_size
        if len(wire) > limit:
            raise EventTooLarge(f"the event has {len(wire):,} bytes, more than the limit of {limit:,}")
        with self._changed:
            if idempotency_key is not None:
                fingerprint = hashlib.sha256(topic.encode() + b"\0" + wire).digest()
                known = self._keys.get(idempotency_key)
                if known and known[0] != fingerprint:
                    raise KeyReused(f"the idempotency key {idempotency_key!r} was used for another event")
                if known:
                    return known[1]
            entry = self.log.append(topic, event)
            if idempotency_key is not None:
                self._keys[idempotency_key] = fingerprint, entry.id
                if len(self._keys) > self.settings.idempotency_keys:
                    self._keys.popitem(last=False)
            if self._loop is None:  # nobody has ever subscribed; the log has it
                self._delivered = entry.position
                return entry.id
            self._fresh.append(entry)
            if len(self._fresh) == 1:  # one wake-up for a burst
                self._loop.call_soon_threadsafe(self._deliver)
            if len(self._fresh) >= self.settings.max_burst:
                self._wait_for_delivery()
        return entry.id

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """Where a subscriber of these topics starts: see :meth:`EventLog.seek`.

        To be called before the client is sent its first byte: what is published once it has seen that it is connected,
        from any thread, is then sure to come.
        """
        for topic in topics:
            check_topic(topic)
        return self.log.seek(topics, last_event_id, recent)

    def subscribe(self, connection: Connection, topics: Collection[str], cursor: int | None) -> Subscriber:
        """Send these topics to the connection, from the cursor on, until it closes.

        Where the log cannot give everything from there (a cursor of ``None``, or too old), an event ``reset`` says so,
        and what there is follows.
        """
        if self._loop is None:
            self._start()
        self._deliver()  # or the cursor might lie beyond what has been delivered, and some would come twice
        subscriber = Subscriber(connection, tuple(dict.fromkeys(topics)), cursor or 0)
        self._subscribers[connection] = subscriber
        connection.when_closed(lambda: self._unsubscribe(subscriber))
        self._catch_up(subscriber, missed="unknown" if cursor is None else "")
        return subscriber

    def _start(self) -> None:
        with self._changed:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.get_ident()
        self._loop.call_later(self.settings.heartbeat, self._beat)

    def _unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.pop(subscriber.connection, None)
        self._leave(subscriber)

    def _deliver(self) -> None:
        with self._changed:
            fresh, self._fresh = self._fresh, []
            self._changed.notify_all()
        for topic, run in groupby(fresh, key=attrgetter("topic")):
            for entries in _batches(run, self.settings.read_batch):
                self._delivered = entries[-1].position
                caught_up = self._caught_up.get(topic)
                if caught_up:
                    for connection in broadcast(caught_up, b"".join([entry.wire for entry in entries])):
                        self._lag(caught_up[connection])

    def _wait_for_delivery(self) -> None:
        """Backpressure for a publisher that is faster than the event loop. Called with ``_changed`` held."""
        if threading.get_ident() == self._thread:
            self._deliver()
        while len(self._fresh) >= self.settings.max_burst and not self._loop.is_closed():
            self._changed.wait(timeout=1)

    def _beat(self) -> None:
        """A comment to everybody who is not busy receiving. It also finds out who is gone."""
        idle = [subscriber.connection for subscriber in self._subscribers.values() if not subscriber.lagging]
        for connection in broadcast(idle, _HEARTBEAT):
            self._lag(self._subscribers[connection])
        self._loop.call_later(self.settings.heartbeat, self._beat)

    def _lag(self, subscriber: Subscriber) -> None:
        """Its socket is full: leave it alone until it has drained, then read on from the log."""
        self._leave(subscriber)
        subscriber.cursor = self._delivered
        subscriber.connection.when_drained(lambda: self._catch_up(subscriber))

    def _leave(self, subscriber: Subscriber) -> None:
        if not subscriber.lagging:
            subscriber.lagging = True
            for topic in subscriber.topics:
                caught_up = self._caught_up[topic]
                del caught_up[subscriber.connection]
                if not caught_up:
                    del self._caught_up[topic]

    def _catch_up(self, subscriber: Subscriber, missed: str = "") -> None:
        """Read on from the log: one batch, or the news that there is nothing left to read."""
        if subscriber.connection.closed:
            return
        entries, dropped_up_to = self.log.read(
            subscriber.topics, subscriber.cursor, self._delivered, self.settings.read_batch
        )
        payload = b"".join([entry.wire for entry in entries])
        if dropped_up_to > max(subscriber.cursor, subscriber.told_up_to):
            missed = missed or "expired"
        if missed:
            subscriber.told_up_to = dropped_up_to
            payload = _reset(missed, entries) + payload
        if entries:
            subscriber.cursor = entries[-1].position
        if payload:
            subscriber.connection.write(payload)
            subscriber.connection.when_drained(lambda: self._catch_up(subscriber))
            return
        subscriber.lagging = False
        for topic in subscriber.topics:
            self._caught_up.setdefault(topic, {})[subscriber.connection] = subscriber


def _batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    """Cut a run of entries so that what a full socket refuses, and is copied for it, stays small."""
    batch, left = [], size
    for entry in entries:
        batch.append(entry)
        left -= len(entry.wire)
        if left <= 0:
            yield batch
            batch, left = [], size
    if batch:
        yield batch


def check_topic(topic: str) -> None:
    """Raise ``ValueError`` for what is no topic name."""
    if not isinstance(topic, str) or not TOPIC_NAME.fullmatch(topic):
        raise ValueError(f"{topic!r} is not a topic name: 1 to 128 letters, digits and . _ : / ~ -")


def _reset(reason: str, entries: list[Entry]) -> bytes:
    """What a subscriber is told when the log cannot give everything after its last event ID.

    ``unknown``: the id is none of this log's; the server was restarted, or it is made up. All that the log has follows.
    ``expired``: some of what came after it has been dropped. What is left follows, from the event ``next_id``.
    It has no id itself, so that a client that loses the connection right after it is told again.
    """
    data = {"reason": reason, "next_id": entries[0].id if entries else None}
    return Event(json.dumps(data), event="reset").encode()
