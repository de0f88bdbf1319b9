"""A live source that needs no network: this machine's load."""

from __future__ import annotations

import asyncio
import json
import logging
import time

import psutil

from ..errors import LogError, Overloaded, TopicFull
from ..hub.hub import Hub

TOPIC = "machine"
INTERVAL = 0.5  # seconds

_logger = logging.getLogger("sse_demo.machine")


async def publish_machine(hub: Hub, topic: str = TOPIC, interval: float = INTERVAL) -> None:
    """Publish the load until cancelled: ``{"cpu": percent, "memory": percent, "time": "15:04:05"}``.

    A log that cannot take events for a while is waited for: one warning tells of it, however long it takes.

    Args:
        hub: Publishes the load.
        topic: The topic's name.
        interval: Seconds between two events.
    """
    psutil.cpu_percent()  # the first call has nothing to compare with and returns 0
    refused = False
    while True:
        await asyncio.sleep(interval)
        load = {
            "cpu": psutil.cpu_percent(),
            "memory": psutil.virtual_memory().percent,
            "time": time.strftime("%H:%M:%S"),
        }
        try:
            await hub.publish_async(topic, json.dumps(load))
            refused = False
        except (LogError, Overloaded, TopicFull) as error:
            if not refused:
                _logger.warning("the load of this machine is not published for now: %s", error)
            refused = True
