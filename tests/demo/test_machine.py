import asyncio
import json
import re

import pytest

from sse_demo import EventStreamParser, Hub
from sse_demo.demo.machine import publish_machine


def test_the_load_is_published_until_it_is_cancelled():
    async def main():
        hub = Hub()
        source = asyncio.create_task(publish_machine(hub, "load", interval=0.01))
        async with asyncio.timeout(5):
            while len(hub.log.read(["load"], 0, 10**9, 10**9)[0]) < 3:
                await asyncio.sleep(0.01)
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source
        return hub.log.read(["load"], 0, 10**9, 10**9)[0]

    for entry in asyncio.run(main()):
        load = json.loads(EventStreamParser().feed(entry.wire)[0].data)
        assert list(load) == ["cpu", "memory", "time"]
        assert 0 <= load["cpu"] <= 100
        assert 0 < load["memory"] < 100
        assert re.fullmatch(r"\d\d:\d\d:\d\d", load["time"])
