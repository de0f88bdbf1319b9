"""A broadcast server with the EventSourceResponse of sse-starlette, for uvicorn."""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

subscribers: set[asyncio.Queue[ServerSentEvent]] = set()


async def stream() -> AsyncIterator[ServerSentEvent]:
    """Yield every event that is published while the stream is open."""
    queue: asyncio.Queue[ServerSentEvent] = asyncio.Queue()
    subscribers.add(queue)
    try:
        while True:
            yield await queue.get()
    finally:
        subscribers.discard(queue)


async def events(request: Request) -> Response:
    """Open a stream; the library notices by itself when the client leaves."""
    return EventSourceResponse(stream())


async def publish(request: Request) -> Response:
    """Give the body of the request to every open stream."""
    event = ServerSentEvent((await request.body()).decode())
    for queue in subscribers:
        queue.put_nowait(event)
    return Response(status_code=202)


app = Starlette(routes=[Route("/events", events), Route("/publish", publish, methods=["POST"])])
