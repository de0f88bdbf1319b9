"""The log: what was published, in order, for those who come back.

A topic is a log, and a subscriber is a cursor into the logs of its topics. Positions are whole numbers that grow over
all topics together, so that one position, and so one ``Last-Event-ID``, stands for a place in every topic at once.
On the wire a position is an id such as ``1935a8f2c40-17``: the log's own mark, which is another one after a
restart, and the position in it.

:class:`MemoryLog` is lost with the process; :class:`sse_demo.logs.sqlite.SqliteLog` is not.
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush, heapreplace, merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple, Protocol

from ..errors import LogFull
from ..wire.event import Event
from .retention import Retention

_position = attrgetter("position")
_first_position = attrgetter("first.position")
_NUMBER = re.compile(r"[0-9]{1,18}")


class Publication(NamedTuple):
    """What is to be appended. With a ``key`` it takes the place of what the topic has under the same key.

    ``idempotency`` is the publisher's key and a fingerprint of what it published, to be remembered with the event.
    """

    topic: str
    event: Event
    key: str | None = None
    idempotency: tuple[str, bytes] | None = None


class Entry(NamedTuple):
    """One event in a log. ``wire`` is the event as it goes out, with its id: encoded once, for everybody.

    ``time`` is when it was appended, in seconds since 1970.
    """

    position: int
    topic: str
    key: str | None
    id: str
    wire: bytes
    time: float


class EventLog(Protocol):
    """What the hub needs of a log: three methods, safe to call from any thread."""

    blocking: bool
    """``append`` waits for a disk or a network: not to be called on the event loop."""

    idempotency_keys: Mapping[str, tuple[bytes, str]]
    """Of the newest publications with such a key: the fingerprint, and the id that was given."""

    def append(self, batch: Sequence[Publication]) -> list[Entry]:
        """Give the events their ids and keep them: all of them, or none and a :class:`LogError`."""

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """The position to read on from: after ``last_event_id``, or before the newest ``recent`` events, or at the end.

        ``None`` if ``last_event_id`` is none of this log's.
        """

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: int) -> tuple[list[Entry], int]:
        """The entries of these topics after one position, up to and with another, until they come to ``max_bytes``.

        Also the position up to which entries of these topics have been dropped to make room: if it is larger than
        ``after``, some of what was asked for is missing.
        """


class MemoryLog:
    """A log in memory, within the limits ``log_events``, ``log_bytes``, ``log_age`` and ``max_topics``."""

    blocking = False

    def __init__(self, settings: Retention | None = None):
        self.settings = settings or Retention()
        self.idempotency_keys: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._mark = new_mark()
        self._last = 0
        self._size = 0
        self._topics: dict[str, _Ring | _Keyed] = {}
        self._oldest: list[tuple[int, str]] = []  # a heap: the topics without keys, by the first position they had
        self._forgotten_up_to = 0  # the last position of a topic that is no longer there
        self._lock = threading.Lock()

    def append(self, batch: Sequence[Publication]) -> list[Entry]:
        with self._lock:
            now = time.time()
            self._drop_old(now)
            new = {publication.topic for publication in batch if publication.topic not in self._topics}
            check_room(len(self._topics) + len(new), self.settings)
            return [self._append(publication, now) for publication in batch]

    def _append(self, publication: Publication, now: float) -> Entry:
        topic, event, key, idempotency = publication
        self._last += 1
        id = f"{self._mark}-{self._last}"
        entry = Entry(self._last, topic, key, id, event._replace(id=id).encode(), now)
        kept = self._topics.get(topic)
        if kept is None:
            kept = self._topics[topic] = (_Ring if key is None else _Keyed)(self._forgotten_up_to)
            if key is None:
                heappush(self._oldest, (self._last, topic))
        self._size += len(entry.wire) - kept.add(entry, key)
        if len(kept) > self.settings.log_events:
            self._size -= kept.drop_first()
        self._drop_old(now)
        while self._size > self.settings.log_bytes:  # all that is left has keys
            self._size -= min(filter(len, self._topics.values()), key=_first_position).drop_first()
        if idempotency:
            name, fingerprint = idempotency
            self.idempotency_keys[name] = fingerprint, id
            if len(self.idempotency_keys) > self.settings.idempotency_keys:
                self.idempotency_keys.popitem(last=False)
        return entry

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        with self._lock:
            if last_event_id:
                mark, position = parse_id(last_event_id)
                return position if mark == self._mark and position <= self._last else None
            kept = [self._topics[topic] for topic in topics if topic in self._topics]
            newest = merge(*map(reversed, kept), key=_position, reverse=True)
            last = deque(islice(newest, recent), maxlen=1)
            start = last[0].position - 1 if last else self._last
            # Not before what has been dropped: nothing was promised, so nothing is to be missing.
            return max(start, self._dropped_up_to(topics))

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: int) -> tuple[list[Entry], int]:
        with self._lock:
            kept = [self._topics[topic] for topic in topics if topic in self._topics]
            return take(merge(*(one.after(after) for one in kept), key=_position), until, max_bytes), (
                self._dropped_up_to(topics)
            )

    def _dropped_up_to(self, topics: Collection[str]) -> int:
        return max(
            (self._topics[topic].dropped_up_to if topic in self._topics else self._forgotten_up_to for topic in topics),
            default=0,
        )

    def _drop_old(self, now: float) -> None:
        """Drop the oldest entries of all topics, as long as there is too much or they are too old."""
        while self._oldest:
            position, topic = self._oldest[0]
            ring = self._topics[topic]
            first = ring.first
            if first.position == position:
                if self._size <= self.settings.log_bytes and now - first.time <= self.settings.log_age:
                    return
                self._size -= ring.drop_first()
            if len(ring):
                heapreplace(self._oldest, (ring.first.position, topic))
            else:
                heappop(self._oldest)
                del self._topics[topic]
                self._forgotten_up_to = max(self._forgotten_up_to, ring.dropped_up_to)


class _Ring:
    """The entries of one topic, and up to which position they have been dropped to make room."""

    __slots__ = ("_entries", "dropped_up_to")

    def __init__(self, dropped_up_to: int):
        self._entries: deque[Entry] = deque()
        self.dropped_up_to = dropped_up_to

    def __len__(self) -> int:
        return len(self._entries)

    def __reversed__(self) -> Iterator[Entry]:
        return reversed(self._entries)

    @property
    def first(self) -> Entry:
        return self._entries[0]

    def add(self, entry: Entry, key: str | None) -> int:
        """Returns the bytes of what it has replaced."""
        self._entries.append(entry)
        return 0

    def drop_first(self) -> int:
        """Returns the bytes that are free again."""
        entry = self._entries.popleft()
        self.dropped_up_to = entry.position
        return len(entry.wire)

    def after(self, position: int) -> Iterator[Entry]:
        return islice(self._entries, bisect_right(self._entries, position, key=_position), None)


class _Keyed:
    """The newest entry for each key of one topic, in the order of their positions."""

    __slots__ = ("_entries", "dropped_up_to")

    def __init__(self, dropped_up_to: int):
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.dropped_up_to = dropped_up_to

    def __len__(self) -> int:
        return len(self._entries)

    def __reversed__(self) -> Iterator[Entry]:
        return reversed(self._entries.values())

    @property
    def first(self) -> Entry:
        return next(iter(self._entries.values()))

    def add(self, entry: Entry, key: str) -> int:
        replaced = self._entries.pop(key, None)
        self._entries[key] = entry
        return len(replaced.wire) if replaced else 0

    def drop_first(self) -> int:
        _, entry = self._entries.popitem(last=False)
        self.dropped_up_to = entry.position
        return len(entry.wire)

    def after(self, position: int) -> Iterator[Entry]:
        return (entry for entry in self._entries.values() if entry.position > position)


def new_mark() -> str:
    """What tells the ids of one run from those of another: the milliseconds since 1970, in hexadecimal."""
    return f"{time.time_ns() // 1_000_000:x}"


def parse_id(id: str) -> tuple[str, int]:
    """The mark and the position of an id; ``("", 0)`` for what is none."""
    mark, _, digits = id.partition("-")
    return (mark, int(digits)) if _NUMBER.fullmatch(digits) else ("", 0)


def take(entries: Iterator[Entry], until: int, max_bytes: int) -> list[Entry]:
    """The first of them: up to and with the position ``until``, and only until they come to ``max_bytes``."""
    taken: list[Entry] = []
    size = 0
    for entry in entries:
        if entry.position > until or size >= max_bytes:
            break
        taken.append(entry)
        size += len(entry.wire)
    return taken


def check_room(topics: int, settings: Retention) -> None:
    """Raise :class:`LogFull` where there would be too many topics."""
    if topics > settings.max_topics:
        raise LogFull(f"there are {settings.max_topics} topics already, which is the limit")
