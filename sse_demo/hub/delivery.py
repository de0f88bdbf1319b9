"""Delivery: from the log to the sockets of many subscribers, on the event loop.

A subscriber is a cursor into the logs of its topics. Nearly always the cursors of all subscribers stand at the end:
they are *caught up*, and an event goes to them as the same bytes, one after the other. A subscriber whose socket is
full, or who resumes after a lost connection, *lags*: it is not sent anything live, but reads on from the log at the
speed of its own socket until it has caught up. So a slow subscriber holds up nobody, and there is no queue for it that
could grow: the log is the queue.

The order that makes this exact: ``deliver`` moves ``up_to`` on, and sends what lies between to those who have caught
up. A lagging subscriber reads the log only up to ``up_to``; when it gets there it has caught up. So each position
reaches it exactly once.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from random import SystemRandom

from ..logs.memory import Entry, EventLog
from ..observe.metrics import Metrics
from ..wire.event import Comment, Event
from .connection import Audience, Connection
from .position import Cursor, Lag, with_id
from .publisher import SNAPSHOTS
from .settings import HubSettings
from .topics import TopicKinds

CHECK_EVERY = 1.0  # seconds between two looks at those who lag
_HEARTBEAT = Comment().encode()

_random = SystemRandom()  # a seed of Python's own belongs to the program around us


class Subscriber:
    """A connection and the topics it follows; and, as long as it lags, how far it has come."""

    __slots__ = ("connection", "topics", "lag")

    def __init__(self, connection: Connection, topics: tuple[str, ...]):
        self.connection = connection
        self.topics = topics
        self.lag: Lag | None = None  # who has caught up stands where the delivery stands


class Delivery:
    """All subscribers of a hub. For the event loop's thread."""

    def __init__(self, log: EventLog, topics: TopicKinds, settings: HubSettings, metrics: Metrics):
        self.up_to = log.seek(())
        self.followers: Counter[str] = Counter()  # by topic
        self.snapshots: OrderedDict[str, Entry] = OrderedDict()  # by state topic, those of `up_to`
        self._log = log
        self._topics = topics
        self._settings = settings
        self._metrics = metrics
        self._subscribers: dict[Connection, Subscriber] = {}
        self._caught_up: dict[str, Audience] = {}  # by topic
        self._lagging: dict[Connection, Subscriber] = {}
        for entry in log.read((SNAPSHOTS,), 0, self.up_to, settings.log_bytes)[0]:
            self._keep_snapshot(entry)
        metrics.gauge("sse_subscribers", "Subscribers", lambda: len(self._subscribers))
        metrics.gauge("sse_lagging_subscribers", "Subscribers that lag behind", lambda: len(self._lagging))
        metrics.gauge("sse_lag_seconds", "For how long the one that lags longest has lagged", self._longest_lag)

    def __len__(self) -> int:
        """How many subscribers there are."""
        return len(self._subscribers)

    def start(self) -> None:
        """Begin with heartbeats, and with looking after those who lag."""
        self._loop = asyncio.get_running_loop()
        self._beat(first=True)
        self._check()

    def add(self, connection: Connection, topics: Collection[str], cursor: Cursor | None, *, resumes: bool) -> None:
        """Send these topics to the connection, from the cursor on, until it closes.

        Where the log cannot give everything from there (no cursor, or one that is too old), an event ``reset`` says so,
        and what there is follows. Before that comes a snapshot of each state that has changed since.
        """
        subscriber = Subscriber(connection, tuple(sys.intern(topic) for topic in dict.fromkeys(topics)))
        self._subscribers[connection] = subscriber
        self.followers.update(subscriber.topics)
        connection.when_closed(lambda: self._remove(subscriber))
        if self._settings.max_connection_age < math.inf:
            age = self._settings.max_connection_age * _random.uniform(0.9, 1.1)
            connection.when_closed(self._loop.call_later(age, self._retire, subscriber).cancel)
        self._fall_behind(subscriber, cursor or Cursor(0, 0))
        self._catch_up(subscriber, missed="" if cursor else "unknown", snapshots="changed" if resumes else "all")

    def deliver(self, fresh: Iterable[Entry]) -> None:
        """Send what has been appended to the log to all who have caught up."""
        for topic, run in groupby(fresh, key=attrgetter("topic")):
            for entries in _batches(run, self._settings.read_batch):
                self.up_to = entries[-1].position
                if topic == SNAPSHOTS:
                    self._keep_snapshot(entries[-1])
                elif caught_up := self._caught_up.get(topic):
                    payload = b"".join([entry.wire for entry in entries])
                    self._count(len(entries) * len(caught_up), len(payload) * len(caught_up))
                    for connection in caught_up.send(payload):
                        self._wait_until_drained(self._subscribers[connection])
                    now = time.time()
                    for entry in entries:
                        self._metrics.delivery_seconds.observe(max(now - entry.time, 0))

    def _remove(self, subscriber: Subscriber) -> None:
        del self._subscribers[subscriber.connection]
        self._leave(subscriber)
        self._lagging.pop(subscriber.connection, None)
        for topic in subscriber.topics:
            self.followers[topic] -= 1
            if not self.followers[topic]:
                del self.followers[topic]

    def _wait_until_drained(self, subscriber: Subscriber) -> None:
        """Its socket is full: leave it alone until it has drained, then read on from the log."""
        self._leave(subscriber)
        self._fall_behind(subscriber, Cursor(self.up_to, self.up_to))
        subscriber.connection.when_drained(lambda: self._catch_up(subscriber, snapshots="shorter"))

    def _leave(self, subscriber: Subscriber) -> None:
        """Take it out of those who have caught up."""
        if subscriber.lag is None:
            for topic in subscriber.topics:
                caught_up = self._caught_up[topic]
                caught_up.remove(subscriber.connection)
                if not caught_up:
                    del self._caught_up[topic]

    def _fall_behind(self, subscriber: Subscriber, cursor: Cursor) -> None:
        """From now on it reads from the log."""
        urgent = tuple(filter(self._topics.is_urgent, subscriber.topics))
        others = tuple(topic for topic in subscriber.topics if topic not in urgent)
        subscriber.lag = Lag(urgent, others, cursor)
        self._lagging[subscriber.connection] = subscriber

    def _catch_up(self, subscriber: Subscriber, *, missed: str = "", snapshots: str = "") -> None:
        """Read on from the log: one batch, or the news that there is nothing left to read.

        ``snapshots`` says which are sent instead of patches: of all states, of those that have changed, or of those
        whose patches would be longer.
        """
        connection, lag = subscriber.connection, subscriber.lag
        if connection.closed:
            return
        lag.moved = time.monotonic()
        if missed:
            lag.all_is_told(self._log)
        entries = None
        while entries is None or entries:
            entries, expired = lag.read_on(self._log, self.up_to, self._settings.read_batch)
            missed = missed or ("expired" if expired else "")
            introduction = self._introduce(subscriber, entries, missed, snapshots or (missed and "changed"))
            missed = snapshots = ""
            wires = lag.pass_on(entries)
            if introduction or wires:
                payload = b"".join(introduction + wires)
                self._count(len(wires), len(payload))
                connection.write(payload)
                connection.when_drained(lambda: self._catch_up(subscriber))
                return
        subscriber.lag = None
        del self._lagging[connection]
        for topic in subscriber.topics:
            self._caught_up.setdefault(topic, Audience()).add(connection)

    def _introduce(self, subscriber: Subscriber, entries: list[Entry], missed: str, snapshots: str) -> list[bytes]:
        """What comes before the entries: the news that some are missing, and snapshots.

        None of it has an id, so that a client that is lost right after it is told again.
        """
        wires = []
        if missed and not all(map(self._topics.is_state, subscriber.topics)):
            self._metrics.resets.labels(missed).inc()
            wires.append(_reset(missed, entries[0].id if entries else None))
        for topic in filter(self._topics.is_state, subscriber.topics if snapshots else ()):
            snapshot = self.snapshots.get(topic)
            if snapshot and (snapshots == "all" or self._is_worth_it(snapshot, subscriber.lag, snapshots)):
                subscriber.lag.covered[topic] = snapshot.position
                wires.append(with_id(snapshot, None))
        return wires

    def _is_worth_it(self, snapshot: Entry, lag: Lag, snapshots: str) -> bool:
        cursor = lag.cursor_of(snapshot.key)
        if snapshot.position <= cursor + 1:  # it follows the patch that has led to it
            return False
        size = len(snapshot.wire)
        patches, dropped_up_to = self._log.read((snapshot.key,), cursor, self.up_to, size)
        return snapshots == "changed" or dropped_up_to > cursor or sum(len(patch.wire) for patch in patches) >= size

    def _keep_snapshot(self, entry: Entry) -> None:
        """The newest of each state topic, and no more of them than there can be topics."""
        self.snapshots[entry.key] = entry
        self.snapshots.move_to_end(entry.key)
        if len(self.snapshots) > self._settings.max_topics:
            self.snapshots.popitem(last=False)

    def _beat(self, first: bool = False) -> None:
        """A comment to everybody who is not busy receiving. It also finds out who is gone."""
        idle = [] if first else [connection for connection, one in self._subscribers.items() if one.lag is None]
        for connection in Audience(idle).send(_HEARTBEAT):
            self._wait_until_drained(self._subscribers[connection])
        self._loop.call_later(self._settings.heartbeat, self._beat)

    def _check(self) -> None:
        """Close those who have lagged for too long. They resume by their last event id, if they can."""
        now = time.monotonic()
        settings = self._settings
        for subscriber in list(self._lagging.values()):
            if now - subscriber.lag.moved > settings.max_stall:
                self._close(subscriber, "stall")
            elif now - subscriber.lag.since > settings.max_lag:
                self._close(subscriber, "lag")
        self._loop.call_later(min(CHECK_EVERY, settings.max_stall / 2, settings.max_lag / 2), self._check)

    def _retire(self, subscriber: Subscriber) -> None:
        self._metrics.closed.labels("age").inc()
        subscriber.connection.end()

    def _close(self, subscriber: Subscriber, reason: str) -> None:
        self._metrics.closed.labels(reason).inc()
        subscriber.connection.abort()

    def _longest_lag(self) -> float:
        now = time.monotonic()
        return max((now - one.lag.since for one in list(self._lagging.values())), default=0)

    def _count(self, events: int, size: int) -> None:
        self._metrics.delivered.inc(events)
        self._metrics.sent_bytes.inc(size)


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


def _reset(reason: str, next_id: str | None) -> bytes:
    """What a subscriber is told when the log cannot give everything after its last event ID.

    ``unknown``: the id is none of this log's; the server was restarted, or it is made up. All that the log has follows.
    ``expired``: some of what came after it has been dropped. What is left follows, from the event ``next_id``.
    """
    return Event(json.dumps({"reason": reason, "next_id": next_id}), event="reset").encode()
