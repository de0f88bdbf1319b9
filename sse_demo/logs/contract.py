"""The contract of every log: what a log keeps, what it promises, and what is the same for each.

A topic is a log, and a subscriber is a cursor into the logs of its topics. Positions are whole numbers that grow over
all topics together, so that one position, and so one ``Last-Event-ID``, stands for a place in every topic at once.
On the wire a position is an id such as ``1935a8f2c40-17``: the mark of the era in which the position was given, and the
position. A log that has lost its newest entries, or that has been started again, opens another era.

Entries reach a hub from one place, the log that the hub follows, whoever has appended them. So several hubs can follow
one log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from typing import NamedTuple, Protocol, TypeVar

from ..errors import IdempotencyConflict, LogFull, Overtaken, Rejected, SSEError

_Append = TypeVar("_Append", bound=Callable[..., list[str]])
_NUMBER = re.compile(r"[0-9]{1,18}")


class Publication(NamedTuple):
    """What is to be appended.

    Attributes:
        topic: The topic's name.
        block: The event as it goes out, without an id line.
        key: With a key the event takes the place of the one that the topic has under the same key.
        idempotency: The publisher's key and a fingerprint of what it published, to be remembered with the event.
        snapshot: For a state: the block of the whole state after this event. It takes the place of the one before.
        after: For a state: the event is appended only if the topic's newest snapshot is at this position, 0 for none.
    """

    topic: str
    block: bytes
    key: str | None = None
    idempotency: tuple[str, bytes] | None = None
    snapshot: bytes | None = None
    after: int = 0


class Entry(NamedTuple):
    """One event in a log.

    Attributes:
        position: Its place in the log, 1 or more.
        topic: The topic's name.
        key: The key under which a newer event replaces it, if any.
        mark: The mark of the era in which the position was given.
        wire: The event as it goes out, with its id: encoded once, for everybody.
        time: When it was appended, in seconds since 1970.
    """

    position: int
    topic: str
    key: str | None
    mark: str
    wire: bytes
    time: float

    @property
    def id(self) -> str:
        """The id on the wire."""
        return id_of(self.mark, self.position)

    def with_id(self, id: str) -> bytes:
        """The event as it goes out, under another id."""
        return id_line(id) + without_id(self.wire, self.id)


class Snapshot(NamedTuple):
    """The whole of a state topic after one of its events.

    Attributes:
        position: The position of that event.
        mark: The mark of the era in which the position was given.
        block: The snapshot as it goes out. A snapshot has no id of its own.
    """

    position: int
    mark: str
    block: bytes

    @property
    def id(self) -> str:
        """The id of the event after which the state was this one."""
        return id_of(self.mark, self.position)


class Follower(Protocol):
    """What a log tells. The methods are called in the log's own thread, one at a time, and do not block."""

    def appended(self, entries: Sequence[Entry]) -> None:
        """These entries have been kept. They come in the order of the log, each once, and can be read already."""

    def missed(self, up_to: int) -> None:
        """Entries up to this position have been dropped before the follower was told of them. ``read`` tells which."""

    def complete(self, since: float) -> None:
        """All that the log had at this moment (``time.monotonic()``) has been told.

        A log of several nodes says so again and again, every second or so. An id that was ahead of the node at that
        moment, and still is, is none of the log's.
        """

    def reachable(self, is_so: bool) -> None:
        """The log can take events, or for now it cannot."""


class EventLog(Protocol):
    """What a hub needs of a log. All methods may be called from any thread."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many entries had to make room before they were too old, by the limit that they made room for."""

    def append(self, batch: Sequence[Publication]) -> list[str]:
        """Decide and keep a batch, in one step: all of it, or nothing. May wait for a disk or a network.

        A publication whose idempotency key is known, with the same fingerprint, is not appended again. Followers are
        told of the new entries before this method returns.

        Returns:
            The id of each publication; for one that was known, the id that it was given before.

        Raises:
            Rejected: Some publications cannot be kept, and the others can: :class:`IdempotencyConflict`,
                :class:`Overtaken` (``snapshot`` gives the newer snapshot by then), :class:`LogFull`. Nothing is kept.
            LogUncertain: It is not known whether the batch has been kept.
            LogError: Nothing has been kept.
        """

    def follow(self, follower: Follower) -> None:
        """Tell the follower of each entry that is appended from now on."""

    def unfollow(self, follower: Follower) -> None:
        """Tell the follower no more."""

    def seek(self, topics: Collection[str], last_event_id: str = "", recent: int = 0) -> int | None:
        """The position to read on from: after ``last_event_id``, or before the newest ``recent`` events, or at the end.

        Local and fast. ``None`` if ``last_event_id`` is none of this log's. A log of several nodes also gives a
        position that this node has not reached yet.
        """

    def read(self, topics: Collection[str], after: int, until: int, max_bytes: float) -> tuple[list[Entry], int]:
        """The entries of these topics after one position, up to and with another, until they come to ``max_bytes``.

        Local and fast. At least one entry is given where there is one.

        Returns:
            The entries; and the position up to which entries of these topics have been dropped. If it is larger than
            ``after``, some of what was asked for is missing.
        """

    def snapshot(self, topic: str) -> Snapshot | None:
        """The newest snapshot of a state topic. Local and fast."""

    def close(self) -> None:
        """Give back what the log holds open. No other method may be called afterwards."""


