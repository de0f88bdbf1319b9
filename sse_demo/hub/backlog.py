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
        "_lacks_snapshot",
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
        self._missed: Missed | None = None  # what the subscriber is still to be told
        self._lacks_snapshot = False  # of a state, of which it can be told nothing else
        self._snapshots = snapshots
        self._asked: deque[str] = deque(self._states if snapshots is not Snapshots.NONE else ())
        self._covered: dict[str, int] = {}  # by topic: up to here a snapshot has told the subscriber everything
        self.since = self.moved = time.monotonic()  # when it began to lag, and when it was last given something

    def is_ahead_of(self, up_to: int) -> bool:
        """Whether the subscriber knows more than has been delivered here, from another node or by a snapshot."""
        return any(lane.cursor > up_to for lane in self._lanes) or any(seen > up_to for seen in self._covered.values())

    def begin_anew(self) -> None:
        """The subscriber's id is none of the log's. It is told so, and gets all that the log has."""
        self._missed = Missed.UNKNOWN
        for lane in self._lanes:
            lane.cursor = 0
        self._ask(Snapshots.CHANGED)

    def next_batch(
        self, log: EventLog, up_to: int, max_bytes: float, snapshot_of: Callable[[str], Snapshot | None]
    ) -> tuple[list[bytes], int, Missed | None, bool]:
        """The next blocks to send; none when there is nothing left to read up to this position.

        Args:
            log: The log.
            up_to: The position up to which the log is read.
            max_bytes: The size of a batch. The last block may go beyond it.
            snapshot_of: Gives the newest snapshot of a state topic.

        Returns:
            The blocks, how many of them are entries of the log, what the subscriber is told to have missed, and
            whether there may be more where there are no blocks.

        Raises:
            LogError: The log cannot be read. The backlog is as it was, and the batch can be asked for again.
        """
        before = self._missed, self._lacks_snapshot, self._snapshots, deque(self._asked), dict(self._covered)
        lanes = [lane.copy() for lane in self._lanes]
        try:
            return self._next_batch(log, up_to, max_bytes, snapshot_of)
        except BaseException:
            self._missed, self._lacks_snapshot, self._snapshots, self._asked, self._covered = before
            self._lanes = lanes
            raise

    def _next_batch(
        self, log: EventLog, up_to: int, max_bytes: float, snapshot_of: Callable[[str], Snapshot | None]
    ) -> tuple[list[bytes], int, Missed | None, bool]:
        if self._missed is Missed.UNKNOWN:
            for lane in self._lanes:
                lane.forgive_gaps(log)
        entries, expired = self._read(log, up_to, max_bytes)
        if expired:
            self._missed = self._missed or Missed.EXPIRED
            self._ask(Snapshots.CHANGED)
        blocks: list[bytes] = []
        told = None
        if self._missed and not self._only_states:
            told, self._missed = self._missed, None
            blocks.append(reset(told.value, entries[0].id if entries else None))
        size = 0
        while self._asked and size < max_bytes:
            topic = self._asked.popleft()
            snapshot = snapshot_of(topic)
            self._lacks_snapshot = self._lacks_snapshot or snapshot is None
            if snapshot and self._is_due(log, topic, snapshot, up_to):
                self._covered[topic] = snapshot.position
                blocks.append(snapshot.block)
                size += len(snapshot.block)
        if self._asked:
            return blocks, 0, told, True
        if self._missed and self._lacks_snapshot:  # of a state that is gone there is nothing that could be told instead
            told = self._missed
            blocks.append(reset(told.value, entries[0].id if entries else None))
        self._missed, self._lacks_snapshot = None, False
        wires = [] if size >= max_bytes else [wire for entry in entries if (wire := self._pass_on(entry))]
        return blocks + wires, len(wires), told, bool(entries)

    def _ask(self, snapshots: Snapshots) -> None:
        """Ask for the snapshots of all states; also again, of those that were sent before more patches were lost."""
        if not self._asked:
            self._snapshots = snapshots
        self._asked.extend(topic for topic in self._states if topic not in self._asked)

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
            entries, lane_expired = lane.read(log, up_to, max_bytes)
            expired = expired or lane_expired
            if entries:
                break
        return entries, expired

    def _pass_on(self, entry: Entry) -> bytes | None:
        """Move the cursor on. Returns the bytes to send for the entry; none where a snapshot covers it."""
        lane = next(lane for lane in self._lanes if entry.topic in lane.topics)
        lane.move_to(entry.position)
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

    __slots__ = ("_dropped", "_told_up_to", "cursor", "topics")

    def __init__(self, topics: tuple[str, ...], cursor: int) -> None:
        self.topics = topics
        self.cursor = cursor
        self._told_up_to = cursor  # of what is missing up to here the subscriber has been told, or has seen it
        # After gaps were told, until the cursor has passed them: by topic, up to where they were. What one topic lost
        # before may be more than what another one loses now.
        self._dropped: dict[str, int] = {}

    def copy(self) -> _Lane:
        """The lane as it is now."""
        other = _Lane(self.topics, self.cursor)
        other._told_up_to, other._dropped = self._told_up_to, dict(self._dropped)
        return other

    def move_to(self, position: int) -> None:
        """The subscriber has had everything up to here."""
        self.cursor = position
        self._told_up_to = max(self._told_up_to, position)
        if position >= self._told_up_to:
            self._dropped = {}

    def read(self, log: EventLog, up_to: int, max_bytes: float) -> tuple[list[Entry], bool]:
        """The next entries, and whether some before them are missing of which the subscriber was not told."""
        entries, dropped_up_to = log.read(self.topics, self.cursor, up_to, max_bytes)
        expired = dropped_up_to > self._told_up_to
        if not expired and self._dropped:
            now = self._dropped_by_topic(log)
            expired = any(now[topic] > max(self._dropped[topic], self.cursor) for topic in self.topics)
        if expired:
            self.forgive_gaps(log)
        if not entries:
            self._told_up_to = max(self._told_up_to, up_to)  # the lane has seen all there is
        return entries, expired

    def forgive_gaps(self, log: EventLog) -> None:
        """The subscriber is told of all that is missing now."""
        self._dropped = self._dropped_by_topic(log)
        self._told_up_to = max(self._told_up_to, *self._dropped.values())

    def _dropped_by_topic(self, log: EventLog) -> dict[str, int]:
        return {topic: log.read((topic,), 0, 0, 1)[1] for topic in self.topics}
