"""``/stream``: the classic demo."""

from __future__ import annotations

import asyncio
import json
import time

from ..hub.connection import Connection
from ..web.handlers.base import problem
from ..web.handlers.handler import Handler
from ..wire.event import Comment, Event

MAX_MESSAGES = 10_000
MAX_INTERVAL = 60.0  # seconds


class TenMessagesHandler(Handler):
    """The classic demo: ten messages, two seconds apart, and then no more.

    A client that comes back is given what it has not seen yet; when that is nothing, 204 tells it not to come again.
    """

    async def get(self) -> None:
        first, count, interval = self.wanted()
        if first >= count:
            self.set_status(204)
            return
        connection = await self.open_event_stream()
        gone = asyncio.Event()
        connection.when_closed(gone.set)
        for seq in range(first, count):
            if seq > first and await leaves(gone, interval, connection, self.hub.settings.heartbeat):
                return
            data = json.dumps({"seq": seq, "time": time.strftime("%H:%M:%S")})
            connection.write(Event(data, id=str(seq)).encode())
        connection.when_drained(connection.end)

    def wanted(self) -> tuple[int, int, float]:
        """The first message, how many there are in all, and the seconds between them."""
        self.check_accept()
        count = self.query_number("count", 10, least=1, most=MAX_MESSAGES)
        interval = self.query_number("interval", 2.0, least=0.0, most=MAX_INTERVAL)
        last_event_id = self.request.headers.get("Last-Event-ID") or self.query("last_event_id")
        return message_after(last_event_id, count), count, interval


def message_after(last_event_id: str | None, count: int) -> int:
    """The number of the message that follows the one with this id; 400 for what is no id of this stream."""
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 10):
        raise problem(400, f"the ids of this stream are the numbers 0 to {count - 1}, not {last_event_id!r}")
    return int(last_event_id) + 1


async def leaves(gone: asyncio.Event, seconds: float, connection: Connection, heartbeat: float) -> bool:
    """Wait, with a heartbeat from time to time. True, at once, when the client has left."""
    await asyncio.sleep(0)  # others have their turn, even where there is nothing to wait for
    deadline = asyncio.get_running_loop().time() + seconds
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        try:
            async with asyncio.timeout(min(left, heartbeat)):
                await gone.wait()
                return True
        except TimeoutError:
            if left > heartbeat:
                connection.write(Comment().encode())
    return connection.closed
