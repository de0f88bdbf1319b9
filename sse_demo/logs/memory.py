"""A log in memory. It is lost with the process; :class:`sse_demo.logs.sqlite.SqliteLog` is not."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush, heapreplace, merge
from itertools import islice
from operator import attrgetter

from .contract import (
    Entry,
    Follower,
    Publication,
    Snapshot,
    at_once,
    decide,
    id_line,
    id_of,
    ids_of,
    new_mark,
    parse_id,
    take_until,
)
from .kept_topic import KeptTopic
from .retention import Retention

# Bytes that an entry takes beside its event, and a key beside its text. Measured in tests/logs/test_memory.py.
ENTRY_OVERHEAD, KEY_OVERHEAD = 195, 130
TOPIC_OVERHEAD = 650  # likewise
MANY_STALE = 64  # items of a heap that may be out of date, beside as many as there are topics
DROPS_AT_ONCE = 1_000  # entries that are too old, and that one batch of publications has to clear away


_position = attrgetter("position")
_oldest = attrgetter("oldest")
_ageing = attrgetter("ageing")


class MemoryLog:
    """A log in memory, within the limits of :class:`Retention`.

    Readers take no lock. One thread at a time appends, and each step of it leaves what a reader can use: an entry is
    added at the end before its position counts, and a drop is noted before the entry goes. So nothing that interrupts
    a reader, such as a finalizer which publishes, can wait for itself.
    """

    def __init__(self, settings: Retention | None = None) -> None:
        self.settings = Retention() if settings is None else settings
        self._dropped: Counter[str] = Counter()
        self._began = time.time() - time.monotonic()  # so that a clock that is set does not change what is old
        self._mark = new_mark()
        self._last = 0
        self._size = 0
        self._topics: dict[str, KeptTopic] = {}
        self._once: dict[str, None] = {}  # topics that have had one event, the oldest first: they may make room
        # Heaps of (position, topic), each with the topics by the oldest that they have. A topic may have moved on.
        self._oldest: list[tuple[int, str]] = []
        self._ageing: list[tuple[int, str]] = []  # without keys: what has a key stays until there is a newer one
        self._forgotten_up_to = 0  # the last position of a topic that is no longer there
        self._idempotency: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._followers: tuple[Follower, ...] = ()
        self._appending = threading.Lock()

    @property
    def dropped(self) -> Mapping[str, int]:
        """See :attr:`EventLog.dropped`."""
        return self._dropped

    @at_once
    def append(self, batch: Sequence[Publication]) -> list[str]:
        """See :meth:`EventLog.append`."""
        with self._appending:
            now = self._began + time.monotonic()
            self._drop_old(now)
            decisions = decide(
                batch,
                remembered=self._idempotency.get,
                snapshot_position=self._snapshot_position,
                topics=self._topics,
                max_topics=self.settings.max_topics,
                may_go=self._once.keys(),
            )
            due = [publication for publication, known in zip(batch, decisions, strict=True) if known is None]
            entries = [self._append(publication, now) for publication in due]
            for follower in self._followers:
                follower.appended(entries)
            return ids_of(decisions, (entry.id for entry in entries))

    def follow(self, follower: Follower) -> None:
        """See :meth:`EventLog.follow`."""
        self._followers = (*self._followers, follower)

    def unfollow(self, follower: Follower) -> None:
        """See :meth:`EventLog.unfollow`."""
        self._followers = tuple(other for other in self._followers if other is not follower)

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """See :meth:`EventLog.seek`."""
        last = self._last
        if last_event_id:
            mark, position = parse_id(last_event_id)
            return position if mark == self._mark and position <= last else None
        kept = [self._topics.get(topic) for topic in dict.fromkeys(topics)]
        newest = merge(*(topic.newest_first() for topic in kept if topic), key=_position, reverse=True)
        first = deque(islice(newest, recent), maxlen=1)
        start = min(first[0].position - 1, last) if first else last
        # Not before what has been dropped: nothing was promised, so nothing is to be missing.
        return max(start, self._dropped_up_to(topics))

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: float) -> tuple[list[Entry], int]:
        """See :meth:`EventLog.read`."""
        kept = [self._topics.get(topic) for topic in dict.fromkeys(topics)]
        each = [topic.after(after) for topic in kept if topic]
        entries = take_until(each[0] if len(each) == 1 else merge(*each, key=_position), until, max_bytes)
        return entries, self._dropped_up_to(topics)  # in this order: what went meanwhile has been noted

    def snapshot(self, topic: str) -> Snapshot | None:
        """See :meth:`EventLog.snapshot`."""
        kept = self._topics.get(topic)
        return kept.snapshot if kept else None

    def close(self) -> None:
        """Nothing is held open."""

    def _snapshot_position(self, topic: str) -> int:
        snapshot = self.snapshot(topic)
        return snapshot.position if snapshot else 0

    def _dropped_up_to(self, topics: Collection[str]) -> int:
        def of(name: str) -> int:
            topic = self._topics.get(name)
            return topic.dropped_up_to if topic else self._forgotten_up_to

        return max(map(of, topics), default=0)

    def _append(self, publication: Publication, now: float) -> Entry:
        position = self._last + 1
        id = id_of(self._mark, position)
        wire = id_line(id) + publication.block
        entry = Entry(position, publication.topic, publication.key, self._mark, wire, now)
        snapshot = None if publication.snapshot is None else Snapshot(position, self._mark, publication.snapshot)
        self._keep(entry, snapshot)
        if publication.idempotency:
            key, fingerprint = publication.idempotency
            self._remember(key, fingerprint, id)
        return entry

    def _keep(self, entry: Entry, snapshot: Snapshot | None) -> None:
        """Keep an entry with the position that it has, and make room for it."""
        name = entry.topic
        topic = self._topics.get(name)
        if topic is None:
            topic = self._add_topic(name, entry.position)
        elif self._once:
            self._once.pop(name, None)
        if entry.key is None and not topic.count:
            heappush(self._ageing, (entry.position, name))
        replaced = topic.add(entry)
        self._size += cost_of(entry) - (cost_of(replaced) if replaced else 0)
        if snapshot is not None:
            self._size += len(snapshot.block) - (len(topic.snapshot.block) if topic.snapshot else 0)
            topic.snapshot = snapshot
        self._last = entry.position
        if topic.count > self.settings.log_events:
            self._drop_first(topic, "log_events")
        while self._size > self.settings.log_bytes and (oldest := self._front(self._oldest, _oldest)):
            self._drop_first(oldest, "log_bytes")

    def _add_topic(self, name: str, position: int) -> KeptTopic:
        if len(self._topics) >= self.settings.max_topics:
            given_up = next(iter(self._once))
            while given_up in self._topics:
                self._drop_first(self._topics[given_up], "max_topics")
        topic = self._topics[name] = KeptTopic(name, self._forgotten_up_to)
        self._size += TOPIC_OVERHEAD + len(name)
        self._once[name] = None
        heappush(self._oldest, (position, name))
        for heap in (self._oldest, self._ageing):
            if len(heap) > 2 * len(self._topics) + MANY_STALE:  # most are of topics that are gone
                heap[:] = {item for item in heap if item[1] in self._topics}
                heapify(heap)
        return topic

    def _remember(self, key: str, fingerprint: bytes, id: str) -> None:
        self._idempotency[key] = fingerprint, id
        if len(self._idempotency) > self.settings.idempotency_keys:
            self._idempotency.popitem(last=False)

    def _drop_old(self, now: float) -> None:
        """Drop what is too old, but not all at once: the publishers that come next share the work."""
        for _ in range(DROPS_AT_ONCE):
            topic = self._front(self._ageing, _ageing)
            first = topic.first if topic else None
            if topic is None or first is None or now - first.time <= self.settings.log_age:
                return
            self._drop_first(topic, "")

    def _front(self, heap: list[tuple[int, str]], oldest: Callable[[KeptTopic], int | None]) -> KeptTopic | None:
        """The topic with the oldest of all."""
        while heap:
            position, name = heap[0]
            topic = self._topics.get(name)
            current = oldest(topic) if topic else None
            if current is None:
                heappop(heap)
            elif current == position:
                return topic
            else:
                heapreplace(heap, (current, name))
        return None

    def _drop_first(self, topic: KeptTopic, reason: str) -> None:
        """Drop the oldest entry of a topic, and the topic with its last one.

        ``reason`` is the limit that the entry makes room for. There is none where the entry is too old; then a state
        keeps its snapshot.
        """
        if topic.count:
            self._size -= cost_of(topic.drop_first())
            if reason:
                self._dropped[reason] += 1
        if topic.count or (topic.snapshot and not reason):
            return
        self._size -= TOPIC_OVERHEAD + len(topic.name) + (len(topic.snapshot.block) if topic.snapshot else 0)
        self._forgotten_up_to = max(self._forgotten_up_to, topic.dropped_up_to)
        del self._topics[topic.name]
        self._once.pop(topic.name, None)


def cost_of(entry: Entry) -> int:
    """The bytes that an entry takes in memory."""
    return len(entry.wire) + ENTRY_OVERHEAD + (0 if entry.key is None else len(entry.key) + KEY_OVERHEAD)
