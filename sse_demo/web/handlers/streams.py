"""The answer that is an event stream: may it be one, and how it begins."""

from __future__ import annotations

import contextlib

from tornado.iostream import StreamClosedError
from tornado.web import Finish, HTTPError

from ...hub.connection import Connection
from ...wire.event import Comment
from .base import Base, problem

RETRY_AFTER = 5  # seconds, told to a client for which there is no room


class Streams(Base):
    def check_accept(self) -> None:
        """406 for a client that says it does not take event streams. Saying nothing means anything goes."""
        accept = self.request.headers.get("Accept") or "*/*"
        quality = {}
        for item in accept.lower().split(","):
            media_range, *parameters = (part.strip() for part in item.split(";"))
            quality[media_range] = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        for media_range in ("text/event-stream", "text/*", "*/*"):  # the most specific decides: RFC 9110, 12.5.1
            if media_range in quality:
                if quality[media_range].strip("0."):
                    return
                break
        raise problem(406, f"this address sends text/event-stream, which Accept: {accept} excludes")

    async def open_event_stream(self, hello: bytes = Comment().encode()) -> Connection:
        """Send the headers and a first block, and take the connection out of Tornado's hands.

        For HEAD the headers are all, and the request ends here. So it does, after the first block, where the server is
        about to stop: then the client will be back. Raises a problem with status 503 where there is no room for another
        stream.
        """
        connections = self.settings["connections"]
        if len(connections) >= self.hub.settings.max_connections:
            raise self.refusal("server_full", f"{len(connections)} event streams are open, which is the limit")
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx would collect the stream before it passes it on
        if self.request.method == "HEAD":
            self.flush()
            raise Finish
        self.set_header("Connection", "close")  # this socket will serve no other request
        self.write(hello)
        with contextlib.suppress(StreamClosedError):  # the client has left: when_closed tells, soon
            await self.flush()
        chunked = self.request.version == "HTTP/1.1"
        connection = self._stream = Connection(self.detach(), chunked=chunked)
        if self.settings["draining"]:  # no 503: a browser that is refused never comes back (HTML standard, 9.2.2)
            connection.end()
            raise Finish
        connections.add(connection)
        connection.when_closed(lambda: connections.discard(connection))
        return connection

    def refusal(self, reason: str, detail: str) -> HTTPError:
        self.hub.metrics.refused.labels(reason).inc()
        return problem(503, detail, {"Retry-After": RETRY_AFTER})
