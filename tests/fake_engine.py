"""An engine that several nodes share, in memory and deterministic.

It can lose its newest entries, hang, and answer after it has broken off. ``SharedLog`` is one node's log on it: the
engine orders and keeps, the node holds a mirror. It is what a log on Redis or the like comes to, and shows that such a
log fits the seam.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sse_demo import LogError, LogUncertain, Overtaken, Rejected
from sse_demo.logs.contract import Entry, Publication, Snapshot, new_mark, parse_id
from sse_demo.logs.memory import MemoryLog
from sse_demo.logs.retention import Retention

JUMP = 1_000  # positions that are left out where an era begins, so that none is given twice
TRIES = 3  # of an append, where the answer did not come


class Record(NamedTuple):
    entry: Entry
    snapshot: Snapshot | None


class Engine:
    """Orders and keeps. ``troubles`` says what becomes of the next appends: "hangs" or "breaks off".

    What it decides is what a log in memory decides.
    """

    def __init__(self, settings: Retention) -> None:
        self.records: list[Record] = []
        self.name = new_mark()
        self.eras: list[tuple[int, str]] = [(1, f"{self.name}e0")]
        self.nodes: list[SharedLog] = []
        self.troubles: deque[str] = deque()
        self.lock = threading.RLock()
        self._settings = settings
        self._answers: dict[str, list[str]] = {}
        self._begin_era(0, self.eras[0][1], [])

    def append(self, batch: Sequence[Publication], token: str) -> list[str]:
        """All or nothing. The same token again is the same append."""
        trouble = self.troubles.popleft() if self.troubles else ""
        if trouble == "hangs":
            raise LogUncertain("the engine does not answer")
        if token not in self._answers:
            self._answers[token] = self._kept.append(batch)
        if trouble == "breaks off":
            raise LogUncertain("the line broke before the answer came")
        return self._answers[token]

    def lose(self, count: int) -> None:
        """The newest are gone, as after a fail-over to a replica that was behind. Another era begins."""
        with self.lock:
            last = self._kept.seek(()) or 0
            left = self.records[: max(0, len(self.records) - count)]
            self.eras.append((last + JUMP, f"{self.name}e{len(self.eras)}"))
            self._begin_era(last + JUMP - 1, self.eras[-1][1], left)

    def trim(self, keep: int) -> None:
        """The oldest are gone."""
        with self.lock:
            del self.records[: max(0, len(self.records) - keep)]

    def _begin_era(self, last: int, mark: str, records: list[Record]) -> None:
        self._kept = _Kept(self._settings, last, mark, [record.entry for record in records])
        self.records = records
        self._kept.follow(self)

    def appended(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            snapshot = self._kept.snapshot(entry.topic)
            self.records.append(Record(entry, snapshot if snapshot and snapshot.position == entry.position else None))

    def missed(self, up_to: int) -> None: ...

    def complete(self, since: float) -> None: ...

    def reachable(self, is_so: bool) -> None: ...


class _Kept(MemoryLog):
    """What an engine has. Snapshots of an earlier era count as none: a node may know newer ones."""

    def __init__(self, settings: Retention, last: int, mark: str, entries: Sequence[Entry]) -> None:
        super().__init__(settings)
        for entry in entries:
            self._keep(entry, None)
        self._last, self._mark = last, mark


class SharedLog(MemoryLog):
    """One node's log: a mirror of the engine's. ``is_cut_off`` keeps it from the engine until :meth:`heal`."""

    def __init__(self, engine: Engine, settings: Retention | None = None) -> None:
        super().__init__(settings)
        self.is_cut_off = False
        self._engine = engine
        self._eras: list[tuple[int, str]] = []
        self._tokens = (f"{id(self)} {number}" for number in itertools.count())
        with engine.lock:
            self._pump()
            engine.nodes.append(self)

    def append(self, batch: Sequence[Publication]) -> list[str]:
        with self._engine.lock:
            token = next(self._tokens)
            if self.is_cut_off:
                raise LogError("the engine cannot be reached")
            for last in [False] * (TRIES - 1) + [True]:
                try:
                    ids = self._engine.append(batch, token)
                    break
                except LogUncertain:
                    if last:
                        raise
                except Rejected as rejected:
                    self._tell_all()
                    for number, cause in rejected.causes.items():
                        if isinstance(cause, Overtaken):
                            self._forget_snapshot_of_earlier_era(batch[number].topic)
                    raise
            self._tell_all()
            return ids

    def heal(self) -> None:
        with self._engine.lock:
            self.is_cut_off = False
            for follower in self._followers:
                follower.reachable(True)
            self._pump()

    def cut(self) -> None:
        with self._engine.lock:
            self.is_cut_off = True
            for follower in self._followers:
                follower.reachable(False)

    def close(self) -> None:
        with self._engine.lock:
            self._engine.nodes.remove(self)

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        if not last_event_id:
            return super().seek(topics, "", recent)
        mark, position = parse_id(last_event_id)
        for number, (first, known) in enumerate(self._eras):
            if mark == known:
                end = self._eras[number + 1][0] if number + 1 < len(self._eras) else float("inf")
                return position if first <= position < end and (position <= self._last or self.is_cut_off) else None
        return (
            position if mark.startswith("e") and position > self._last and self.is_cut_off else None
        )  # another node's

    def _tell_all(self) -> None:
        for node in self._engine.nodes:
            if not node.is_cut_off:
                node._pump()

    def _pump(self) -> None:
        """Take what the engine has, and tell the followers."""
        asked = time.monotonic()
        self._eras = list(self._engine.eras)
        records = [record for record in self._engine.records if record.entry.position > self._last]
        starts = {first for first, _ in self._eras}
        if records and records[0].entry.position not in {self._last + 1, *starts}:
            gone = records[0].entry.position - 1
            self._forgotten_up_to = max(self._forgotten_up_to, gone)
            for topic in self._topics.values():
                topic.dropped_up_to = gone
            self._last = gone
            for follower in self._followers:
                follower.missed(gone)
        self._drop_old(self._began + asked)
        for record in records:
            self._keep(*record)
        for follower in self._followers:
            if records:
                follower.appended([record.entry for record in records])
            follower.complete(asked)

    def _forget_snapshot_of_earlier_era(self, name: str) -> None:
        topic = self._topics.get(name)
        if topic and topic.snapshot and topic.snapshot.mark != self._eras[-1][1]:
            topic.snapshot = None
