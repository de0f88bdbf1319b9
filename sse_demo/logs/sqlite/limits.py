"""Limits that were lowered since a file was written hold from the moment on when it is opened."""

from __future__ import annotations

import sqlite3

from ..retention import Retention
from .counts import ROW_COST
from .file import FORGOTTEN

_UNLIMITED = 2**62  # rows; SQLite has no infinity


def apply_limits(db: sqlite3.Connection, settings: Retention, now: float) -> None:
    """Drop what is more than the limits allow, the oldest first. All at once, which takes seconds for a million."""
    events = min(settings.log_events, _UNLIMITED)
    for (topic,) in db.execute("SELECT topic FROM entries GROUP BY topic HAVING count(*) > ?", (events,)).fetchall():
        newest = "SELECT position FROM entries WHERE topic = ? ORDER BY position DESC LIMIT 1 OFFSET ?"
        (last,) = db.execute(newest, (topic, events)).fetchone()
        _drop_entries(db, "topic = ? AND position <= ?", (topic, last))

    too_old = "SELECT max(position) FROM entries WHERE key IS NULL AND time < ?"
    _drop_entries(db, f"key IS NULL AND position <= ({too_old})", (now - min(settings.log_age, now),))

    costs = f"SELECT position, {ROW_COST} AS cost FROM entries UNION ALL SELECT position, length(block) FROM snapshots"
    (last,) = db.execute(
        "SELECT max(position) FROM (SELECT position, sum(cost) OVER (ORDER BY position DESC) AS size "
        f"FROM ({costs})) WHERE size > ?",
        (min(settings.log_bytes, _UNLIMITED),),
    ).fetchone()
    if last is not None:
        _drop_entries(db, "position <= ?", (last,))
        db.execute("DELETE FROM snapshots WHERE position <= ?", (last,))
    _drop_empty_topics(db)

    newest = "SELECT topic, max(position) AS newest FROM (SELECT topic, position FROM entries UNION ALL "
    newest += "SELECT topic, position FROM snapshots) GROUP BY topic ORDER BY newest DESC LIMIT -1 OFFSET ?"
    for topic, _ in db.execute(newest, (min(settings.max_topics, _UNLIMITED),)).fetchall():
        _drop_entries(db, "topic = ?", (topic,))
        db.execute("DELETE FROM snapshots WHERE topic = ?", (topic,))
    _drop_empty_topics(db)

    keys = "SELECT number FROM idempotency ORDER BY number DESC LIMIT 1 OFFSET ?"
    db.execute(f"DELETE FROM idempotency WHERE number <= ({keys})", (min(settings.idempotency_keys, _UNLIMITED),))


def _drop_entries(db: sqlite3.Connection, which: str, values: tuple[object, ...]) -> None:
    dropped = f"SELECT topic, max(position) FROM entries WHERE {which} GROUP BY topic"
    for topic, last in db.execute(dropped, values).fetchall():
        db.execute("UPDATE topics SET dropped_up_to = max(dropped_up_to, ?) WHERE number = ?", (last, topic))
    db.execute(f"DELETE FROM entries WHERE {which}", values)


def _drop_empty_topics(db: sqlite3.Connection) -> None:
    empty = "name != ? AND number NOT IN (SELECT topic FROM entries) AND number NOT IN (SELECT topic FROM snapshots)"
    db.execute(
        "UPDATE topics SET dropped_up_to = max(dropped_up_to, "
        f"(SELECT coalesce(max(dropped_up_to), 0) FROM topics WHERE {empty})) WHERE name = ?",
        (FORGOTTEN, FORGOTTEN),
    )
    db.execute(f"DELETE FROM topics WHERE {empty}", (FORGOTTEN,))
