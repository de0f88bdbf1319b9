"""The open streams, each with whose it is. A right that ends ends its stream."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ...hub.connection import Connection
from ...observe.metrics import Metrics
from ...wire.event import Event
from ..access_log import log_line
from ..addresses import counted_as
from .identity import Identity, Kind
from .limits import AccessLimits

LOOK_EVERY = 1.0  # seconds at the most between two looks at the clock, which somebody may set
SPARE = 1000  # looks at streams that have closed, which need not be taken out at once
MAX_PATH = 200  # characters of a path that are kept: a stranger may ask for one of 60,000
TURN = 0.01  # seconds for which ending streams may keep the event loop


@dataclass(eq=False, slots=True)
class OpenStream:
    """One stream.

    Attributes:
        connection: Where it goes.
        identity: Whose it is.
        address: From where.
        id: A number, by which an operator ends it.
        since: When it began, in seconds since 1970.
        path: What was asked for, without the query.
        request_id: By which the access log calls the request.
        finite: It has an end of its own, and is broken off where its right ends before.
    """

    connection: Connection
    identity: Identity
    address: str
    id: int
    path: str
    request_id: str
    finite: bool
    since: float = field(default_factory=time.time)
    _told_of: float = math.nan  # the end of which the client was told
    _revoked: bool = False
    _reason: str | None = None  # what the client is told then


class Streams:
    """The open streams of one service. For the event loop's thread.

    Args:
        limits: How many there may be, and what clients are told.
        metrics: Count the streams whose right has ended.
        ends: Gives when the right of an identity ends, in seconds since 1970; it may move on meanwhile.
    """

    def __init__(self, limits: AccessLimits, metrics: Metrics, ends: Callable[[Identity], float]) -> None:
        self._limits = limits
        self._metrics = metrics
        self._ends = ends
        self._numbers = itertools.count(1)
        self._open: dict[int, OpenStream] = {}
        self._of: Counter[str] = Counter()
        self._by_kind: Counter[Kind] = Counter()
        self._due: list[tuple[float, int]] = []  # a heap: when to look at which stream
        self._timer: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[OpenStream]:
        return iter([stream for stream in self._open.values() if not stream.connection.closed])

    def of_kind(self, kind: Kind) -> int:
        """How many there are whose readers have told in this way who they are."""
        return self._by_kind[kind]

    def is_full(self, identity: Identity, address: str) -> bool:
        """Whether this one, or this address, has as many streams as it may have."""
        return self._of[_owner(identity, address)] >= self._most(identity)

    def add(
        self, connection: Connection, identity: Identity, address: str, *, path: str, request_id: str, finite: bool
    ) -> bool:
        """Watch a stream from now on, until it closes.

        Returns:
            Whether it may go on. It is ended where its right has ended while it began, or where others of the same
            subject or address have begun since there was room for this one.
        """
        stream = OpenStream(connection, identity, address, next(self._numbers), path[:MAX_PATH], request_id, finite)
        is_full = self.is_full(identity, address)
        self._open[stream.id] = stream
        self._of[_owner(identity, address)] += 1
        self._by_kind[identity.kind] += 1
        connection.when_closed(lambda: self._forget(stream))
        if is_full:
            connection.abort()
            return False
        return self._check(stream)

    def revoke(self, which: Callable[[OpenStream], bool], reason: str | None) -> int:
        """End these streams, after their clients were told why: at once, and where there are very many, in turns.

        Args:
            which: Says of a stream whether it is meant.
            reason: What the clients are told. ``None`` where they are told nothing, since they are to come back.

        Returns:
            How many there were.
        """
        revoked = [stream for stream in self if not stream._revoked and which(stream)]
        for stream in revoked:
            stream._revoked, stream._reason = True, reason
            heapq.heappush(self._due, (-math.inf, stream.id))
        self._look()
        return len(revoked)

    def end(self, stream: OpenStream, reason: str) -> None:
        """End one stream, after its client was told why. The client may come back."""
        self._say_goodbye(stream, reason)
        self._end(stream, "operator")

    def get(self, id: int) -> OpenStream | None:
        """The stream with this number, if it is open."""
        stream = self._open.get(id)
        return None if stream is None or stream.connection.closed else stream

    def _most(self, identity: Identity) -> float:
        return self._limits.max_streams_per_subject if identity.is_known else self._limits.max_streams_per_address

    def _say_goodbye(self, stream: OpenStream, reason: str | None) -> None:
        if reason is not None and not stream.finite:  # that one has events of its own
            stream.connection.write(Event(json.dumps({"reason": reason}), event=self._limits.ended_event).encode())

    def _forget(self, stream: OpenStream) -> None:
        del self._open[stream.id]
        self._by_kind[stream.identity.kind] -= 1
        owner = _owner(stream.identity, stream.address)
        self._of[owner] -= 1
        if not self._of[owner]:
            del self._of[owner]

    def _look_at(self, stream: OpenStream, ends: float) -> None:
        """Look at the stream when its client is to be told, or when its right ends."""
        when = ends if stream._told_of == ends or stream.finite else ends - self._limits.renew_before
        if len(self._due) > 2 * len(self._open) + SPARE:  # most of it is of streams that have closed
            self._due = [due for due in self._due if due[1] in self._open]
            heapq.heapify(self._due)
        heapq.heappush(self._due, (when, stream.id))
        if self._timer is None or self._due[0][0] >= when:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due:
            wait = min(max(self._due[0][0] - time.time(), 0.0), LOOK_EVERY)
            self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        """Look at the streams whose time has come, and give others their turn in between."""
        stop_at = time.monotonic() + TURN
        while self._due and self._due[0][0] <= time.time() and time.monotonic() < stop_at:
            _, id = heapq.heappop(self._due)
            if (stream := self._open.get(id)) and not stream.connection.closed:
                self._check(stream)
        self._set_timer()

    def _check(self, stream: OpenStream) -> bool:
        """Whether the stream goes on; it is ended where its right has."""
        if stream._revoked:
            self._say_goodbye(stream, stream._reason)
            self._end(stream, "revoked")
            return False
        ends = self._ends(stream.identity)
        if ends == math.inf:
            return True
        left = ends - time.time()
        if left <= 0:
            self._end(stream, "expired")
            return False
        if stream._told_of != ends and not stream.finite and left <= self._limits.renew_before:
            stream._told_of = ends
            data = json.dumps({"seconds": round(left, 1)})
            stream.connection.write(Event(data, event=self._limits.renew_event).encode())
        self._look_at(stream, ends)
        return True

    def _end(self, stream: OpenStream, reason: str) -> None:
        self._metrics.closed.labels(reason).inc()
        log_line(
            {
                "stream": stream.id,
                "ended": reason,
                "seconds": round(time.time() - stream.since, 1),
                "remote": stream.address,
                "subject": stream.identity.subject,
                "credential": stream.identity.kind,
            }
        )
        if stream.finite:
            stream.connection.abort()
        else:
            stream.connection.end()


def _owner(identity: Identity, address: str) -> str:
    return f"{identity.issuer}\0{identity.subject}" if identity.is_known else counted_as(address)
