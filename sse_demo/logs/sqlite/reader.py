"""Reading from a log file, on a connection of its own that waits for no writer."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack, closing
from heapq import merge
from operator import itemgetter

from ..contract import Entry, Snapshot, parse_id, take_until
from .file import FORGOTTEN, explained, transaction

_OF_TOPIC = "topic = (SELECT number FROM topics WHERE name = ?)"


class Reader:
    """The reading half of a log file.

    Args:
        db: The connection.
        name: What errors call the file.
        eras: The first position and the mark of each era, in order.
        last: The last position of the log.
    """

    def __init__(self, db: sqlite3.Connection, name: str, eras: list[tuple[int, str]], last: int) -> None:
        self.last = last  #: not larger than what is committed
        self._db = db
        self._name = name
        self._eras = eras
        self._reading = threading.Lock()

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """See :meth:`EventLog.seek`."""
        last = self.last  # before the transaction, or it might pass over what is committed in between
        if last_event_id:
            mark, position = parse_id(last_event_id)
            return position if position <= last and self._mark_of(position) == mark else None
        with self._read() as db:
            start = last
            if recent and topics:
                start = min(start, self._before_newest(db, topics, recent, start))
            return max(start, self._dropped_up_to(db, topics))

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: float) -> tuple[list[Entry], int]:
        """See :meth:`EventLog.read`."""
        with self._read() as db, ExitStack() as open_cursors:
            each = [open_cursors.enter_context(closing(self._after(db, topic, after))) for topic in topics]
            return take_until(merge(*each), until, max_bytes), self._dropped_up_to(db, topics)

    def snapshot(self, topic: str) -> Snapshot | None:
        """See :meth:`EventLog.snapshot`."""
        with self._read() as db:
            found = db.execute(f"SELECT position, block FROM snapshots WHERE {_OF_TOPIC}", (topic,)).fetchone()
        return Snapshot(found[0], self._mark_of(found[0]) or "", found[1]) if found else None

    def close(self) -> None:
        """Wait until nobody reads, and close the connection."""
        with self._reading:
            self._db.close()

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading, explained(self._name), transaction(self._db) as db:
            yield db

    def _before_newest(self, db: sqlite3.Connection, topics: Collection[str], recent: int, last: int) -> int:
        """The position before the newest ``recent`` entries: each topic is read as far as it can have some of them."""
        page = recent // len(topics) + 1
        newest: list[int] = []
        unread = dict.fromkeys(topics, last + 1)  # from where on each topic is still to be read
        query = f"SELECT position FROM entries WHERE {_OF_TOPIC} AND position < ? ORDER BY position DESC LIMIT ?"
        while unread:
            for topic, end in list(unread.items()):
                positions = [position for (position,) in db.execute(query, (topic, end, page))]
                newest += positions
                unread[topic] = positions[-1] if len(positions) == page else 0
            newest = sorted(newest, reverse=True)[:recent]
            enough = newest[-1] if len(newest) == recent else 0
            unread = {topic: end for topic, end in unread.items() if end > enough}
            page *= 2
        return newest[-1] - 1 if newest else last

    def _after(self, db: sqlite3.Connection, topic: str, position: int) -> Generator[Entry]:
        rows = db.execute(
            f"SELECT position, key, wire, time FROM entries WHERE {_OF_TOPIC} AND position > ? ORDER BY position",
            (topic, position),
        )
        with closing(rows):
            for position, key, wire, appended in rows:
                yield Entry(position, topic, key, self._mark_of(position) or "", wire, appended)

    def _dropped_up_to(self, db: sqlite3.Connection, topics: Collection[str]) -> int:
        query = f"SELECT name, dropped_up_to FROM topics WHERE name IN (?{', ?' * len(topics)})"
        known: dict[str, int] = dict(db.execute(query, (FORGOTTEN, *topics)).fetchall())
        return max((known.get(topic, known[FORGOTTEN]) for topic in topics), default=0)

    def _mark_of(self, position: int) -> str | None:
        """The mark of the era in which the position was given."""
        era = bisect_right(self._eras, position, key=itemgetter(0)) - 1
        return self._eras[era][1] if era >= 0 else None
