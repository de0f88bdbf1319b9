"""One request for an event stream: what is asked, and what the answer means (HTML standard, 9.2.2 and 9.2.3)."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import ssl
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import aiohttp
from multidict import CIMultiDict

from .address import Url
from .connections import Connections, Lost, Refused, abort, lost, one_line, problem_detail, read_up_to
from .headers import is_sendable
from .heads import BadHead
from .inlet import Response
from .reconnection import retry_after

MAX_EXPLANATION = 16 * 1024  # bytes of an error answer that are read
EXPLANATION_TIMEOUT = 5.0  # seconds to wait for them

Result = TypeVar("Result")


class NoMore(Exception):
    """The server has answered 204: the stream has ended, and the client is to stay away."""


@dataclass(kw_only=True, repr=False)  # what it has is secret
class StreamRequest:
    """The request that each connection begins with. The fields are arguments of :class:`sse_demo.EventSource`."""

    url: Url
    method: str
    body: bytes | str | None
    headers: Mapping[str, str]
    before_connect: Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]] | None
    tls: ssl.SSLContext | None
    proxy: str | None
    connect_timeout: float
    read_timeout: float | None
    retry_on: Container[int]
    _connections: Connections | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.body, str):
            try:
                self.body = self.body.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"body has a lone surrogate, which UTF-8 cannot carry: {error}") from None

    async def open(self, last_event_id: str) -> Response:
        """Ask once, and return the response that is an event stream.

        Where credentials can be renewed, a 401 is asked again, once and at once.

        Raises:
            Lost: There was no answer, or one that another try may change.
            Refused: The answer is no event stream.
            NoMore: The stream has ended.
        """
        response = await self._ask(last_event_id)
        if response.status == 401 and self.before_connect is not None:
            abort(response)
            response = await self._ask(last_event_id)
        try:
            why_not = await self._why_not(response)
        except BaseException:
            abort(response)
            raise
        if why_not is not None:
            abort(response)
            raise why_not
        return response

    async def close(self) -> None:
        """Close the connections. The request may be made again afterwards."""
        if self._connections is not None:
            connections, self._connections = self._connections, None
            await connections.close()

    async def _ask(self, last_event_id: str) -> Response:
        if self._connections is None:
            connect = (
                None if self.connect_timeout == math.inf else self.connect_timeout
            )  # which the library cannot round
            timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_read=self.read_timeout)
            self._connections = Connections(timeout, self.tls, self.proxy)
        if not is_sendable(last_event_id):
            raise Refused(
                f"cannot be asked to go on after the event ID {last_event_id!r}: no header can have these characters"
            )
        headers = await self._all_headers(last_event_id)
        try:
            return await self._connections.request(
                self.method, self.url, headers, cast("bytes | None", self.body), redirects=True
            )
        except ValueError as error:
            raise Refused(f"cannot be asked: {error}") from error
        except (Lost, Refused) as error:  # the status line decides, whatever the rest is
            if error.status in (None, 200) or not isinstance(error.__cause__, BadHead):
                raise
            raise self._judged(error.status, str(error)) from error.__cause__

    async def _all_headers(self, last_event_id: str) -> CIMultiDict[str]:
        headers = CIMultiDict({"Accept": "text/event-stream", "Cache-Control": "no-cache"})
        headers.update(self.headers)
        if self.before_connect is not None:
            # In a thread, as a plain function may block; a coroutine function only makes its coroutine there.
            try:
                more = await asyncio.to_thread(_called, self.before_connect)
                headers.update(await more if inspect.isawaitable(more) else more)
            except (aiohttp.ClientError, OSError) as error:
                raise lost(error) from error
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        return headers

    async def _why_not(self, response: Response) -> Exception | None:
        """What an answer means that is no event stream; ``None`` where it is one."""
        status = response.status
        if status != 200:
            answered = f"answered {status} {one_line(response.reason or '')}, not 200{await _explanation(response)}"
            return self._judged(status, answered, retry_after(response.headers.get("Retry-After")))
        if (sends := media_type(response.headers.getall("Content-Type", ()))) != "text/event-stream":
            sends = one_line(sends) or "no Content-Type"
            return Refused(f"sends {sends}, not text/event-stream: this is no event stream", status)
        for name, plain in (("Content-Encoding", ("identity",)), ("Transfer-Encoding", ("identity", "chunked"))):
            encoding = ", ".join(response.headers.getall(name, ())).strip()
            if encoding and encoding.lower() not in plain:
                return Refused(
                    f"sends {name}: {one_line(encoding)}, which is not read: it would hold events back", status
                )
        return None

    def _judged(self, status: int, answered: str, wait: float = 0.0) -> Exception:
        """What a status means that is not 200."""
        if status == 204:
            return NoMore("the server answered 204: there is no more")
        if status in self.retry_on:
            return Lost(answered, wait=wait, status=status)
        return Refused(answered, status)


def media_type(values: Sequence[str]) -> str:
    """The type that the ``Content-Type`` headers of an answer name, without parameters; ``""`` where there is none.

    Of several the last counts (Fetch standard, 2.2.2, "extract a MIME type").
    """
    names = [value.partition(";")[0].strip().lower() for value in ",".join(values).split(",")]
    return next((name for name in reversed(names) if "/" in name and name != "*/*"), "")


def _called(callback: Callable[[], Result]) -> Result:
    """What a callback returns. A ``StopIteration`` never gets out of a thread, and would be waited for for ever."""
    try:
        return callback()
    except StopIteration as error:
        raise RuntimeError("before_connect raised StopIteration") from error


async def _explanation(response: Response) -> str:
    """The answer's own words for why it is no stream."""
    if 300 <= response.status < 400 and "Location" not in response.headers:
        return ", with no Location to go to"
    if media_type(response.headers.getall("Content-Type", ())) == "application/problem+json":  # RFC 9457
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(EXPLANATION_TIMEOUT):
                if detail := problem_detail(await read_up_to(response, MAX_EXPLANATION)):
                    return f": {detail}"
    return ""
