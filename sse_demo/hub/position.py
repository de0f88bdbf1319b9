"""How far a subscriber has come, and how it reads on from there.

A cursor is a position in the log, and stands for a place in all the topics of a connection at once. Only where some
of them are urgent, and are read first, it is two positions. Either way it is one short id on the wire.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import NamedTuple

from ..logs.memory import Entry, EventLog, parse_id


class Cursor(NamedTuple):
    """A place in the topics that are not urgent, and one in those that are, which may be further.

    On the wire: ``mark-position``, or ``mark-position-urgent`` where they differ. The mark belongs to the larger one.
    """

    position: int
    urgent: int
    mark: str = ""

    @classmethod
    def seek(cls, log: EventLog, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> Cursor | None:
        """Where to start. See :meth:`EventLog.seek`; ``None`` if the log does not know the id."""
        first, _, urgent = last_event_id.rpartition("-")
        mark, behind = parse_id(first)
        if not (mark and urgent):  # one position
            start = log.seek(topics, last_event_id, recent)
            return None if start is None else cls(start, start)
        ahead = log.seek(topics, f"{mark}-{urgent}")
        return None if ahead is None or behind > ahead else cls(behind, ahead, mark)


class Lag:
    """What is to be known of a subscriber only while it lags: a cursor in one lane, or in two."""

    __slots__ = ("lanes", "mark", "covered", "since", "moved")

    def __init__(self, urgent: tuple[str, ...], others: tuple[str, ...], cursor: Cursor):
        lanes = [_Lane(urgent, cursor.urgent), _Lane(others, cursor.position)]
        self.lanes = [lane for lane in lanes if lane.topics]
        self.mark = cursor.mark  # of the urgent lane's position, where it is ahead
        self.covered: dict[str, int] = {}  # by topic: up to where the subscriber has been told everything otherwise
        self.since = self.moved = time.monotonic()

    def read_on(self, log: EventLog, up_to: int, max_bytes: int) -> tuple[list[Entry], bool]:
        """The next entries, from the first lane that has some, and whether some before them are missing."""
        expired = False
        for lane in self.lanes:
            entries, dropped_up_to = log.read(lane.topics, lane.cursor, up_to, max_bytes)
            expired = expired or dropped_up_to > lane.told_up_to
            lane.told_up_to = max(lane.told_up_to, dropped_up_to)
            if entries:
                break
            lane.told_up_to = max(lane.told_up_to, up_to)  # it has seen all there is
        return entries, expired

    def all_is_told(self, log: EventLog) -> None:
        """The subscriber knows that it has missed everything that the log has dropped."""
        for lane in self.lanes:
            _, lane.told_up_to = log.read(lane.topics, 0, 0, 1)

    def cursor_of(self, topic: str) -> int:
        """How far it has come in this topic."""
        return next(lane.cursor for lane in self.lanes if topic in lane.topics)

    def pass_on(self, entries: list[Entry]) -> list[bytes]:
        """Move the cursor on, and return the bytes to send for these entries."""
        return [wire for entry in entries if (wire := self._pass_on(entry))]

    def _pass_on(self, entry: Entry) -> bytes | None:
        lane = next(lane for lane in self.lanes if entry.topic in lane.topics)
        lane.cursor = entry.position
        lane.told_up_to = max(lane.told_up_to, entry.position)
        if entry.position <= self.covered.get(entry.topic, 0):
            return None
        if len(self.lanes) == 1:
            return entry.wire
        urgent, others = self.lanes
        if lane is urgent:
            self.mark = entry.id.partition("-")[0]
        return (
            entry.wire
            if urgent.cursor <= others.cursor
            else with_id(entry, f"{self.mark}-{others.cursor}-{urgent.cursor}")
        )


class _Lane:
    """A cursor into some of the topics."""

    __slots__ = ("topics", "cursor", "told_up_to")

    def __init__(self, topics: tuple[str, ...], cursor: int):
        self.topics = topics
        self.cursor = cursor
        self.told_up_to = cursor  # what is missing up to here, the subscriber knows or has seen


def with_id(entry: Entry, id: str | None) -> bytes:
    """The bytes of the entry under another id, or none."""
    # The first line that is this id, which the data cannot imitate: each of its lines begins with "data".
    before, _, after = b"\n".join([b"", entry.wire]).partition(f"\nid: {entry.id}\n".encode())
    return (before + (f"\nid: {id}\n" if id else "\n").encode() + after)[1:]
