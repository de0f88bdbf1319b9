"""The service by which the public contract tests for SSE clients (launchdarkly/sse-contract-tests) drive our client.

    python tests/tools/contract_service.py [PORT]        (default: 8000)

and in another terminal

    sse-contract-tests --url http://127.0.0.1:8000

The harness asks this service to open a stream, and is told through callbacks what comes of it.
"""

import argparse
import asyncio
import json
import sys

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from sse_demo import Comment, EventSource, EventSourceError, ReadyState, StateChange

CAPABILITIES = [
    "bom",
    "comments",
    "headers",
    "last-event-id",
    "post",
    "read-timeout",
    "report",
    "restart",
    "server-directed-shutdown-request",
]
EVENT_SIZE = 64 * 1024 * 1024  # bytes: the harness has tests with large ones


class Stream:
    """One client, and the callbacks that tell what it has got."""

    def __init__(self, options: dict):
        milliseconds = options.get("readTimeoutMs")
        self.source = EventSource(
            options["streamUrl"],
            last_event_id=options.get("lastEventId") or "",
            method=options.get("method") or "GET",
            body=options.get("body") or None,
            headers=options.get("headers") or {},
            comments=True,
            max_event_size=EVENT_SIZE,
            read_timeout=milliseconds / 1000 if milliseconds else None,
            on_state_change=self.changed,
        )
        if options.get("initialDelayMs") is not None:
            self.source.reconnection_time = options["initialDelayMs"] / 1000
        self.callback_url = options["callbackUrl"].rstrip("/")
        self.messages: asyncio.Queue[dict] = asyncio.Queue()
        self.tasks = [asyncio.create_task(self.read()), asyncio.create_task(self.tell())]

    async def read(self) -> None:
        try:
            async with self.source:
                async for item in self.source:
                    if isinstance(item, Comment):
                        self.messages.put_nowait({"kind": "comment", "comment": item.text})
                    else:
                        event = {"type": item.event, "data": item.data, "id": item.id or ""}
                        self.messages.put_nowait({"kind": "event", "event": event})
        except EventSourceError as error:
            self.messages.put_nowait({"kind": "error", "error": str(error)})

    def changed(self, change: StateChange) -> None:
        """A connection that breaks is an error; one that is ended in order, or by us, is none."""
        if change.state is ReadyState.CONNECTING and change.error is not None:
            self.messages.put_nowait({"kind": "error", "error": change.reason})

    async def tell(self) -> None:
        """One callback after the other, in order."""
        number = 0
        while True:
            message = await self.messages.get()
            number += 1
            body = json.dumps(message)
            headers = {"Content-Type": "application/json"}
            url = f"{self.callback_url}/{number}"
            await AsyncHTTPClient().fetch(url, method="POST", headers=headers, body=body, raise_error=False)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Service(RequestHandler):
    """``/``: what we can do, a new stream, the end of the service."""

    def initialize(self, streams: dict, ended: asyncio.Event) -> None:
        self.streams, self.ended = streams, ended

    def get(self) -> None:
        self.write({"name": "sse-demo", "capabilities": CAPABILITIES})

    def post(self) -> None:
        try:
            stream = Stream(json.loads(self.request.body))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HTTPError(400, reason="Bad Request", log_message=repr(error)) from error
        id = str(len(self.streams) + 1)
        self.streams[id] = stream
        self.set_status(201)
        self.set_header("Location", f"/streams/{id}")

    def delete(self) -> None:
        self.set_status(204)
        self.ended.set()


class OneStream(RequestHandler):
    """``/streams/N``: a command for the client, the end that it comes to, the end that it is given."""

    def initialize(self, streams: dict) -> None:
        self.streams = streams

    def prepare(self) -> None:
        if self.streams.get(self.path_args[0]) is None:
            raise HTTPError(404)

    def post(self, id: str) -> None:
        try:
            command = json.loads(self.request.body)["command"]
        except (KeyError, TypeError, ValueError) as error:
            raise HTTPError(400, log_message=repr(error)) from error
        if command != "restart":
            raise HTTPError(400, log_message=f"no command {command!r}")
        self.streams[id].source.restart()
        self.set_status(202)

    async def get(self, id: str) -> None:
        """Answers once the client has come to its end. The harness never asks; a test of ours does."""
        stream = self.streams[id]
        await asyncio.wait(stream.tasks[:1])
        self.write({"state": stream.source.ready_state.name})

    async def delete(self, id: str) -> None:
        stream, self.streams[id] = self.streams[id], None
        await stream.close()
        self.set_status(204)


async def serve(port: int) -> None:
    streams: dict[str, Stream | None] = {}
    ended = asyncio.Event()
    app = Application(
        [("/", Service, {"streams": streams, "ended": ended}), (r"/streams/(\d+)", OneStream, {"streams": streams})]
    )
    server = HTTPServer(app)
    sockets = bind_sockets(port, "127.0.0.1")
    server.add_sockets(sockets)
    print(f"listening on http://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)
    await ended.wait()
    await asyncio.gather(*(stream.close() for stream in streams.values() if stream))
    server.stop()
    await server.close_all_connections()


def main() -> None:
    summary, usage = __doc__.split("\n", 1)
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("port", nargs="?", type=int, default=8000, help="where to listen (default: 8000)")
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
