"""The log: what was published, in order, for those who come back.

A topic is a log, and a subscriber is a cursor into the logs of its topics. Positions are whole numbers that grow over
all topics together, so that one position, and so one ``Last-Event-ID``, stands for a place in every topic at once.
On the wire a position is an id such as ``1935a8f2c40-17``: the log's own mark, which is another one after a
restart, and the position in it.
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Collection
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple, Protocol

from .event import Event

_position = attrgetter("position")
_NUMBER = re.compile(r"[0-9]{1,18}")


class Entry(NamedTuple):
    """One event in a log. ``wire`` is the event as it goes out, with its id: encoded once, for everybody."""

    position: int
    topic: str
    id: str
    wire: bytes


class LogFull(RuntimeError):
    """The log has no room for another topic."""


class EventLog(Protocol):
    """What the hub needs of a log: three methods, safe to call from any thread."""

    def append(self, topic: str, event: Event) -> Entry:
        """Give the event its id and keep it."""

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """The position to read on from: after ``last_event_id``, or before the newest ``recent`` events, or at the end.

        ``None`` if ``last_event_id`` is none of this log's.
        """

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: int) -> tuple[list[Entry], int]:
        """The entries of these topics after one position, up to and with another, until they come to ``max_bytes``.

        Also the position up to which entries of these topics have been dropped: if it is larger than ``after``, some of
        what was asked for is missing.
        """


class MemoryLog:
    """A log in memory, lost with the process: of each topic the newest ``max_events``, in at most ``max_bytes``."""

    def __init__(self, max_events: int = 10_000, max_bytes: int = 16 * 1024 * 1024, max_topics: int = 1_000):
        self.max_events = max_events
        self.max_bytes = max_bytes
        self.max_topics = max_topics
        self._mark = f"{time.time_ns() // 1_000_000:x}"
        self._last = 0
        self._topics: dict[str, _Ring] = {}
        self._lock = threading.Lock()

    def append(self, topic: str, event: Event) -> Entry:
        with self._lock:
            ring = self._topics.get(topic)
            if ring is None:
                if len(self._topics) >= self.max_topics:
                    raise LogFull(f"there are {self.max_topics} topics already, which is the limit")
                ring = self._topics[topic] = _Ring()
            position = self._last + 1
            id = f"{self._mark}-{position}"
            entry = Entry(position, topic, id, event._replace(id=id).encode())
            self._last = position
            ring.append(entry, self.max_events, self.max_bytes)
            return entry

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        with self._lock:
            if last_event_id:
                mark, _, digits = last_event_id.partition("-")
                if mark != self._mark or not _NUMBER.fullmatch(digits) or int(digits) > self._last:
                    return None
                return int(digits)
            newest = merge(*(reversed(ring.entries) for ring in self._rings(topics)), key=_position, reverse=True)
            last = deque(islice(newest, recent), maxlen=1)
            start = last[0].position - 1 if last else self._last
            # Not before what has been dropped: nothing was promised, so nothing is to be missing.
            return max(start, *(ring.dropped_up_to for ring in self._rings(topics)), 0)

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: int) -> tuple[list[Entry], int]:
        with self._lock:
            rings = self._rings(topics)
            entries: list[Entry] = []
            size = 0
            for entry in merge(*(ring.after(after) for ring in rings), key=_position):
                if entry.position > until or size >= max_bytes:
                    break
                entries.append(entry)
                size += len(entry.wire)
            return entries, max((ring.dropped_up_to for ring in rings), default=0)

    def _rings(self, topics: Collection[str]) -> list[_Ring]:
        return [self._topics[topic] for topic in topics if topic in self._topics]


class _Ring:
    """The entries of one topic, and up to which position they have been dropped to make room."""

    __slots__ = ("entries", "size", "dropped_up_to")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.size = 0
        self.dropped_up_to = 0

    def append(self, entry: Entry, max_events: int, max_bytes: int) -> None:
        self.entries.append(entry)
        self.size += len(entry.wire)
        while len(self.entries) > max_events or self.size > max_bytes:
            dropped = self.entries.popleft()
            self.size -= len(dropped.wire)
            self.dropped_up_to = dropped.position

    def after(self, position: int) -> islice[Entry]:
        return islice(self.entries, bisect_right(self.entries, position, key=_position), None)
