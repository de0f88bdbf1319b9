"""A broadcast server with aiohttp-sse on aiohttp and uvloop: python aiohttp_sse_app.py PORT."""

import asyncio
import sys

import uvloop
from aiohttp import web
from aiohttp_sse import sse_response

SUBSCRIBERS: web.AppKey[set[asyncio.Queue[str]]] = web.AppKey("subscribers")


async def events(request: web.Request) -> web.StreamResponse:
    """Send every message that is published while the stream is open."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    subscribers = request.app[SUBSCRIBERS]
    subscribers.add(queue)
    try:
        async with sse_response(request) as response:
            while response.is_connected():
                await response.send(await queue.get())
        return response
    finally:
        subscribers.discard(queue)


async def publish(request: web.Request) -> web.Response:
    """Give the body of the request to every open stream."""
    message = await request.text()
    for queue in request.app[SUBSCRIBERS]:
        queue.put_nowait(message)
    return web.Response(status=202)


def main(port: int) -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app[SUBSCRIBERS] = set()
    app.add_routes([web.get("/events", events), web.post("/publish", publish)])
    web.run_app(
        app,
        host="127.0.0.1",
        port=port,
        loop=uvloop.new_event_loop(),
        print=None,
        access_log=None,
        backlog=2048,  # as in uvicorn; the default of 128 is small for many clients that connect at once
        handler_cancellation=True,  # a stream ends when its client leaves, not at the next message
        shutdown_timeout=1,  # open streams do not end by themselves
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
