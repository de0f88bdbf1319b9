"""A log on disk: what was acknowledged is still there after the process, or the machine, has died.

One SQLite file, in write-ahead mode. A batch of publications is one transaction, and it is on the disk before
``append`` returns (``synchronous=FULL``); the more publishers wait for each other, the more of them share the cost.
Reading has a connection of its own and waits for no writer.

Each start of a server opens an *era*: its ids have a mark of their own. An id is known if its position lies in its
own era, so that an id which was given but lost with a crash is never taken for the event that has its position now.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from heapq import merge
from itertools import count
from operator import itemgetter

from ..errors import LogError
from .memory import Entry, Publication, check_room, new_mark, parse_id, take
from .retention import Retention

ERAS = 1_000  # starts of a server that are remembered
DROPS_AT_ONCE = 1_000  # entries that are too old, and that one batch of publications has to clear away
APPLICATION, VERSION = 0x53534544, 1  # what says that a file is ours

_SCHEMA = """
CREATE TABLE eras (first INTEGER PRIMARY KEY, mark TEXT NOT NULL);
CREATE TABLE topics (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dropped_up_to INTEGER NOT NULL);
CREATE TABLE entries (
  position INTEGER PRIMARY KEY, topic INTEGER NOT NULL, key TEXT, time REAL NOT NULL, wire BLOB NOT NULL
);
CREATE INDEX entries_by_topic ON entries (topic, position);
CREATE INDEX entries_by_key ON entries (topic, key) WHERE key IS NOT NULL;
CREATE INDEX entries_without_key ON entries (position) WHERE key IS NULL;
CREATE TABLE idempotency (
  number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, fingerprint BLOB NOT NULL, id TEXT NOT NULL
);
"""
_FORGOTTEN = ""  # the name under which the topics that are no longer there are kept, all together


class SqliteLog:
    """A log in a file, within the limits ``log_events``, ``log_bytes``, ``log_age`` and ``max_topics``.

    Raises :class:`LogError` where the file is another program's, or used by another server at the same time.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike, settings: Retention | None = None):
        self.settings = settings or Retention()
        self.path = os.path.abspath(path)
        self._writing, self._reading = threading.Lock(), threading.Lock()
        with ExitStack() as opened:
            try:
                self._owner = opened.enter_context(closing(self._claim()))
                self._writer = opened.enter_context(closing(_connect(self.path)))
                self._prepare()
                self._reader = opened.enter_context(closing(_connect(self.path)))
                self._reader.execute("PRAGMA query_only = ON")
            except sqlite3.Error as error:
                raise LogError(f"{self.path} cannot be used as a log: {error}") from error
            self._open = opened.pop_all()

    def close(self) -> None:
        """Close the file. Nothing else may be called afterwards."""
        with self._writing, self._reading:
            self._open.close()

    def append(self, batch: Sequence[Publication]) -> list[Entry]:
        with self._writing:
            try:
                with _transaction(self._writer):
                    now = time.time()
                    self._drop_old(now)
                    entries = [self._insert(publication, now) for publication in batch]
                    self._drop_old(now)
            except BaseException as error:
                self._count()  # what had been counted was rolled back
                if isinstance(error, sqlite3.Error):
                    raise LogError(f"{self.path} does not take events: {error}") from error
                raise
            for publication, entry in zip(batch, entries, strict=True):
                if publication.idempotency:
                    key, fingerprint = publication.idempotency
                    self.idempotency_keys[key] = fingerprint, entry.id
                    if len(self.idempotency_keys) > self.settings.idempotency_keys:
                        self.idempotency_keys.popitem(last=False)
            self._last = self._given  # not before the commit: until then no reader can see them
            return entries

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        if last_event_id:
            mark, position = parse_id(last_event_id)
            return position if position <= self._last and self._mark_of(position) == mark else None
        last = self._last  # before the transaction, or it might pass over what is committed in between
        with self._reading, _transaction(self._reader) as db:
            newest = (
                "SELECT position FROM entries JOIN topics ON number = topic "
                f"WHERE name IN ({_places(topics)}) ORDER BY position DESC LIMIT ?"
            )
            (first,) = db.execute(f"SELECT min(position) FROM ({newest})", (*topics, recent)).fetchone()
            start = last if first is None else first - 1
            return max(start, self._dropped_up_to(db, topics))

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: int) -> tuple[list[Entry], int]:
        with self._reading, _transaction(self._reader) as db, ExitStack() as open_cursors:
            each = [open_cursors.enter_context(closing(self._after(db, topic, after))) for topic in topics]
            return take(merge(*each), until, max_bytes), self._dropped_up_to(db, topics)

    def _after(self, db: sqlite3.Connection, topic: str, position: int) -> Iterator[Entry]:
        rows = db.execute(
            "SELECT position, key, wire, time FROM entries WHERE topic = (SELECT number FROM topics WHERE name = ?) "
            "AND position > ? ORDER BY position",
            (topic, position),
        )
        with closing(rows):
            for position, key, wire, published in rows:
                yield Entry(position, topic, key, f"{self._mark_of(position)}-{position}", wire, published)

    def _dropped_up_to(self, db: sqlite3.Connection, topics: Collection[str]) -> int:
        known = dict(
            db.execute(
                f"SELECT name, dropped_up_to FROM topics WHERE name IN (?, {_places(topics) or 'NULL'})",
                (_FORGOTTEN, *topics),
            )
        )
        return max((known.get(topic, known[_FORGOTTEN]) for topic in topics), default=0)

    def _mark_of(self, position: int) -> str | None:
        """The mark of the era in which the position was given."""
        era = bisect_right(self._eras, position, key=itemgetter(0)) - 1
        return self._eras[era][1] if era >= 0 else None

    def _insert(self, publication: Publication, now: float) -> Entry:
        topic, event, key, idempotency = publication
        kept = self._topics.get(topic) or self._new_topic(topic)
        position = self._given + 1
        id = f"{self._eras[-1][1]}-{position}"
        wire = event._replace(id=id).encode()
        if key is not None:
            self._drop("topic = ? AND key = ?", (kept.number, key))
        self._writer.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (position, kept.number, key, now, wire))
        self._given = position
        self._size += len(wire)
        self._oldest = min(self._oldest, now)
        kept.events += 1
        if kept.events > self.settings.log_events:
            first = "position = (SELECT min(position) FROM entries WHERE topic = ?)"
            self._note_dropped(*self._drop(first, (kept.number,)))
        if idempotency:
            self._writer.execute("INSERT INTO idempotency (key, fingerprint, id) VALUES (?, ?, ?)", (*idempotency, id))
            self._writer.execute(
                "DELETE FROM idempotency WHERE number <= last_insert_rowid() - ?", (self.settings.idempotency_keys,)
            )
        return Entry(position, topic, key, id, wire, now)

    def _new_topic(self, name: str) -> _Topic:
        check_room(len(self._topics) + 1, self.settings)
        (number,) = self._writer.execute(
            "INSERT INTO topics (name, dropped_up_to) "
            "SELECT ?, dropped_up_to FROM topics WHERE name = ? RETURNING number",
            (name, _FORGOTTEN),
        ).fetchone()
        self._topics[name] = self._by_number[number] = kept = _Topic(name, number)
        return kept

    def _drop_old(self, now: float) -> None:
        """Drop the oldest entries of all topics, as long as there is too much or they are too old.

        Where a lot has become too old, not all at once: the publishers that come next share the work.
        """
        for dropped in count():
            too_much = self._size > self.settings.log_bytes
            if not too_much and (dropped >= DROPS_AT_ONCE or now - self._oldest <= self.settings.log_age):
                return
            oldest = self._writer.execute(
                "SELECT position, time FROM entries WHERE key IS NULL ORDER BY position LIMIT 1"
            ).fetchone()
            if oldest is None and too_much:  # all that is left has keys
                oldest = self._writer.execute("SELECT min(position), -1e9 FROM entries").fetchone()
            position, self._oldest = oldest or (None, math.inf)
            if too_much or now - self._oldest > self.settings.log_age:
                self._note_dropped(*self._drop("position = ?", (position,)))

    def _drop(self, which: str, values: tuple) -> tuple[_Topic, int] | None:
        """Delete the entry. Returns its topic and position, where there was one."""
        gone = self._writer.execute(
            f"DELETE FROM entries WHERE {which} RETURNING topic, position, length(wire)", values
        ).fetchall()
        for number, position, size in gone:
            self._size -= size
            self._by_number[number].events -= 1
            return self._by_number[number], position
        return None

    def _note_dropped(self, topic: _Topic, position: int) -> None:
        """Something is missing from this topic now; one that is empty is dropped as a whole."""
        noted = topic.name
        if not topic.events:
            self._writer.execute("DELETE FROM topics WHERE number = ?", (topic.number,))
            del self._topics[topic.name], self._by_number[topic.number]
            noted = _FORGOTTEN
        self._writer.execute(
            "UPDATE topics SET dropped_up_to = max(dropped_up_to, ?) WHERE name = ?", (position, noted)
        )

    def _claim(self) -> sqlite3.Connection:
        """Only one server may write: the lock on a second file, which the system takes back even after a kill."""
        owner = sqlite3.connect(f"{self.path}-owner", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            owner.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            owner.close()
            raise LogError(f"{self.path} is in use by another server") from error
        return owner

    def _prepare(self) -> None:
        """Make the tables in a new file, and open an era."""
        db = self._writer
        (is_new,) = db.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()
        if is_new:
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("PRAGMA journal_mode = WAL")
        found = *db.execute("PRAGMA application_id").fetchone(), *db.execute("PRAGMA user_version").fetchone()
        if found != (APPLICATION, VERSION):
            raise LogError(f"{self.path} is no event log of this version; choose another file")
        with _transaction(db):
            if is_new:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute("INSERT INTO topics (name, dropped_up_to) VALUES (?, 0)", (_FORGOTTEN,))
            self._eras: list[tuple[int, str]] = []
            self._count()
            db.execute("INSERT OR REPLACE INTO eras VALUES (?, ?)", (self._last + 1, new_mark()))
            db.execute(
                "DELETE FROM eras WHERE first NOT IN (SELECT first FROM eras ORDER BY first DESC LIMIT ?)", (ERAS,)
            )
            self._eras = db.execute("SELECT first, mark FROM eras ORDER BY first").fetchall()
        self.idempotency_keys: OrderedDict[str, tuple[bytes, str]] = OrderedDict(
            (key, (fingerprint, id))
            for key, fingerprint, id in db.execute("SELECT key, fingerprint, id FROM idempotency ORDER BY number")
        )

    def _count(self) -> None:
        """What the writer knows by heart, so that it need not ask."""
        db = self._writer
        self._topics: dict[str, _Topic] = {}
        self._by_number: dict[int, _Topic] = {}
        for name, number, events in db.execute(
            "SELECT name, number, (SELECT count(*) FROM entries WHERE topic = number) FROM topics WHERE name != ?",
            (_FORGOTTEN,),
        ):
            self._topics[name] = self._by_number[number] = _Topic(name, number, events)
        (self._size,) = db.execute("SELECT coalesce(sum(length(wire)), 0) FROM entries").fetchone()
        (self._oldest,) = db.execute("SELECT coalesce(min(time), 9e999) FROM entries WHERE key IS NULL").fetchone()
        (self._given,) = db.execute(
            "SELECT max((SELECT coalesce(max(position), 0) FROM entries), (SELECT max(dropped_up_to) FROM topics), "
            "(SELECT coalesce(max(first), 1) - 1 FROM eras))"
        ).fetchone()
        self._last = self._given


@dataclass(slots=True)
class _Topic:
    name: str
    number: int
    events: int = 0


def _connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    return db


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    db.execute("BEGIN")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _places(values: Collection) -> str:
    return ", ".join("?" * len(values))
