"""This machine as a source of events."""

import asyncio
import contextlib
import json
import logging
import re

from sse_demo import EventStreamParser, Hub, LogError, LogFull, MemoryLog
from sse_demo.demo.machine import publish_machine


class Failing(MemoryLog):
    """Fails where the next of the given errors is one. ``None`` lets an event through."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = list(errors)

    def append(self, batch):
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return super().append(batch)


async def published_by(hub, count):
    """The entries, once there are so many; then the source is cancelled."""
    source = asyncio.create_task(publish_machine(hub, "load", interval=0.001))
    async with asyncio.timeout(30):
        while len(entries := hub.log.read(["load"], 0, 10**9, 10**9)[0]) < count:
            assert not source.done(), "it has ended by itself"
            await asyncio.sleep(0.001)
    source.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await source
    hub.close()
    return entries


def test_the_load_is_published_until_it_is_cancelled():
    for entry in asyncio.run(published_by(Hub(), 3)):
        load = json.loads(EventStreamParser().feed(entry.wire)[0].data)
        assert list(load) == ["cpu", "memory", "time"]
        assert 0 <= load["cpu"] <= 100
        assert 0 < load["memory"] < 100
        assert re.fullmatch(r"\d\d:\d\d:\d\d", load["time"])


def test_a_log_that_fails_for_a_while_does_not_end_it(caplog):
    log = Failing(None, LogError("the disk is away"), LogFull("the disk is full"), None, LogError("away once more"))
    assert len(asyncio.run(published_by(Hub(log=log), 4))) >= 4
    assert log.errors == []
    told = [(record.levelno, record.getMessage()) for record in caplog.records if record.name == "sse_demo.machine"]
    assert told == [
        (logging.WARNING, "the load of this machine is not published for now: the disk is away"),
        (logging.WARNING, "the load of this machine is not published for now: away once more"),
    ]
