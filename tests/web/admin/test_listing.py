"""What is shown of the open streams, and what it costs the event loop to look."""

import asyncio
import math
import time
from contextlib import aclosing
from types import SimpleNamespace

import pytest

from sse_demo import Hub
from sse_demo.observe.metrics import Metrics
from sse_demo.web.access.identity import Identity, Rights
from sse_demo.web.access.limits import AccessLimits
from sse_demo.web.access.streams import Streams
from sse_demo.web.admin import listing as module
from sse_demo.web.admin.listing import MAX_LIMIT, Listing, Wanted

MANY = 20_000


class Wire:
    """A connection without a socket."""

    closed = False
    acknowledged_bytes = 7

    def when_closed(self, callback):
        self.told = callback

    def close(self):
        self.closed = True
        self.told()


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


def streams_of(*subjects):
    streams = Streams(AccessLimits(max_streams_per_subject=math.inf), Metrics(), lambda identity: math.inf)
    wires = []
    for subject in subjects:
        wires.append(Wire())
        identity = Identity(subject=subject, rights=Rights(), kind="token", issuer="issuer")
        streams.add(wires[-1], identity, "192.0.2.1", path="/events", request_id="r", finite=False)
    return streams, wires


def run(coroutine):
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(coroutine)


@pytest.mark.parametrize("wanted", [Wanted(limit=MAX_LIMIT, find="nobody-"), Wanted("lag", MAX_LIMIT, find="s")])
def test_whoever_looks_through_very_many_gives_others_their_turn(hub, wanted):
    async def main():
        streams, _ = streams_of(*(f"s{number}" for number in range(MANY)))
        looking = asyncio.create_task(Listing(streams, hub).look(wanted))
        turns = 0
        while not looking.done():
            await asyncio.sleep(0)
            turns += 1
        return turns, looking.result()

    turns, (summary, rows) = run(main())
    assert summary["streams"] == MANY
    assert len(rows) == (0 if wanted.find == "nobody-" else MAX_LIMIT)
    assert turns >= 3


def test_streams_that_close_while_somebody_looks_are_no_trouble(hub, monkeypatch):
    monkeypatch.setattr(module, "TURN", 0)  # a turn for others after each

    async def main():
        streams, wires = streams_of("ann", "bob", "cid", "dan")
        looking = asyncio.create_task(Listing(streams, hub).look(Wanted(find="issuer")))
        await asyncio.sleep(0)
        wires[0].close()
        wires[2].close()
        await looking
        return await Listing(streams, hub).look(Wanted(find="192"))

    summary, rows = run(main())
    assert [row["subject"] for row in rows] == ["dan", "bob"]
    assert (summary["streams"], summary["matching"]) == (2, 2)


def test_whoever_follows_waits_the_longer_the_longer_a_look_takes(hub, monkeypatch):
    """However many follow, they take a share of the time, and no more."""
    look = Listing.look
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now, time=time.time)
    takes, pauses = [0.01, 0.3, 0.0], []

    async def slowly(self, wanted):
        clock.now += takes[len(pauses)]
        return await look(self, wanted)

    async def note(seconds):
        pauses.append(seconds)

    async def main():
        streams, _ = streams_of("ann")
        monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(module.asyncio, "sleep", note)
        monkeypatch.setattr(Listing, "look", slowly)
        async with aclosing(Listing(streams, hub).follow(Wanted())) as events:
            async for _ in events:
                if len(pauses) == 2:
                    break

    run(main())
    assert pauses == pytest.approx([module.LOOK_EVERY, 0.3 / module.SHARE])


def test_to_look_leaves_nothing_behind(hub):
    async def main():
        streams, _ = streams_of("ann", "bob")
        listing = Listing(streams, hub)
        first = await listing.look(Wanted(limit=1))
        again = await listing.look(Wanted(limit=1))
        return first, again

    (summary, rows), (again, same) = run(main())
    assert (summary["after"], again["after"]) == (2, 2)
    assert [row["id"] for row in rows] == [row["id"] for row in same] == [2]
    assert rows[0]["bytes"] == 7
