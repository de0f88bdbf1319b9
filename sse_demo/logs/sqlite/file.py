"""The file of a log: whose it is, which tables it has, and what it held when it was opened."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial

from ...errors import LogError, LogFull, LogUncertain
from ..contract import new_mark

ERAS = 1_000  # starts of a server that are remembered
BUSY_TIMEOUT = 5.0  # seconds to wait for another program that has locked the file
APPLICATION, VERSION = 0x53534544, 2  # what says that a file is ours
MAX_POSITION = 10**18 - 1  # an id has no more digits
FORGOTTEN = ""  # the name under which the topics that are no longer there are kept, all together

_logger = logging.getLogger("sse_demo.logs")

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
_SNAPSHOTS = """
CREATE TABLE snapshots (topic INTEGER PRIMARY KEY, position INTEGER NOT NULL, block BLOB NOT NULL);
CREATE INDEX snapshots_by_position ON snapshots (position);
"""
# Version 1 kept snapshots as entries of a topic of their own, right after the event that had led to them.
_FROM_VERSION_1 = (
    _SNAPSHOTS
    + """
INSERT INTO snapshots
  SELECT owner.number, entry.position - 1, entry.wire
  FROM entries AS entry JOIN topics AS old ON entry.topic = old.number AND old.name = '#snapshots'
  JOIN topics AS owner ON owner.name = entry.key;
DELETE FROM entries WHERE topic IN (SELECT number FROM topics WHERE name = '#snapshots');
DELETE FROM topics WHERE name = '#snapshots';
UPDATE snapshots SET block = CAST(
  substr(block, 1, instr(block, CAST(x'0a' || 'id: ' AS BLOB))) || substr(block, instr(block, CAST('data: ' AS BLOB)))
  AS BLOB)
"""
)
# What cannot be a row of ours: damage, or another program.
_OF_NO_TOPIC = "topic NOT IN (SELECT number FROM topics)"
_UNREADABLE = {
    "topics": f"typeof(name) != 'text' OR typeof(dropped_up_to) != 'integer' OR dropped_up_to > {MAX_POSITION}",
    "entries": "typeof(wire) != 'blob' OR typeof(time) NOT IN ('real', 'integer') "
    f"OR typeof(key) NOT IN ('text', 'null') OR position > {MAX_POSITION} OR {_OF_NO_TOPIC}",
    "snapshots": f"typeof(block) != 'blob' OR typeof(position) != 'integer' OR position > {MAX_POSITION} "
    f"OR {_OF_NO_TOPIC}",
    "idempotency": "typeof(key) != 'text' OR typeof(fingerprint) != 'blob' OR typeof(id) != 'text'",
    "eras": f"typeof(mark) != 'text' OR first > {MAX_POSITION}",
}


class SqliteFile:
    """A file that is ours alone, with the one connection that writes.

    Args:
        path: The file. It is made where there is none.

    Raises:
        LogError: The file is another program's, or it is used by another server at the same time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)  # a symbolic link is another name of the same file
        with ExitStack() as opened:
            try:
                opened.enter_context(closing(self._claim()))
                self.writer = opened.enter_context(closing(_connect(self.path)))
                self._prepare()
                self._places = self._look()
            except (sqlite3.Error, OSError) as error:
                raise LogError(f"{self.path} cannot be used as a log: {error}") from error
            self._open = opened.pop_all()

    @property
    def name(self) -> str:
        """The name without its folder, for those who need not know where it is."""
        return os.path.basename(self.path)

    def connect_to_read(self) -> sqlite3.Connection:
        """Another connection, which cannot change anything."""
        db = _connect(self.path)
        db.execute("PRAGMA query_only = ON")
        return db

    def close(self) -> None:
        """Close the writing connection, and let another server have the file."""
        self._open.close()

    def is_still_there(self) -> bool:
        """Whether the name still leads to the file that was opened. What is written to another one is lost."""
        try:
            return self._look() == self._places
        except OSError:
            return False

    def _look(self) -> list[tuple[int, int]]:
        found = [os.stat(self.path), os.stat(f"{self.path}-wal")]
        return [(one.st_dev, one.st_ino) for one in found]

    def _claim(self) -> sqlite3.Connection:
        """Only one server may write: the lock on a second file, which the system takes back even after a kill."""
        if os.path.exists(self.path) and os.stat(self.path).st_nlink > 1:
            raise LogError(f"{self.path} has more than one name (hard links): another server could use it unnoticed")
        owner = sqlite3.connect(f"{self.path}-owner", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            owner.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            owner.close()
            raise LogError(f"{self.path} is in use by another server") from error
        except BaseException:
            owner.close()
            raise
        return owner

    def _prepare(self) -> None:
        """Make the tables in a new file, bring an older one up to date, and drop rows that are none of ours."""
        db = self.writer
        (is_new,) = db.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()
        if is_new:
            db.execute(f"PRAGMA application_id = {APPLICATION}")
        (application,), (version,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        if application != APPLICATION or version not in ((0,) if is_new else (1, VERSION)):
            raise LogError(f"{self.path} is no event log of this version; choose another file")
        db.execute("PRAGMA journal_mode = WAL")
        with transaction(db):
            if is_new:
                for statement in (_SCHEMA + _SNAPSHOTS).split(";"):
                    db.execute(statement)
            elif version == 1:
                for statement in _FROM_VERSION_1.split(";"):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
            for table, unreadable in _UNREADABLE.items():
                if dropped := db.execute(f"DELETE FROM {table} WHERE {unreadable}").rowcount:
                    _logger.warning("%s: %d rows of %s cannot be read, and are left out", self.path, dropped, table)
            db.execute("INSERT OR IGNORE INTO topics (name, dropped_up_to) VALUES (?, 0)", (FORGOTTEN,))

    def open_era(self, last: int) -> list[tuple[int, str]]:
        """Begin an era after this position. Returns the first position and the mark of each era, in order."""
        with transaction(self.writer) as db:
            db.execute("INSERT OR REPLACE INTO eras VALUES (?, ?)", (last + 1, new_mark()))
            known = "SELECT first FROM eras ORDER BY first DESC LIMIT ?"
            db.execute(f"DELETE FROM eras WHERE first NOT IN ({known})", (ERAS,))
            return db.execute("SELECT first, mark FROM eras ORDER BY first").fetchall()


def _connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    db.text_factory = partial(str, encoding="utf-8", errors="replace")  # what is damaged is not to break all else
    try:
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All that is done with the connection, or nothing of it."""
    db.execute("BEGIN")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """What SQLite says of the file becomes one of our errors. Those name the file, and not its folder."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_IOERR:  # what has come as far as the disk may be there after a crash
            raise LogUncertain(f"{name} may have lost the events: {error}") from error
        kind = LogFull if code == sqlite3.SQLITE_FULL else LogError
        raise kind(f"{name} does not take events: {error}") from error
