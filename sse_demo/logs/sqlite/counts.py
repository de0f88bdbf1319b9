"""What the writer of a log file knows by heart, so that it need not ask: changed in a transaction, and kept with it."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from typing import NamedTuple

from .file import FORGOTTEN

# What an entry takes in the file beside its event and its key: its place in the indices, and what is left over in a
# page, which is a quarter for events of a thousand bytes. Measured in tests/logs/test_sqlite.py.
ROW_OVERHEAD, PAGE = 60, 4096
ROW_SIZE = "(length(wire) + coalesce(length(key), 0))"
ROW_COST = f"({ROW_SIZE} + min({ROW_SIZE} / 4, {PAGE}) + {ROW_OVERHEAD})"


class TopicCount(NamedTuple):
    """A topic of the file.

    Attributes:
        number: By which the rows name it.
        events: How many there are.
        once: It has had one event so far, and may make room for another topic.
        snapshot: The position of its newest snapshot, 0 for none.
        snapshot_size: The bytes of that.
    """

    number: int
    events: int = 0
    once: bool = True
    snapshot: int = 0
    snapshot_size: int = 0


class Counts:
    """Topics, bytes and positions of the file, as they are after the last transaction, and within the running one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.topics: dict[str, TopicCount] = {}  # as they are after the last transaction
        self.once: dict[str, None] = {}  # those that may make room, the oldest first
        self.names: dict[int, str] = {}
        self.dropped: Counter[str] = Counter()
        self._changed: dict[str, TopicCount | None] = {}  # in the running transaction
        self._dropping: list[str] = []
        query = (
            "SELECT name, number, events, keys, coalesce(snapshots.position, 0), coalesce(length(block), 0) "
            "FROM topics LEFT JOIN (SELECT topic, count(*) AS events, count(key) AS keys, max(position) AS first "
            "FROM entries GROUP BY topic) AS each ON each.topic = number "
            "LEFT JOIN snapshots ON snapshots.topic = number WHERE name != ? ORDER BY first"
        )
        for name, number, events, keys, snapshot, size in db.execute(query, (FORGOTTEN,)):
            once = events == 1 and not keys and not snapshot  # with a key or a snapshot it may have had more
            self.put(name, TopicCount(number, events or 0, once, snapshot, size))
            self.names[number] = name
        (self.size,) = db.execute(
            f"SELECT coalesce(sum({ROW_COST}), 0) + (SELECT coalesce(sum(length(block)), 0) FROM snapshots) "
            "FROM entries"
        ).fetchone()
        (oldest,) = db.execute("SELECT min(time) FROM entries WHERE key IS NULL").fetchone()
        self.oldest: float = math.inf if oldest is None else oldest  # when the oldest that can be too old was appended
        (self.last,) = db.execute(
            "SELECT max((SELECT coalesce(max(position), 0) FROM entries), (SELECT max(dropped_up_to) FROM topics), "
            "(SELECT coalesce(max(position), 0) FROM snapshots), (SELECT coalesce(max(first), 1) - 1 FROM eras))"
        ).fetchone()
        self.keep()

    @property
    def number_of_topics(self) -> int:
        """How many there are in the running transaction."""
        changes = sum((topic is not None) - (name in self.topics) for name, topic in self._changed.items())
        return len(self.topics) + changes

    def get(self, name: str) -> TopicCount | None:
        """The topic as it is in the running transaction."""
        return self._changed[name] if name in self._changed else self.topics.get(name)

    def put(self, name: str, topic: TopicCount | None) -> None:
        """The topic as it is from now on; ``None`` when it is gone."""
        self._changed[name] = topic

    def drop(self, reason: str) -> None:
        """An entry has made room for the limit of this name."""
        self._dropping.append(reason)

    def keep(self) -> None:
        """The transaction is done."""
        for name, topic in self._changed.items():
            if topic is None:
                if gone := self.topics.pop(name, None):
                    self.names.pop(gone.number, None)
            else:
                self.topics[name] = topic
            if topic and topic.once:
                self.once.setdefault(name)
            else:
                self.once.pop(name, None)
        self.dropped.update(self._dropping)
        self._begin()

    def undo(self) -> None:
        """The transaction was rolled back."""
        self.size, self.last, self.oldest = self._before
        self._begin()

    def _begin(self) -> None:
        self._changed.clear()
        self._dropping.clear()
        self._before = self.size, self.last, self.oldest


def row_cost(wire: bytes, key: str | None) -> int:
    """The bytes that an entry takes in the file. ``ROW_COST`` is the same in SQL."""
    size = len(wire) + len(key or "")
    return size + min(size // 4, PAGE) + ROW_OVERHEAD
