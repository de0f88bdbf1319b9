"""``BufferingProxy``: somebody in between who collects answers, and keeps them."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler

from ....notebook import owned_by_cell
from ...background import Background

PASSED_ON = ("Content-Type", "Cache-Control")
Kept = dict[str, tuple[dict[str, str], bytes]]


class BufferingProxy:
    """Passes requests on to a server, with two habits of real proxies.

    - It collects an answer, and sends it when it is complete. The header ``X-Accel-Buffering: no`` has it send each
      piece at once, as with nginx.
    - It keeps an answer for the next one who asks, unless ``Cache-Control`` has ``no-store``.

    A cell that is run again stops the proxy of its last run.

    Args:
        url: An address of the server.

    Attributes:
        url: The same address, at the proxy.
    """

    @owned_by_cell
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._background = Background()
        address = self._background.serve(Application([("/.*", _PassOn, {"origin": self._origin, "kept": {}})]))
        self.url = urlunsplit(parts._replace(netloc=address))

    def __repr__(self) -> str:
        return f"BufferingProxy(to port {urlsplit(self._origin).port})"

    def stop(self) -> None:
        """Break all connections off, and forget what was kept."""
        self._background.stop()


class _PassOn(RequestHandler):
    def initialize(self, origin: str, kept: Kept) -> None:
        self._origin = origin
        self._kept = kept
        self._fetching: asyncio.Task[None] | None = None

    async def get(self) -> None:
        uri = self.request.uri or "/"
        if uri in self._kept:
            self._begin(self._kept[uri][0])
            self.write(self._kept[uri][1])
            return
        self._fetching = asyncio.create_task(self._fetch(uri))
        try:
            await self._fetching
        except (asyncio.CancelledError, StreamClosedError):  # the reader has left
            return
        except aiohttp.ClientError:
            self.send_error(502)

    def on_connection_close(self) -> None:
        if self._fetching:
            self._fetching.cancel()

    def write_error(self, status_code: int, **_: object) -> None:
        self.finish(f"{status_code}: the server behind the proxy does not answer")

    def _begin(self, headers: dict[str, str]) -> None:
        for name, value in headers.items():
            self.set_header(name, value)

    async def _fetch(self, uri: str) -> None:
        no_limit = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(timeout=no_limit) as session,
            session.get(f"{self._origin}{uri}") as answer,
        ):
            headers = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
            self._begin(headers)
            self.set_status(answer.status)
            body = b""
            async for chunk in answer.content.iter_any():
                body += chunk
                self.write(chunk)
                if answer.headers.get("X-Accel-Buffering") == "no":
                    await self.flush()
        if "no-store" not in headers.get("Cache-Control", ""):
            self._kept[uri] = headers, body
