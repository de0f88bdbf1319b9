"""A live source that needs no network: this machine's load."""

from __future__ import annotations

import asyncio
import json
import time

from ..hub.hub import Hub

TOPIC = "machine"
INTERVAL = 0.5  # seconds


async def publish_machine(hub: Hub, topic: str = TOPIC, interval: float = INTERVAL) -> None:
    """Publish the load until cancelled: ``{"cpu": percent, "memory": percent, "time": "15:04:05"}``."""
    import psutil  # only where it is used

    psutil.cpu_percent()  # the first call has nothing to compare with and returns 0
    while True:
        await asyncio.sleep(interval)
        load = {
            "cpu": psutil.cpu_percent(),
            "memory": psutil.virtual_memory().percent,
            "time": time.strftime("%H:%M:%S"),
        }
        hub.publish(topic, json.dumps(load))
