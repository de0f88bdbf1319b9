"""``/stream``: the classic demo."""

from __future__ import annotations

import asyncio
import json
import time

from ..hub.connection import Connection
from ..web.handlers import Handler, problem
from ..wire.event import Event
from ..wire.service_events import HEARTBEAT

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
        connection = await self.open_event_stream()
        left = asyncio.Event()
        connection.when_closed(left.set)
        for seq in range(first, count):
            if seq > first and await wait_or_left(left, interval, connection, self.hub.settings.heartbeat):
                return
            data = json.dumps({"seq": seq, "time": time.strftime("%H:%M:%S")})
            connection.write(Event(data, id=str(seq)).encode())
        connection.when_drained(connection.end)


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


async def wait_or_left(left: asyncio.Event, seconds: float, connection: Connection, heartbeat: float) -> bool:
    """Wait, with a heartbeat from time to time.

    Args:
        left: Set when the client has left.
        seconds: How long to wait.
        connection: Where the heartbeats go.
        heartbeat: Seconds between two of them.

    Returns:
        Whether the client has left; then at once.
    """
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0)  # others have their turn, even where there is nothing to wait for
    deadline = loop.time() + seconds
    while (remaining := deadline - loop.time()) > 0:
        try:
            async with asyncio.timeout(min(remaining, heartbeat)):
                await left.wait()
                return True
        except TimeoutError:
            if remaining > heartbeat:
                connection.write(HEARTBEAT)
    return connection.closed
