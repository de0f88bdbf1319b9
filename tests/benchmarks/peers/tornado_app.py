"""The least that a handler in Tornado does for the same answers: python tornado_app.py PORT.

What is published is sent to the open streams by ``socket.send``. A socket that is full loses the event.
"""

import asyncio
import itertools
import socket
import sys

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

streams: set[socket.socket] = set()
numbers = itertools.count(1)


class EventsHandler(RequestHandler):
    """Sends the headers and the first bytes of sse_demo, and waits; answers a publication as sse_demo does."""

    async def get(self) -> None:
        """Open a stream, until its client leaves."""
        self._left = asyncio.Event()
        stream = self.request.connection.stream
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store, no-transform")
        self.set_header("X-Accel-Buffering", "no")
        self.write(":\nretry: 2000\n\n")
        await self.flush()
        own = stream.socket
        streams.add(own)
        await self._left.wait()
        streams.discard(own)

    def on_connection_close(self) -> None:
        """The client has left."""
        self._left.set()

    async def post(self) -> None:
        """Send the body to every open stream."""
        event = b"data: %b\n\n" % self.request.body
        chunk = b"%x\r\n%b\r\n" % (len(event), event)
        for stream in streams:
            stream.send(chunk)
        self.set_status(202)
        self.write({"id": f"a1b2c3d4-{next(numbers)}"})


async def main(port: int) -> None:
    """Serve until SIGTERM."""
    server = HTTPServer(Application([("/events", EventsHandler)], log_function=lambda handler: None))
    server.add_sockets(bind_sockets(port, "127.0.0.1", backlog=2048))  # many clients connect at once
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
