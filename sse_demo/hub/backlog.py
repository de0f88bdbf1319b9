"""How a subscriber that lags reads on: the news that events are missing, then snapshots, then entries of the log.

All of it comes in batches, as the socket drains. What is still to come is not kept for the subscriber: the log has it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import Enum

from ..logs.contract import Entry, EventLog, Snapshot, id_of
from ..wire.service_events import reset
from .position import Cursor
from .topics import TopicKinds


class Missed(Enum):
    """Why events are missing: the event ``reset`` says it."""

    UNKNOWN = "unknown"  # the subscriber's id is none of the log's
    EXPIRED = "expired"  # the log has dropped them


class Snapshots(Enum):
    """For which state topics a snapshot replaces the patches."""

    NONE = 0
    ALL = 1
    CHANGED = 2  # of which there is a newer state than the subscriber's
    SHORTER = 3  # of which the snapshot is shorter than the patches


class Backlog:
    """What a subscriber that lags is still to be sent.

    Args:
        topics: Those that it follows.
        kinds: What kinds of topics there are.
        cursor: Where it stands.
        snapshots: Which snapshots it is sent first.
    """

    __slots__ = (
        "_asked",
        "_covered",
        "_lanes",
        "_mark",
        "_missed",
        "_only_states",
        "_snapshots",
        "_states",
        "moved",
        "since",
    )

    def __init__(self, topics: tuple[str, ...], kinds: TopicKinds, cursor: Cursor, snapshots: Snapshots) -> None:
        urgent = tuple(filter(kinds.is_urgent, topics))
        others = tuple(topic for topic in topics if topic not in urgent)
        lanes = [_Lane(urgent, cursor.urgent), _Lane(others, cursor.position)]
        self._lanes = [lane for lane in lanes if lane.topics]
        self._mark = cursor.mark  # of the urgent lane's position, where it is ahead
        self._states = tuple(filter(kinds.is_state, topics))
        self._only_states = len(self._states) == len(topics)
        self._missed: Missed | None = None
        self._snapshots = snapshots
        self._asked: deque[str] = deque(self._states if snapshots is not Snapshots.NONE else ())
        self._covered: dict[str, int] = {}  # by topic: up to here a snapshot has told the subscriber everything
        self.since = self.moved = time.monotonic()  # when it began to lag, and when it was last given something

    def is_ahead_of(self, up_to: int) -> bool:
        """Whether the subscriber knows more than has been delivered here, from another node or by a snapshot."""
        return any(lane.cursor > up_to for lane in self._lanes) or any(seen > up_to for seen in self._covered.values())

    def begin_anew(self, log: EventLog) -> None:
        """The subscriber's id is none of the log's. It is told so, and gets all that the log has."""
        self._missed = Missed.UNKNOWN
        for lane in self._lanes:
            lane.cursor = 0
            _, lane.told_up_to = log.read(lane.topics, 0, 0, 1)  # a subscriber that knows nothing misses nothing
        if self._snapshots is Snapshots.NONE:
            self._ask(Snapshots.CHANGED)

    def next_batch(
        self, log: EventLog, up_to: int, max_bytes: float, snapshot_of: Callable[[str], Snapshot | None]
    ) -> tuple[list[bytes], int, Missed | None]:
        """The next blocks to send; none when there is nothing left to read up to this position.

        Args:
            log: The log.
            up_to: The position up to which the log is read.
            max_bytes: The size of a batch. The last block may go beyond it.
            snapshot_of: Gives the newest snapshot of a state topic.

        Returns:
            The blocks, how many of them are entries of the log, and what the subscriber is told to have missed.
        """
        while True:
            entries, expired = self._read(log, up_to, max_bytes)
            if expired and self._missed is None:
                self._missed = Missed.EXPIRED
                if not self._asked:
                    self._ask(Snapshots.CHANGED)
            missed, self._missed = self._missed, None
            blocks: list[bytes] = []
            if missed and not (self._only_states and all(map(snapshot_of, self._states))):
                blocks.append(reset(missed.value, entries[0].id if entries else None))
            size = 0
            while self._asked and size < max_bytes:
                topic = self._asked.popleft()
                snapshot = snapshot_of(topic)
                if snapshot and self._is_due(log, topic, snapshot, up_to):
                    self._covered[topic] = snapshot.position
                    blocks.append(snapshot.block)
                    size += len(snapshot.block)
            wires = [] if size >= max_bytes else [wire for entry in entries if (wire := self._pass_on(entry))]
            if blocks or wires:
                return blocks + wires, len(wires), missed if blocks else None
            if not entries:
                return [], 0, None

    def _ask(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._asked.extend(self._states)

    def _is_due(self, log: EventLog, topic: str, snapshot: Snapshot, up_to: int) -> bool:
        if self._snapshots is Snapshots.ALL:
            return True
        cursor = next(lane.cursor for lane in self._lanes if topic in lane.topics)
        if snapshot.position <= cursor:
            return False
        if self._snapshots is Snapshots.CHANGED:
            return True
        size = len(snapshot.block)
        patches, dropped_up_to = log.read((topic,), cursor, up_to, size)
        return dropped_up_to > cursor or sum(len(patch.wire) for patch in patches) >= size

    def _read(self, log: EventLog, up_to: int, max_bytes: float) -> tuple[list[Entry], bool]:
        """The next entries, from the first lane that has some, and whether some before them are missing."""
        entries: list[Entry] = []
        expired = False
        for lane in self._lanes:
            entries, dropped_up_to = log.read(lane.topics, lane.cursor, up_to, max_bytes)
            expired = expired or dropped_up_to > lane.told_up_to
            lane.told_up_to = max(lane.told_up_to, dropped_up_to)
            if entries:
                break
            lane.told_up_to = max(lane.told_up_to, up_to)  # the lane has seen all there is
        return entries, expired

    def _pass_on(self, entry: Entry) -> bytes | None:
        """Move the cursor on. Returns the bytes to send for the entry; none where a snapshot covers it."""
        lane = next(lane for lane in self._lanes if entry.topic in lane.topics)
        lane.cursor = entry.position
        lane.told_up_to = max(lane.told_up_to, entry.position)
        if entry.position <= self._covered.get(entry.topic, 0):
            return None
        if len(self._lanes) == 1:
            return entry.wire
        urgent, others = self._lanes
        if lane is urgent:
            self._mark = entry.mark
        if urgent.cursor <= others.cursor:
            return entry.wire
        return entry.with_id(f"{id_of(self._mark, others.cursor)}-{urgent.cursor}")


class _Lane:
    """A cursor into some of the topics."""

    __slots__ = ("cursor", "told_up_to", "topics")

    def __init__(self, topics: tuple[str, ...], cursor: int) -> None:
        self.topics = topics
        self.cursor = cursor
        self.told_up_to = cursor  # of what is missing up to here the subscriber has been told, or has seen it
