"""HTTP connections, each for one request, and what it means when one fails."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import ssl
import weakref
from typing import Any, cast

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from ..errors import InvalidInput
from .address import Url, parse_address, redirected
from .cookies import Cookies
from .heads import MAX_HEAD, BadHead, why_unreadable
from .hop import REDIRECTS, Hop
from .inlet import Response
from .proxy import proxy_for
from .reconnection import TRANSIENT_STATUSES

MAX_REDIRECTS = 20  # in a row, as in the Fetch standard
MAX_SHOWN = 500  # characters of an answer that an error tells
GOODBYE_STEPS = 100  # of the event loop that a closed connection may take to be gone; it takes three

_no_headers: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


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
        timeout: The time limits of each request. ``connect`` is also that of a head, from its first byte on.
        tls: A context for ``https``; ``None`` trusts the system's authorities.
        proxy: The address of a proxy, with a user and a password if it has them; ``"environment"`` for the proxies that
            the environment names; ``None`` for none.
    """

    def __init__(self, timeout: aiohttp.ClientTimeout, tls: ssl.SSLContext | None, proxy: str | None = None) -> None:
        class TimedResponse(Response):
            head_timeout = timeout.connect

        self._tls = tls
        self._proxy = proxy
        self._cookies = Cookies()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding",),  # compression would hold events back
            auto_decompress=False,
            middlewares=(_once,),
            connector=aiohttp.TCPConnector(socket_factory=self._new_socket, force_close=True),
            response_class=TimedResponse,
            max_line_size=MAX_HEAD,  # the head has a limit as a whole
            max_field_size=MAX_HEAD,
            max_headers=MAX_HEAD,
        )

    async def request(
        self, method: str, url: Url, headers: CIMultiDict[str], body: bytes | None, *, redirects: bool
    ) -> Response:
        """Ask once, and return the answer as soon as its headers have come.

        Args:
            method: The method of the request.
            url: The address of the request. Path and query are sent byte for byte.
            headers: All headers but those that the connection itself needs. An ``Authorization`` among them counts more
                than a user in the address.
            body: The body of the request.
            redirects: Whether redirects are followed, as the Fetch standard says.

        Raises:
            Lost: There was no answer.
            Refused: The address or a redirect leads nowhere, or the answer is beyond a limit.
            ValueError: A header cannot be sent.
        """
        try:
            hop = Hop(method.upper(), parse_address(url), headers, body)
        except InvalidInput as error:
            raise Refused(f"is not an address: {error}") from error
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._ask(hop)
            location = response.headers.get("Location")
            if not (redirects and response.status in REDIRECTS and location):
                return response
            abort(response)
            try:
                hop = hop.redirected(response.status, redirected(hop.address, location))
            except InvalidInput as error:
                raise Refused(f"was redirected to what is not an http address: {error}", response.status) from error
        raise Refused(f"was redirected more than {MAX_REDIRECTS} times")

    async def _ask(self, hop: Hop) -> Response:
        try:
            proxy = proxy_for(hop.address, self._proxy)
        except InvalidInput as error:
            raise Refused(f"cannot be asked: {error}") from error
        headers = hop.all_headers(self._cookies)
        for_the_proxy = proxy.headers() if proxy is not None else {}
        if hop.address.scheme == "http":  # otherwise the proxy does not see what is sent
            headers.update(for_the_proxy)
        try:
            response = await self._session.request(
                hop.method,
                hop.address.with_user(None),
                headers=headers,
                data=io.BytesIO(hop.body) if hop.body else hop.body,  # which is sent in pieces
                allow_redirects=False,
                ssl=self._tls or True,
                proxy=proxy and proxy.url,
                proxy_headers=for_the_proxy,
            )
        except BadHead as error:
            _forget_headers(error.__cause__)
            if error.too_large:
                raise Refused(str(error), error.status) from error
            raise Lost(str(error), error, status=error.status) from error
        except aiohttp.ClientHttpProxyError as error:
            _forget_headers(error)
            answered = f"cannot be reached: its proxy answered {error.status} {one_line(error.message)}"
            if error.status in TRANSIENT_STATUSES:
                raise Lost(answered, error, status=error.status) from error
            raise Refused(answered, error.status) from error
        except aiohttp.ClientResponseError as error:  # a server's would be a BadHead
            _forget_headers(error)
            raise Lost(f"the answer of its proxy cannot be read: {one_line(why_unreadable(error))}", error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error) from error
        self._cookies.keep(response.headers.getall("Set-Cookie", ()), hop.address)
        return cast(Response, response)

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
    if isinstance(error, aiohttp.ClientConnectorError) and _is_no_tls(error.os_error):
        return Lost("the connection was closed in the middle of the TLS handshake; is https right?", error)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Lost(f"its proxy cannot be reached ({error.os_error})", error)
    if nobody := nobody_there(error):
        return Lost(f"nothing answers there ({nobody})", error)
    return Lost(f"{type(error).__name__}: {error}".removesuffix(": "), error)


def nobody_there(error: BaseException | None) -> OSError | None:
    """The system's reason, where the error says that nothing answers at an address; else ``None``."""
    other = aiohttp.ClientSSLError | aiohttp.ClientProxyConnectionError
    if not isinstance(error, aiohttp.ClientConnectorError) or isinstance(error, other) or _is_no_tls(error.os_error):
        return None
    return error.os_error


def _is_no_tls(reason: OSError) -> bool:
    """Whether this is asyncio's error, which has no number, for a handshake that the other side has ended."""
    return isinstance(reason, ConnectionResetError | ConnectionAbortedError) and reason.errno is None


def nothing_answers(url: str, reason: OSError) -> str:
    """The words for an address at which nothing answers.

    Args:
        url: The address as it may be shown.
        reason: The system's own.
    """
    known = isinstance(reason, ConnectionRefusedError)  # then there is no more to say
    return f"nothing answers at {url}{'' if known else f' ({reason})'}"


async def read_up_to(response: Response, most: int) -> bytes:
    """The body of an answer, or its first ``most`` bytes."""
    body = bytearray()
    while len(body) < most and (chunk := await response.read_some()):
        body += chunk
    return bytes(body[:most])


def problem_detail(body: bytes) -> str:
    """The ``detail`` of a problem (RFC 9457), in words; ``""`` where the body is no problem."""
    try:
        return one_line(str(json.loads(body)["detail"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def one_line(text: str) -> str:
    """A text of a stranger as one line of at most :data:`MAX_SHOWN` characters, without control characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:MAX_SHOWN]


def _forget_headers(error: BaseException | None) -> None:
    """Take the headers of the request, and the secrets among them, out of an error of the library."""
    if isinstance(error, aiohttp.ClientResponseError):
        asked = error.request_info
        error.request_info = aiohttp.RequestInfo(asked.url, asked.method, _no_headers, asked.real_url)
        error.args = (error.request_info, error.history)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking a second time when a connection breaks: here that is a try that has failed."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise lost(error) from error
