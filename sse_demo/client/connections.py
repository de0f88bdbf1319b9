"""HTTP connections, each for one request, and what it means when one fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import weakref
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .proxy import proxy_for

MAX_REDIRECTS = 20  # in a row, as in the Fetch standard
GOODBYE_STEPS = 100  # of the event loop that a closed connection may take to be gone; it takes three


class Lost(Exception):
    """The connection broke or could not be made; another may be, after ``wait`` seconds or more.

    Attributes:
        error: What broke the connection; ``None`` where it was ended in order.
        wait: The seconds that the server asks the client to stay away; 0 where it asks for none.
        status: The status of the answer; ``None`` where there was none.
    """

    def __init__(
        self, reason: str, error: Exception | None = None, wait: float = 0.0, status: int | None = None
    ) -> None:
        super().__init__(reason)
        self.error = error
        self.wait = wait
        self.status = status


class Refused(Exception):
    """The answer is not what was asked for, or the request cannot be made. There is no use in asking again.

    Attributes:
        status: The status of the answer; ``None`` where there was none.
    """

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what)
        self.status = status


class Connections:
    """Makes requests, each over a connection of its own.

    A connection that is kept may be dead already when the next request needs it, and would count as a try.

    Args:
        timeout: The time limits of each request.
        tls: A context for ``https``; ``None`` trusts the system's authorities.
        proxy: The address of a proxy, with a user and a password if it has them; ``"environment"`` for the proxies that
            the environment names; ``None`` for none.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout, tls: ssl.SSLContext | None, proxy: str | None = None) -> None:
        self._tls = tls
        self._proxy = proxy
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # as browsers do, which take them from bare IP addresses too
            skip_auto_headers=("Accept-Encoding",),  # compression would hold events back
            middlewares=(_once,),
            connector=aiohttp.TCPConnector(socket_factory=self._new_socket, force_close=True),
        )

    async def request(
        self, method: str, url: str | URL, headers: CIMultiDict[str], body: bytes | None, *, redirects: bool
    ) -> aiohttp.ClientResponse:
        """Ask once, and return the answer as soon as its headers have come.

        Args:
            method: The method of the request.
            url: The address of the request.
            headers: All headers but those that the connection itself needs.
            body: The body of the request.
            redirects: Whether redirects are followed, as the Fetch standard says.

        Raises:
            Lost: There was no answer.
            Refused: The address or a redirect leads nowhere.
            ValueError: A header may not be sent.
        """
        proxy = proxy_for(URL(url), self._proxy)
        try:
            return await self._session.request(
                method,
                url,
                proxy=proxy and proxy.url,
                proxy_headers=proxy and proxy.headers(),
                headers=headers,
                data=body,
                allow_redirects=redirects,
                max_redirects=MAX_REDIRECTS + 1,  # aiohttp counts the answers
                ssl=self._tls or True,
            )
        except aiohttp.TooManyRedirects:
            raise Refused(f"was redirected more than {MAX_REDIRECTS} times") from None
        except aiohttp.RedirectClientError as error:
            raise Refused(f"was redirected to what is not an http address: {error}") from error
        except aiohttp.InvalidURL as error:
            raise Refused(f"is not an address: {error.description or 'it has no host'}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error) from error

    async def close(self) -> None:
        """Close what is open, and wait until it is gone."""
        await self._session.close()
        # A TLS connection that was closed in order still waits for an answer to its goodbye.
        for each in list(self._sockets):
            with contextlib.suppress(OSError):  # it is closed
                each.shutdown(socket.SHUT_RDWR)
        for _ in range(GOODBYE_STEPS):
            if all(each.fileno() == -1 for each in list(self._sockets)):
                break
            await asyncio.sleep(0)

    def _new_socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, _ = address
        new = socket.socket(family, kind, protocol)
        self._sockets.add(new)
        return new


def abort(response: aiohttp.ClientResponse) -> None:
    """Close the connection of a response now. Closing it in order would wait for the other side, which may be gone."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


def lost(error: Exception) -> Lost:
    """Translate an error of the network or of the HTTP library into a lost connection."""
    if isinstance(error, aiohttp.SocketTimeoutError):
        return Lost("nothing has come within the read timeout", error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Lost("no connection within the connect timeout", error)
    if nobody := nobody_there(error):
        return Lost(f"nothing answers there ({nobody})", error)
    return Lost(f"{type(error).__name__}: {error}".removesuffix(": "), error)


def nobody_there(error: BaseException | None) -> OSError | None:
    """The system's reason, where the error says that nothing answers at an address; else ``None``."""
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        return error.os_error
    return None


def nothing_answers(url: str, reason: OSError) -> str:
    """The words for an address at which nothing answers.

    Args:
        url: The address as it may be shown.
        reason: The system's own.
    """
    known = isinstance(reason, ConnectionRefusedError)  # then there is no more to say
    return f"nothing answers at {url}{'' if known else f' ({reason})'}"


async def read_up_to(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer, or its first ``most`` bytes."""
    body = bytearray()
    while len(body) < most and (chunk := await response.content.readany()):
        body += chunk
    return bytes(body[:most])


def problem_detail(body: bytes) -> str:
    """The ``detail`` of a problem (RFC 9457), in words; ``""`` where the body is no problem."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking a second time when a connection breaks: here that is a try that has failed."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise lost(error) from error
