"""What an operator sees of the open streams: which of them, in which order, and what of each."""

from __future__ import annotations

import asyncio
import heapq
import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from ...hub.hub import Hub
from ...wire.event import Event
from ..access.identity import KINDS
from ..access.streams import OpenStream, Streams
from ..handlers.query import Query
from ..problems import problem

LIMIT = 100  # streams in one answer, unless more or fewer are asked for
MAX_LIMIT = 1000  # streams in one answer
MAX_FIND = 256  # characters of what is looked for
MAX_TOPICS = 20  # topics of one stream that are named
ORDERS = ("newest", "lag")
LOOK_EVERY = 1.0  # seconds between two looks for somebody who follows
SHARE = 0.1  # of the time, at the most, in which those who follow are looked for
TURN = 0.005  # seconds for which looking may keep the event loop

Row: TypeAlias = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which streams are asked for.

    Attributes:
        order: ``"newest"`` first, or those first that have lagged longest (``"lag"``).
        limit: How many at the most.
        after: Where the last answer ended; 0 for the beginning.
        find: A text that is in the subject, the address, the path, a topic, or the id of the request; ``""`` for all.
    """

    order: str = "newest"
    limit: int = LIMIT
    after: int = 0
    find: str = ""

    @classmethod
    def by(cls, query: Query) -> Wanted:
        """What the query of a request asks for.

        Raises:
            Problem: 400 where it makes no sense.
        """
        order, find = query.text("order", "newest"), query.text("find", "")
        if order not in ORDERS:
            raise problem(400, f"order must be one of {', '.join(ORDERS)}, not {order!r}")
        if order == "lag" and "after" in query:
            raise problem(400, "those who lag change places all the time: ask for more with limit, and without after")
        if len(find) > MAX_FIND:
            raise problem(400, f"find has at most {MAX_FIND} characters")
        limit, after = query.number("limit", LIMIT, 1, MAX_LIMIT), query.number("after", 0, 1, 2**53)
        return cls(order, limit, after, find.lower())


class Listing:
    """The open streams, as they are shown. Whoever looks leaves the event loop to others in between.

    Args:
        streams: The open streams.
        hub: Knows what they follow, and which of them lag.
    """

    def __init__(self, streams: Streams, hub: Hub) -> None:
        self._streams = streams
        self._hub = hub

    async def look(self, wanted: Wanted) -> tuple[dict[str, Any], list[Row]]:
        """The streams that are asked for, as they are now.

        Returns:
            What holds for all of them, and a row for each that is shown.
        """
        found = [stream for stream in self._streams if not wanted.after or stream.id < wanted.after][::-1]
        if wanted.find:
            found = [stream async for stream in _in_turns(found) if self._matches(stream, wanted.find)]
        matching = len(found)
        if wanted.order == "lag":  # of those that have caught up, the newest stay first
            found = heapq.nlargest(wanted.limit, found, key=lambda stream: self._hub.lag_of(stream.connection))
        shown = found[: wanted.limit]
        rows = [self._row(stream) async for stream in _in_turns(shown) if not stream.connection.closed]
        summary = {
            "time": round(time.time(), 3),
            "streams": len(self._streams),
            "lagging": self._hub.lagging,
            "credentials": {kind: self._streams.of_kind(kind) for kind in KINDS},
            "matching": matching,
            "after": shown[-1].id if matching > len(shown) and wanted.order == "newest" else None,
        }
        return summary, rows

    async def follow(self, wanted: Wanted) -> AsyncIterator[Event]:
        """An event each second: the summary, the ids in their order, and the rows that have changed since the last."""
        told: dict[int, Row] = {}
        while True:
            began = time.monotonic()
            summary, rows = await self.look(wanted)
            shown = {row["id"]: row for row in rows}
            for row in rows:
                del row["seconds"]  # which `time` and `since` tell, or each row would have changed
            changed = [row for id, row in shown.items() if told.get(id) != row]
            yield Event(json.dumps({**summary, "ids": list(shown), "rows": changed}))
            told = shown
            await asyncio.sleep(max(LOOK_EVERY, (time.monotonic() - began) / SHARE))

    def _matches(self, stream: OpenStream, find: str) -> bool:
        texts = stream.identity.subject, stream.address, stream.path, stream.request_id
        return any(find in text.lower() for text in (*texts, *self._hub.topics_of(stream.connection)))

    def _row(self, stream: OpenStream) -> Row:
        identity, connection = stream.identity, stream.connection
        topics = self._hub.topics_of(connection)
        return {
            "id": stream.id,
            "subject": identity.subject,
            "issuer": identity.issuer,
            "credential": identity.kind,
            "session": identity.session,
            "token_id": identity.token_id,
            "topics": topics[:MAX_TOPICS],
            "more_topics": max(len(topics) - MAX_TOPICS, 0),
            "since": datetime.fromtimestamp(stream.since, UTC).isoformat(timespec="milliseconds"),
            "seconds": round(time.time() - stream.since, 1),
            "lag": round(self._hub.lag_of(connection), 1),
            "address": stream.address,
            "bytes": connection.acknowledged_bytes,
            "path": stream.path,
            "request_id": stream.request_id,
        }


async def _in_turns(items: Iterable[_T]) -> AsyncIterator[_T]:
    """The same items, with a turn for others now and then."""
    ends = time.monotonic() + TURN
    for item in items:
        if time.monotonic() >= ends:
            await asyncio.sleep(0)
            ends = time.monotonic() + TURN
        yield item
