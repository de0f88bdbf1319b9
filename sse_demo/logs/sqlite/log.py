"""A log on disk: what was acknowledged is still there after the process, or the machine, has died.

One SQLite file, in write-ahead mode. A batch of publications is one transaction, and it is on the disk before
``append`` returns (``synchronous=FULL``); the more publishers wait for each other, the more of them share the cost.
Reading has a connection of its own and waits for no writer.

Each start of a server opens an *era*: its ids have a mark of their own. An id is known if its position lies in its
own era, so that an id which was given but lost with a crash is never taken for the event that has its position now.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence

from ...errors import LogError, Rejected
from ..contract import Entry, Follower, Publication, Snapshot, decide, id_line, id_of, ids_of
from ..retention import Retention
from .counts import ROW_COST, Counts, TopicCount, row_cost
from .file import FORGOTTEN, SqliteFile, explained, transaction
from .limits import apply_limits
from .reader import Reader

DROPS_AT_ONCE = 1_000  # entries that are too old, and that one batch of publications has to clear away

_OF_TOPIC = "topic = (SELECT number FROM topics WHERE name = ?)"


class SqliteLog:
    """A log in a file, within the limits of :class:`Retention`.

    Args:
        path: The file. It is made where there is none.
        settings: What is kept.

    Raises:
        LogError: The file is another program's, or it is used by another server at the same time.
    """

    def __init__(self, path: str | os.PathLike[str], settings: Retention | None = None) -> None:
        self.settings = Retention() if settings is None else settings
        self._file = SqliteFile(path)
        self._db = self._file.writer
        self._writing = threading.Lock()
        self._followers: tuple[Follower, ...] = ()
        self._is_reachable = True
        try:
            with explained(self._file.name):
                with transaction(self._db) as db:
                    apply_limits(db, self.settings, time.time())
                self._counts = Counts(self._db)
                self._eras = self._file.open_era(self._counts.last)
                rows = self._db.execute("SELECT key, fingerprint, id FROM idempotency ORDER BY number")
                self._idempotency = OrderedDict((key, (fingerprint, id)) for key, fingerprint, id in rows)
                connect = self._file.connect_to_read
                self._reader = Reader(connect, self._file.name, self._eras, self._counts.last)
        except BaseException:
            self._file.close()
            raise

    @property
    def dropped(self) -> Mapping[str, int]:
        """See :attr:`EventLog.dropped`."""
        return self._counts.dropped

    def append(self, batch: Sequence[Publication]) -> list[str]:
        """See :meth:`EventLog.append`."""
        with self._writing:
            self._require_file()
            now = time.time()
            decisions = self._decide(batch, now)
            with self._change():
                self._drop_old(now)
                due = [publication for publication, known in zip(batch, decisions, strict=True) if known is None]
                entries = [self._insert(publication, now) for publication in due]
                self._drop_to_fit()
            for publication, entry in zip(due, entries, strict=True):
                if publication.idempotency:
                    self._remember(*publication.idempotency, entry.id)
            self._reader.last = self._counts.last  # not before the commit: until then no reader can see them
            for follower in self._followers:
                follower.appended(entries)
            return ids_of(decisions, (entry.id for entry in entries))

    def follow(self, follower: Follower) -> None:
        """See :meth:`EventLog.follow`."""
        self._followers = (*self._followers, follower)
        if not self._is_reachable:
            follower.reachable(False)

    def unfollow(self, follower: Follower) -> None:
        """See :meth:`EventLog.unfollow`."""
        self._followers = tuple(other for other in self._followers if other is not follower)

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """See :meth:`EventLog.seek`."""
        return self._reader.seek(topics, last_event_id, recent)

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: float) -> tuple[list[Entry], int]:
        """See :meth:`EventLog.read`."""
        return self._reader.read(topics, after, until, max_bytes)

    def snapshot(self, topic: str) -> Snapshot | None:
        """See :meth:`EventLog.snapshot`."""
        return self._reader.snapshot(topic)

    def close(self) -> None:
        """See :meth:`EventLog.close`."""
        with self._writing:
            self._reader.close()
            self._file.close()

    def _require_file(self) -> None:
        is_there = self._file.is_still_there()
        if is_there != self._is_reachable:
            self._is_reachable = is_there
            for follower in self._followers:
                follower.reachable(is_there)
        if not is_there:
            raise LogError(f"{self._file.name} was removed or replaced while it was in use; start the server again")

    def _decide(self, batch: Sequence[Publication], now: float) -> list[str | int | None]:
        def decided() -> list[str | int | None]:
            return decide(
                batch,
                remembered=self._idempotency.get,
                snapshot_position=self._snapshot_position,
                topics=self._counts.topics,
                max_topics=self.settings.max_topics,
                may_go=self._counts.once.keys(),
            )

        try:
            return decided()
        except Rejected:
            if now - self._counts.oldest <= self.settings.log_age:
                raise
        with self._change():
            self._drop_old(now)  # which may make room for a topic
        return decided()

    def _snapshot_position(self, topic: str) -> int:
        found = self._counts.topics.get(topic)
        return found.snapshot if found else 0

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """A transaction, and with it what the writer knows by heart."""
        try:
            with explained(self._file.name), transaction(self._db):
                yield
        except BaseException:
            self._counts.undo()
            raise
        self._counts.keep()

    def _insert(self, publication: Publication, now: float) -> Entry:
        db, counts = self._db, self._counts
        name, block, key, idempotency, snapshot, _ = publication
        known = counts.get(name)
        topic = known or self._add_topic(name)
        position = counts.last + 1
        id = id_of(self._eras[-1][1], position)
        wire = id_line(id) + block
        events = topic.events + 1 - (0 if key is None else self._delete("topic = ? AND key = ?", (topic.number, key)))
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (position, topic.number, key, now, wire))
        counts.last = position
        counts.size += row_cost(wire, key)
        if key is None:
            counts.oldest = min(counts.oldest, now)
        topic = topic._replace(events=events, once=known is None)
        if snapshot is not None:
            db.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (topic.number, position, snapshot))
            counts.size += len(snapshot) - topic.snapshot_size
            topic = topic._replace(snapshot=position, snapshot_size=len(snapshot))
        counts.put(name, topic)
        if topic.events > self.settings.log_events:
            self._drop_first(name, "log_events")
        if idempotency:
            db.execute("INSERT INTO idempotency (key, fingerprint, id) VALUES (?, ?, ?)", (*idempotency, id))
            limit = (self.settings.idempotency_keys,)
            db.execute("DELETE FROM idempotency WHERE number <= last_insert_rowid() - ?", limit)
        return Entry(position, name, key, self._eras[-1][1], wire, now)

    def _add_topic(self, name: str) -> TopicCount:
        if self._counts.number_of_topics >= self.settings.max_topics:
            given_up = next(name for name in self._counts.once if (topic := self._counts.get(name)) and topic.once)
            while self._counts.get(given_up):
                self._drop_first(given_up, "max_topics")
        (number,) = self._db.execute(
            "INSERT INTO topics (name, dropped_up_to) "
            "SELECT ?, dropped_up_to FROM topics WHERE name = ? RETURNING number",
            (name, FORGOTTEN),
        ).fetchone()
        self._counts.names[number] = name
        return TopicCount(number)

    def _remember(self, key: str, fingerprint: bytes, id: str) -> None:
        self._idempotency[key] = fingerprint, id
        if len(self._idempotency) > self.settings.idempotency_keys:
            self._idempotency.popitem(last=False)

    # Making room

    def _drop_to_fit(self) -> None:
        """Drop the oldest of all, as long as there is too much."""
        while self._counts.size > self.settings.log_bytes:
            (oldest,) = self._db.execute(
                "SELECT topic FROM (SELECT * FROM (SELECT position, topic FROM entries ORDER BY position LIMIT 1) "
                "UNION ALL SELECT * FROM (SELECT position, topic FROM snapshots ORDER BY position LIMIT 1)) "
                "ORDER BY position LIMIT 1"
            ).fetchone()
            self._drop_first(self._counts.names[oldest], "log_bytes")

    def _drop_old(self, now: float) -> None:
        """Drop what is too old, but not all at once: the publishers that come next share the work.

        A clock may have been wrong for a while. So whatever stands before an entry that is too old is too old, too.
        """
        counts, limit = self._counts, self.settings.log_age
        if now - counts.oldest <= limit:
            return
        query = "SELECT position, topic, time FROM entries WHERE key IS NULL ORDER BY position LIMIT ?"
        rows = self._db.execute(query, (DROPS_AT_ONCE,)).fetchall()
        old = max((place for place, row in enumerate(rows, start=1) if now - row[2] > limit), default=0)
        if not old:  # the first of them come from a clock that was ahead
            (last,) = self._db.execute(
                "SELECT max(position) FROM entries WHERE key IS NULL AND time < ?", (now - limit,)
            ).fetchone()
            old = sum(position <= (last or 0) for position, _, _ in rows)
        for _, topic, _ in rows[:old]:
            self._drop_first(self._counts.names[topic], "")
        if old < DROPS_AT_ONCE:
            counts.oldest = min([now, *(appended for _, _, appended in rows[old:])])

    def _drop_first(self, name: str, reason: str) -> None:
        """Drop the oldest entry of a topic, and the topic with its last one.

        ``reason`` is the limit that the entry makes room for. There is none where the entry is too old; then a state
        keeps its snapshot.
        """
        db, counts = self._db, self._counts
        topic = counts.get(name)
        assert topic is not None
        if topic.events:
            (position,) = db.execute("SELECT min(position) FROM entries WHERE topic = ?", (topic.number,)).fetchone()
            self._delete("position = ?", (position,))
            db.execute("UPDATE topics SET dropped_up_to = ? WHERE number = ?", (position, topic.number))
            topic = topic._replace(events=topic.events - 1)
            counts.put(name, topic)
            if reason:
                counts.drop(reason)
        if topic.events or (topic.snapshot and not reason):
            return
        counts.size -= topic.snapshot_size
        db.execute("DELETE FROM snapshots WHERE topic = ?", (topic.number,))
        db.execute(
            "UPDATE topics SET dropped_up_to = max(dropped_up_to, (SELECT dropped_up_to FROM topics WHERE number = ?)) "
            "WHERE name = ?",
            (topic.number, FORGOTTEN),
        )
        db.execute("DELETE FROM topics WHERE number = ?", (topic.number,))
        counts.put(name, None)

    def _delete(self, which: str, values: tuple[object, ...]) -> int:
        """Delete entries, and return how many there were."""
        costs = self._db.execute(f"DELETE FROM entries WHERE {which} RETURNING {ROW_COST}", values).fetchall()
        self._counts.size -= sum(cost for (cost,) in costs)
        return len(costs)