def at_once(append: _Append) -> _Append:
    """Mark an ``append`` that waits neither for a disk nor for a network, nor for what its followers do.

    A hub may call it on the event loop, which spares each publication the way to another thread and back. An
    ``append`` that overrides this one has a mark of its own, or none.
    """
    append.is_at_once = True  # type: ignore[attr-defined]  # a function takes any attribute
    return append


def is_at_once(log: EventLog) -> bool:
    """Whether the log's ``append`` is marked so."""
    return getattr(log.append, "is_at_once", False)


def decide(
    batch: Sequence[Publication],
    *,
    remembered: Callable[[str], tuple[bytes, str] | None],
    snapshot_position: Callable[[str], int],
    topics: Collection[str],
    max_topics: float,
    may_go: Set[str],
) -> list[str | int | None]:
    """What is to be done with each publication of a batch, before anything is written.

    Args:
        batch: The publications.
        remembered: The fingerprint and the id that are remembered for an idempotency key.
        snapshot_position: The position of a topic's newest snapshot, 0 for none.
        topics: The topics that the log has.
        max_topics: How many it may have.
        may_go: Those of them that may be dropped for others: topics that have had one event.

    Returns:
        For each publication ``None`` where it is to be appended, the id where its idempotency key is known, and the
        place of another one in the batch where that has the same key.

    Raises:
        Rejected: Some cannot be appended.
    """
    if len(batch) == 1 and batch[0].topic in topics and not batch[0].idempotency and batch[0].snapshot is None:
        return [None]  # the usual case, and nothing to decide
    decisions: list[str | int | None] = []
    causes: dict[int, SSEError] = {}
    own: dict[str, tuple[bytes, int]] = {}  # idempotency keys of this batch
    changed: set[str] = set()  # states of this batch
    added: dict[str, None] = {}  # new topics of this batch, in order
    for number, publication in enumerate(batch):
        decision: str | int | None = None
        if publication.idempotency:
            key, fingerprint = publication.idempotency
            known = own.get(key) or remembered(key)
            if known is None:
                own[key] = fingerprint, number
            elif known[0] == fingerprint:
                decision = known[1]
            else:
                causes[number] = IdempotencyConflict(f"the idempotency key {key!r} was used for another event")
        if decision is None and number not in causes:
            topic = publication.topic
            if publication.snapshot is not None:
                if topic in changed or snapshot_position(topic) != publication.after:
                    causes[number] = Overtaken(f"the state {topic} has changed meanwhile")
                changed.add(topic)
            if topic not in topics:
                added[topic] = None
        decisions.append(decision)
    if len(topics) + len(added) > max_topics:
        named = {publication.topic for publication in batch}
        room = int(max_topics) - len(topics) + len(may_go - named)
        refused = set(list(added)[max(0, room) :])
        for number, publication in enumerate(batch):
            if publication.topic in refused and decisions[number] is None:
                causes.setdefault(number, LogFull(f"there are {max_topics:,} topics already, which is the limit"))
    if causes:
        raise Rejected(causes)
    return decisions


def ids_of(decisions: Sequence[str | int | None], new: Iterator[str]) -> list[str]:
    """The id of each publication, from what :func:`decide` has said and the ids of those that were appended."""
    ids: list[str] = []
    for decision in decisions:
        if decision is None:
            ids.append(next(new))
        else:
            ids.append(ids[decision] if isinstance(decision, int) else decision)
    return ids


def new_mark() -> str:
    """The mark of an era that begins now: the milliseconds since 1970, in hexadecimal."""
    return f"{time.time_ns() // 1_000_000:x}"


def id_of(mark: str, position: int) -> str:
    """A position as an id on the wire."""
    return f"{mark}-{position}"


def parse_id(id: str) -> tuple[str, int]:
    """The mark and the position of an id; ``("", 0)`` for what is none."""
    mark, _, digits = id.partition("-")
    return (mark, int(digits)) if _NUMBER.fullmatch(digits) else ("", 0)


def id_line(id: str) -> bytes:
    """The line that carries an id."""
    return b"id: %b\n" % id.encode()


def without_id(wire: bytes, id: str) -> bytes:
    """The event as it goes out, without its id line."""
    # The first line that is this id, which the data cannot imitate: each of its lines begins with "data".
    before, _, after = b"\n".join([b"", wire]).partition(b"\n" + id_line(id))
    return (before + b"\n" + after)[1:]


def take_until(entries: Iterator[Entry], until: int, max_bytes: float) -> list[Entry]:
    """The first of them: up to and with the position ``until``, and only until they come to ``max_bytes``."""
    taken: list[Entry] = []
    size = 0
    for entry in entries:
        if entry.position > until or size >= max_bytes:
            break
        taken.append(entry)
        size += len(entry.wire)
    return taken
