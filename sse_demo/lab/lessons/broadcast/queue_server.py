"""The usual server: a queue and a task for each subscriber. ``python queue_server.py PORT``.

It is run by its path, and imports nothing of this package, so that a measurement sees Tornado and the queues only.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler

queues: set[asyncio.Queue[bytes]] = set()


class Events(RequestHandler):
    """Subscribe with GET, publish with POST."""

    async def get(self) -> None:
        """One task for each subscriber: it waits for its queue, and writes what comes."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.add(queue)
        self.request.connection.stream.set_nodelay(True)  # type: ignore[union-attr]  # HTTP/1 has one
        self.set_header("Content-Type", "text/event-stream")
        with suppress(StreamClosedError):
            await self.flush()
            while True:
                self.write(b"data: %b\n\n" % await queue.get())
                await self.flush()
        queues.discard(queue)

    def post(self) -> None:
        """Put the body of the request into each queue."""
        for queue in queues:
            queue.put_nowait(self.request.body)
        self.set_status(202)


async def run(port: int) -> None:
    """Serve on this machine, for ever."""
    Application([("/", Events)], log_function=lambda handler: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1])))
