"""A broadcast server with FastAPI's own support for Server-Sent Events, for uvicorn."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

app = FastAPI()
subscribers: set[asyncio.Queue[ServerSentEvent]] = set()


@app.get("/events", response_class=EventSourceResponse)
async def events() -> AsyncIterator[ServerSentEvent]:
    """Yield every event that is published while the stream is open."""
    queue: asyncio.Queue[ServerSentEvent] = asyncio.Queue()
    subscribers.add(queue)
    try:
        while True:
            yield await queue.get()
    finally:
        subscribers.discard(queue)


@app.post("/publish")
async def publish(request: Request) -> Response:
    """Give the body of the request to every open stream; raw_data is sent as it is, data would become JSON."""
    event = ServerSentEvent(raw_data=(await request.body()).decode())
    for queue in subscribers:
        queue.put_nowait(event)
    return Response(status_code=202)
