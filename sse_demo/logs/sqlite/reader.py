"""Reading from a log file, on connections that wait for no writer.

Each read has a connection to itself, and no lock. So a finalizer that interrupts one and publishes cannot make the
thread that appends wait for it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, closing
from heapq import merge
from operator import itemgetter

from ..contract import Entry, Snapshot, parse_id, take_until
from .file import FORGOTTEN, explained, transaction

_OF_TOPIC = "topic = (SELECT number FROM topics WHERE name = ?)"


class Reader:
    """The reading half of a log file.

    Args:
        connect: Opens a connection.
        name: What errors call the file.
        eras: The first position and the mark of each era, in order.
        last: The last position of the log.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], name: str, eras: list[tuple[int, str]], last: int
    ) -> None:
        self.last = last  #: not larger than what is committed
        self._connect = connect
        self._idle: deque[sqlite3.Connection] = deque([connect()])
        self._is_closed = False
        self._name = name
        self._eras = eras

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
        """Close the connections: those that are used now as soon as they are not."""
        self._is_closed = True
        self._close_idle()

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with explained(self._name):
            try:
                db = self._idle.pop()
            except IndexError:  # all are in use
                db = self._connect()
            try:
                with transaction(db):
                    yield db
            finally:
                self._idle.append(db)
                if self._is_closed:
                    self._close_idle()

    def _close_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

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
