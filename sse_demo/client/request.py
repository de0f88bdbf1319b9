"""One request for an event stream: what is asked, and what the answer means (HTML standard, 9.2.2 and 9.2.3)."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import socket
import ssl
import weakref
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field

import aiohttp
from multidict import CIMultiDict

from .reconnection import retry_after

MAX_REDIRECTS = 20  # in a row, as in the Fetch standard
MAX_EXPLANATION = 16 * 1024  # bytes of an error answer that are read
EXPLANATION_TIMEOUT = 5.0  # seconds to wait for them
GOODBYE_STEPS = 100  # of the event loop that a closed connection may take to be gone; it takes three


class Lost(Exception):
    """The connection broke or could not be made; another may be, after ``wait`` seconds or more.

    ``error`` is what broke it, None where it was ended in order.
    """

    def __init__(self, reason: str, error: Exception | None = None, wait: float = 0.0, status: int | None = None):
        super().__init__(reason)
        self.error = error
        self.wait = wait
        self.status = status


class Refused(Exception):
    """The answer is no event stream, and there is no use in asking again."""

    def __init__(self, what: str, status: int | None = None):
        super().__init__(what)
        self.status = status


class NoMore(Exception):
    """The server has answered 204: the stream has ended, and the client is to stay away."""


@dataclass
class StreamRequest:
    """What is asked for each time; the arguments are those of :class:`sse_demo.EventSource`."""

    url: str
    method: str
    body: bytes | str | None
    headers: Mapping[str, str]
    before_connect: Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]] | None
    tls: ssl.SSLContext | None
    connect_timeout: float
    read_timeout: float | None
    retry_on: Container[int]
    _session: aiohttp.ClientSession | None = field(default=None, init=False)
    _sockets: weakref.WeakSet[socket.socket] = field(default_factory=weakref.WeakSet, init=False)

    async def open(self, last_event_id: str) -> aiohttp.ClientResponse:
        """Ask once. Returns a response that is an event stream; raises ``Lost``, ``Refused`` or ``NoMore``."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, connect=self.connect_timeout, sock_read=self.read_timeout),
                cookie_jar=aiohttp.CookieJar(unsafe=True),  # as browsers do, which take them from bare IP addresses too
                skip_auto_headers=("Accept-Encoding",),  # compression would hold events back
                middlewares=(_once,),
                # A connection is used once: one that is kept may be dead already, and that would count as a try.
                connector=aiohttp.TCPConnector(socket_factory=self._new_socket, force_close=True),
            )
        try:
            response = await self._session.request(
                self.method,
                self.url,
                headers=await self._all_headers(last_event_id),
                data=self.body.encode() if isinstance(self.body, str) else self.body,
                max_redirects=MAX_REDIRECTS + 1,  # aiohttp counts the answers
                ssl=self.tls or True,
            )
        except aiohttp.TooManyRedirects:
            raise Refused(f"was redirected more than {MAX_REDIRECTS} times") from None
        except aiohttp.RedirectClientError as error:
            raise Refused(f"was redirected to what is not an http address: {error}") from error
        except aiohttp.InvalidURL as error:
            raise Refused(f"is not an address: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error) from error
        except ValueError as error:  # a header that may not be sent, such as an ID that a stream may give
            raise Refused(f"cannot be asked to go on after the event ID {last_event_id!r}: {error}") from error
        if response.status == 200 and response.content_type == "text/event-stream":
            return response
        try:
            raise await self._why_not(response)
        finally:
            abort(response)

    async def close(self) -> None:
        """Close the connections. The request may be made again afterwards."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
            # A TLS connection that was closed in order still waits for an answer to its goodbye.
            for each in list(self._sockets):
                with contextlib.suppress(OSError):  # it is closed
                    each.shutdown(socket.SHUT_RDWR)
            for _ in range(GOODBYE_STEPS):
                if all(each.fileno() == -1 for each in list(self._sockets)):
                    break
                await asyncio.sleep(0)

    def _new_socket(self, address: tuple) -> socket.socket:
        family, kind, protocol, _, _ = address
        new = socket.socket(family, kind, protocol)
        self._sockets.add(new)
        return new

    async def _all_headers(self, last_event_id: str) -> CIMultiDict[str]:
        headers = CIMultiDict({"Accept": "text/event-stream", "Cache-Control": "no-cache"})
        headers.update(self.headers)
        if self.before_connect is not None:
            # In a thread, as a plain function may block; a coroutine function only makes its coroutine there.
            more = await asyncio.to_thread(self.before_connect)
            headers.update(await more if inspect.isawaitable(more) else more)
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        return headers

    async def _why_not(self, response: aiohttp.ClientResponse) -> Exception:
        status = response.status
        if status == 200:
            return Refused(f"sends {response.content_type}, not text/event-stream: this is no event stream", status)
        if status == 204:
            return NoMore("the server answered 204: there is no more")
        answered = f"answered {status} {response.reason}, not 200{await _explanation(response)}"
        if status in self.retry_on:
            return Lost(answered, wait=retry_after(response.headers.get("Retry-After")), status=status)
        return Refused(answered, status)


def abort(response: aiohttp.ClientResponse) -> None:
    """Close its connection now. In order, a TLS connection would wait for the other side, which may be gone."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


def lost(error: Exception) -> Lost:
    """What the network or the HTTP library says, as the loss of the connection that it is."""
    if isinstance(error, aiohttp.SocketTimeoutError):
        return Lost("nothing has come within the read timeout", error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Lost("no connection within the connect timeout", error)
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        return Lost(f"nothing answers there ({error.os_error})", error)
    return Lost(f"{type(error).__name__}: {error}".removesuffix(": "), error)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp asks a second time when a connection breaks, at once and unseen: for us that is a try that has failed."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise lost(error) from error


async def _explanation(response: aiohttp.ClientResponse) -> str:
    """What the answer itself says about why it is no stream."""
    if 300 <= response.status < 400 and "Location" not in response.headers:
        return ", with no Location to go to"
    if response.content_type == "application/problem+json":  # RFC 9457
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            async with asyncio.timeout(EXPLANATION_TIMEOUT):
                problem = json.loads(await response.content.read(MAX_EXPLANATION))
            return f": {problem['detail']}"
    return ""
