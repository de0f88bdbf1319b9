"""``/stream``: the classic demo."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator

from ..web.handlers import Handler, problem
from ..wire.event import Event

MAX_MESSAGES = 10_000
MAX_INTERVAL = 60.0  # seconds


class TenMessagesHandler(Handler):
    """The classic demo: ten messages, two seconds apart, and then no more.

    A client that comes back is given what it has not seen yet; when that is nothing, 204 tells it not to come again.
    """

    async def get(self) -> None:
        self.check_accept()
        count = self.query.number("count", 10, least=1, most=MAX_MESSAGES)
        interval = self.query.number("interval", 2.0, least=0.0, most=MAX_INTERVAL)
        first = message_after(self.last_event_id(), count)
        if first >= count:
            self.set_status(204)
            return
        await self.send_events(messages(first, count, interval))


async def messages(first: int, count: int, interval: float) -> AsyncGenerator[Event, None]:
    """The messages from one number on, with ``interval`` seconds between them."""
    for seq in range(first, count):
        if seq > first:
            await asyncio.sleep(interval)
        yield Event(json.dumps({"seq": seq, "time": time.strftime("%H:%M:%S")}), id=str(seq))


def message_after(last_event_id: str, count: int) -> int:
    """The number of the message that follows the one with this id, 0 for ``""``.

    Raises:
        Problem: 400 for what is no id of this stream.
    """
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 10):
        raise problem(400, f"the ids of this stream are the numbers 0 to {count - 1}, not {last_event_id!r}")
    return int(last_event_id) + 1
