"""One feed, served and read by long polling, by WebSocket and by SSE: what lesson 8 shows and measures."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, create_task
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from typing import cast

import aiohttp
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler, websocket_connect

from ....client.source import EventSource


class Feed:
    """A list of events, and a bell that wakes up everybody who waits at that moment. For one event loop.

    Attributes:
        events: All of them, as text.
        requests: How many requests have come, by the name of the handler.
    """

    def __init__(self) -> None:
        self.events: list[str] = []
        self.requests: Counter[str] = Counter()
        self.bell = asyncio.Event()

    def publish(self, *events: str) -> None:
        """Add events, and wake up everybody."""
        self.events += events
        self.bell.set()
        self.bell.clear()

    async def after(self, cursor: int) -> list[str]:
        """The events after so many, once there are any."""
        while len(self.events) <= cursor:
            await self.bell.wait()
        return self.events[cursor:]

    def app(self) -> Application:
        """An application with a door for each transport."""
        doors = {"/poll": LongPolling, "/socket": WebSocket, "/sse": SSE}
        return Application([(path, door, {"feed": self}) for path, door in doors.items()])


class Door(RequestHandler):
    """A handler that has the feed, and counts its requests."""

    def initialize(self, feed: Feed) -> None:
        """Tornado calls this method with what the route says."""
        self.feed = feed

    def prepare(self) -> None:
        """Count the request."""
        self.feed.requests[type(self).__name__] += 1

    def send_each_piece_at_once(self) -> None:
        """Have the kernel not keep a small event back while it waits for more (TCP_NODELAY)."""
        cast(HTTP1Connection, self.request.connection).stream.set_nodelay(True)


class LongPolling(Door):
    """One request, and one answer with what has come."""

    async def get(self) -> None:
        cursor = int(self.get_argument("after"))
        events = await self.feed.after(cursor)
        self.write({"events": events})


class WebSocket(Door, WebSocketHandler):
    """A request, and then messages in both directions."""

    def open(self) -> None:
        self.set_nodelay(True)
        cursor = int(self.get_argument("after"))
        self.sending = create_task(self.send_all(cursor))

    async def send_all(self, cursor: int) -> None:
        with suppress(WebSocketClosedError):
            while True:
                for event in await self.feed.after(cursor):
                    await self.write_message(event)
                    cursor += 1

    def on_message(self, message: str | bytes) -> None:
        self.feed.publish(str(message))

    def on_close(self) -> None:
        self.sending.cancel()


class SSE(Door):
    """One request, and one answer that does not end."""

    async def get(self) -> None:
        self.send_each_piece_at_once()
        self.set_header("Content-Type", "text/event-stream")
        self.write("retry: 200\n\n")
        headers = self.request.headers
        cursor = int(headers.get("Last-Event-ID", 0))
        # The reader leaves, or the server ends.
        with suppress(StreamClosedError, CancelledError):
            while True:
                await self.flush()
                for event in await self.feed.after(cursor):
                    cursor += 1
                    self.write(f"id: {cursor}\n")
                    self.write(f"data: {event}\n\n")


class Client:
    """What a reader has received.

    Attributes:
        url: Where it reads.
        received: All events, in their order.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[str] = []

    @property
    def ws_url(self) -> str:
        """The address for a WebSocket."""
        return self.url.replace("http", "ws", 1)

    @property
    def cursor(self) -> int:
        """How many events it has."""
        return len(self.received)

    def take(self, event: str) -> None:
        """One more event."""
        self.received.append(event)


async def read_polls(client: Client) -> None:
    """Ask, take the answer, ask again."""
    async with aiohttp.ClientSession() as session:
        while True:
            url = f"{client.url}/poll?after={client.cursor}"
            async with session.get(url) as answer:
                said = await answer.json()
                for event in said["events"]:
                    client.take(event)


async def read_websocket(client: Client) -> None:
    """Connect, and take messages until the end."""
    url = f"{client.ws_url}/socket?after={client.cursor}"
    with closing(await websocket_connect(url)) as ws:
        while (text := await ws.read_message()) is not None:
            client.take(str(text))


async def read_sse(client: Client) -> None:
    """Connect, and take events. Coming back is built in."""
    async with EventSource(f"{client.url}/sse") as source:
        async for event in source:
            client.take(event.data)


READERS: dict[str, Callable[[Client], Awaitable[None]]] = {
    "long polling": read_polls,
    "WebSocket": read_websocket,
    "SSE": read_sse,
}
DOORS: dict[str, type[Door]] = {"long polling": LongPolling, "WebSocket": WebSocket, "SSE": SSE}
