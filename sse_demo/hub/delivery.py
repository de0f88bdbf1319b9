"""Delivery: from the log to the sockets of many subscribers, on the event loop.

A subscriber is a cursor into the logs of its topics. Nearly always the cursors of all subscribers stand at the end:
they are *caught up*, and an event goes to them as the same bytes, one after the other. A subscriber whose socket is
full, or who resumes after a lost connection, *lags*: it is not sent anything live, but reads on from the log at the
speed of its own socket until it has caught up. So a slow subscriber holds up nobody, and there is no queue for it that
could grow: the log is the queue.

The order that makes this exact: ``deliver`` moves ``up_to`` on, and sends what lies between to those who have caught
up. A lagging subscriber reads the log only up to ``up_to``; when it gets there it has caught up. So each position
reaches it exactly once. A subscriber that knows more than ``up_to``, from another node or by a snapshot, is *held*
until ``up_to`` has come as far.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter

from ..errors import LogError
from ..logs.contract import Entry, EventLog, Snapshot
from ..observe.metrics import Metrics
from ..wire.service_events import HEARTBEAT
from .alone import alone
from .backlog import Backlog, Snapshots
from .batches import batches
from .connection import Audience, Connection
from .position import Cursor
from .settings import HubSettings

CLOSE_STALLED_EVERY = 1.0  # seconds between two looks at those who lag
READ_AGAIN_AFTER = 1.0  # seconds, where the log could not be read

_logger = logging.getLogger("sse_demo.hub")


class _Channel:
    """One topic that somebody follows."""

    __slots__ = ("caught_up", "followers", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.followers = 0
        self.caught_up = Audience()


class Delivery:
    """All subscribers of a hub. For the event loop's thread."""

    def __init__(self, log: EventLog, settings: HubSettings, metrics: Metrics) -> None:
        self.up_to = 0  # everything up to this position has been delivered
        self.is_busy = False
        self._log = log
        self._settings = settings
        self._metrics = metrics
        self._channels: dict[str, _Channel] = {}
        self._subscribers: dict[Connection, tuple[_Channel, ...]] = {}
        self._lagging: dict[Connection, Backlog] = {}  # all others have caught up
        self._held: set[Connection] = set()  # of those who lag
        metrics.gauge("sse_subscribers", "Subscribers", lambda: len(self._subscribers))
        metrics.gauge("sse_lagging_subscribers", "Subscribers that lag behind", lambda: len(self._lagging))
        metrics.gauge("sse_lag_seconds", "For how long the one that lags longest has lagged", self._longest_lag)

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return len(self._subscribers)

    def followers(self, topic: str) -> int:
        """How many subscribers follow a topic."""
        return self._channels[topic].followers if topic in self._channels else 0

    @property
    def lagging(self) -> int:
        """How many lag behind."""
        return len(self._lagging)

    def topics_of(self, connection: Connection) -> tuple[str, ...]:
        """What a connection follows; nothing where it is no subscriber's."""
        return tuple(channel.topic for channel in self._subscribers.get(connection, ()))

    def lag_of(self, connection: Connection) -> float:
        """Seconds for which a subscriber has lagged; 0 where it has caught up."""
        return time.monotonic() - self._lagging[connection].since if connection in self._lagging else 0.0

    def start(self, up_to: int) -> None:
        """Begin after this position, with heartbeats, and with looking after those who lag."""
        self.up_to = up_to
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.heartbeat, self._beat)
        loop.call_soon(self._close_stalled)

    @alone
    def in_turn(self, action: Callable[[], None]) -> None:
        """Run this and nothing else: what interrupts it, such as a finalizer, does not deliver anything itself."""
        action()

    @alone
    def seek(self, topics: Collection[str], last_event_id: str, recent: int) -> Cursor | None:
        """Where a subscriber of these topics starts: see :meth:`Cursor.seek`."""
        return Cursor.seek(self._log, topics, last_event_id, recent)

    @alone
    def add(self, connection: Connection, topics: Collection[str], cursor: Cursor | None, *, resumes: bool) -> None:
        """Send these topics to the connection, from the cursor on, until it closes.

        Where the log cannot give everything from there (no cursor, or one that is too old), an event ``reset`` says so,
        and what there is follows. Before that comes a snapshot of each state; for a subscriber that resumes, of each
        state that has changed since.
        """
        channels = tuple(self._channel(topic) for topic in dict.fromkeys(topics))
        self._subscribers[connection] = channels
        for channel in channels:
            channel.followers += 1
        connection.when_closed(partial(self._remove, connection))
        if self._settings.max_connection_age < math.inf:
            age = self._settings.draw_connection_age()
            retirement = asyncio.get_running_loop().call_later(age, self._retire, connection)
            connection.when_closed(retirement.cancel)
        states = self._settings.state and any(map(self._settings.is_state, topics))
        if cursor is not None and cursor.position == cursor.urgent == self.up_to and not states:
            for channel in channels:  # it stands where all others stand, and there is nothing to read
                channel.caught_up.add(connection)
            return
        snapshots = Snapshots.CHANGED if resumes else Snapshots.ALL
        backlog = self._fall_behind(connection, cursor or Cursor(0, 0), snapshots)
        if cursor is None:
            backlog.begin_anew()
        self._catch_up(connection)

    @alone
    def deliver(self, fresh: Sequence[Entry]) -> None:
        """Send what has been appended to the log to all who have caught up."""
        if fresh and fresh[0].position <= self.up_to:  # told of before the first subscriber came
            fresh = [entry for entry in fresh if entry.position > self.up_to]
        for topic, run in groupby(fresh, key=attrgetter("topic")):
            for entries in batches(run, self._settings.read_batch):
                self.up_to = entries[-1].position
                channel = self._channels.get(topic)
                if channel and len(channel.caught_up):
                    self._send(entries, channel.caught_up)
        for connection in [one for one in self._held if not self._lagging[one].is_ahead_of(self.up_to)]:
            self._held.discard(connection)
            self._catch_up(connection)

    def passes_over(self, fresh: Sequence[Entry]) -> bool:
        """Whether nobody is to be told of what was just appended, and all before it is delivered. Then it is, too."""
        if self.is_busy or self._held or any(entry.topic in self._channels for entry in fresh):
            return False
        self.up_to = fresh[-1].position
        return True

    @alone
    def skip_to(self, position: int) -> None:
        """Entries up to this position were not told of: everybody reads on from the log, which tells what is left."""
        loop = asyncio.get_running_loop()
        for connection in [one for one in self._subscribers if one not in self._lagging]:
            self._put_back(connection, Snapshots.CHANGED)
            loop.call_soon(self._catch_up, connection)  # when what has come with this news is delivered, too
        self.up_to = max(self.up_to, position)

    @alone
    def complete(self, since: float) -> None:
        """All that there was at this moment is delivered. Who came before and is still ahead has made its id up."""
        for connection in [one for one in self._held if self._lagging[one].since <= since]:
            self._held.discard(connection)
            self._lagging[connection].begin_anew()
            self._catch_up(connection)

    def _send(self, entries: list[Entry], caught_up: Audience) -> None:
        payload = b"".join([entry.wire for entry in entries])
        self._count(len(entries) * len(caught_up), len(payload) * len(caught_up))
        for connection in caught_up.send(payload):
            self._wait_until_drained(connection)
        now = time.time()
        for entry in entries:
            self._metrics.delivery_seconds.observe(max(now - entry.time, 0))

    def _channel(self, topic: str) -> _Channel:
        channel = self._channels.get(topic)
        if channel is None:
            channel = self._channels[topic] = _Channel(topic)
        return channel

    @alone
    def _remove(self, connection: Connection) -> None:
        self._leave(connection)
        self._lagging.pop(connection, None)
        self._held.discard(connection)
        for channel in self._subscribers.pop(connection):
            channel.followers -= 1
            if not channel.followers:
                del self._channels[channel.topic]

    def _wait_until_drained(self, connection: Connection) -> None:
        """Its socket is full: leave it alone until it has drained, then read on from the log."""
        self._put_back(connection, Snapshots.SHORTER)
        connection.when_drained(partial(self._catch_up, connection))

    def _put_back(self, connection: Connection, snapshots: Snapshots) -> None:
        """A subscriber that has caught up reads on from the log."""
        self._leave(connection)
        self._fall_behind(connection, Cursor(self.up_to, self.up_to), snapshots)

    def _leave(self, connection: Connection) -> None:
        """Take it out of those who have caught up."""
        if connection not in self._lagging:
            for channel in self._subscribers[connection]:
                channel.caught_up.remove(connection)

    def _fall_behind(self, connection: Connection, cursor: Cursor, snapshots: Snapshots) -> Backlog:
        """From now on it reads from the log."""
        topics = tuple(channel.topic for channel in self._subscribers[connection])
        backlog = self._lagging[connection] = Backlog(topics, self._settings, cursor, snapshots)
        return backlog

    @alone
    def _catch_up(self, connection: Connection) -> None:
        """Read on from the log: one batch, or the news that there is nothing left to read."""
        if connection.closed:
            return
        backlog = self._lagging[connection]
        backlog.moved = time.monotonic()
        try:
            batch = backlog.next_batch(self._log, self.up_to, self._settings.read_batch, self._snapshot)
        except LogError as error:
            _logger.warning("the log cannot be read, and is read again in %g s: %s", READ_AGAIN_AFTER, error)
            asyncio.get_running_loop().call_later(READ_AGAIN_AFTER, self._catch_up, connection)
            return
        blocks, events, missed, is_more = batch
        if missed:
            self._metrics.resets.labels(missed.value).inc()
        if blocks:
            self._count(events, sum(map(len, blocks)))
            connection.write(*blocks)
            connection.when_drained(partial(self._catch_up, connection))
        elif is_more:  # a snapshot has covered what was read; others have their turn before the next batch
            asyncio.get_running_loop().call_soon(self._catch_up, connection)
        elif backlog.is_ahead_of(self.up_to):
            self._held.add(connection)
        else:
            del self._lagging[connection]
            for channel in self._subscribers[connection]:
                channel.caught_up.add(connection)

    def _snapshot(self, topic: str) -> Snapshot | None:
        """The newest snapshot of a state topic, unless clients could not take it: it is older than the limit."""
        snapshot = self._log.snapshot(topic)
        return snapshot if snapshot and len(snapshot.block) <= self._settings.max_event_size else None

    @alone
    def _beat(self) -> None:
        """A comment to everybody who is not busy receiving. It also finds out who is gone."""
        idle = [connection for connection in self._subscribers if connection not in self._lagging]
        for connection in Audience([*idle, *self._held]).send(HEARTBEAT):
            if connection in self._held:
                self._held.discard(connection)
                connection.when_drained(partial(self._catch_up, connection))
            else:
                self._wait_until_drained(connection)
        asyncio.get_running_loop().call_later(self._settings.heartbeat, self._beat)

    @alone
    def _close_stalled(self) -> None:
        """Close those who have lagged for too long. They resume by their last event id, if they can."""
        now = time.monotonic()
        settings = self._settings
        for connection, backlog in list(self._lagging.items()):
            if connection in self._held:
                continue
            if now - backlog.moved > settings.max_stall:
                self._close(connection, "stall")
            elif now - backlog.since > settings.max_lag:
                self._close(connection, "lag")
        wait = min(CLOSE_STALLED_EVERY, settings.max_stall / 2, settings.max_lag / 2)
        asyncio.get_running_loop().call_later(wait, self._close_stalled)

    def _retire(self, connection: Connection) -> None:
        self._metrics.closed.labels("age").inc()
        connection.end()

    def _close(self, connection: Connection, reason: str) -> None:
        self._metrics.closed.labels(reason).inc()
        connection.abort()

    def _longest_lag(self) -> float:
        now = time.monotonic()
        return max((now - backlog.since for backlog in list(self._lagging.values())), default=0)

    def _count(self, events: int, size: int) -> None:
        self._metrics.delivered += events
        self._metrics.sent_bytes += size
