"""One request of a chain of redirects: its headers, and which of them the next one has."""

from __future__ import annotations

import re
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .address import same_origin
from .cookies import Cookies
from .headers import require_header

REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: The headers that go along to another origin: those of the standard, and those that describe the body.
GO_ALONG = frozenset(
    {"accept", "accept-language", "cache-control", "content-language", "content-type", "last-event-id", "user-agent"}
)
OF_THE_BODY = frozenset({"content-encoding", "content-language", "content-length", "content-location", "content-type"})


class Hop(NamedTuple):
    """A request, and where it goes. A user and a password in the address are sent as ``Authorization``.

    Attributes:
        method: In capitals.
        address: The whole address.
        headers: All headers but cookies that servers have set, and what the connection itself needs.
        body: Of the request.
    """

    method: str
    address: URL
    headers: CIMultiDict[str]
    body: bytes | None

    def redirected(self, status: int, address: URL) -> Hop:
        """The request that follows a redirect, as in the Fetch standard, 4.4 ("HTTP-redirect fetch").

        To another origin go only the headers that :data:`GO_ALONG` names. An ``Authorization``, a ``Cookie`` and all
        headers of one's own stay behind.
        """
        method, body, headers = self.method, self.body, self.headers.copy()
        if (status == 303 and method not in ("GET", "HEAD")) or (status in (301, 302) and method == "POST"):
            method, body = "GET", None
            headers = CIMultiDict(each for each in headers.items() if each[0].lower() not in OF_THE_BODY)
        if not same_origin(address, self.address):
            headers = CIMultiDict(each for each in headers.items() if each[0].lower() in GO_ALONG)
        elif address.user is None and address.password is None:
            address = address.with_user(self.address.user).with_password(self.address.password)
        return Hop(method, address, headers, body)

    def all_headers(self, cookies: Cookies) -> CIMultiDict[str]:
        """The headers that are sent: with the address's user, and with cookies that servers have set.

        Raises:
            ValueError: A header cannot be sent. The error tells its name, and not its value.
        """
        headers = self.headers.copy()
        for name, value in headers.items():
            require_header(name, value)
        user, password = self.address.user, self.address.password
        if user is not None or password is not None:
            headers.setdefault("Authorization", aiohttp.encode_basic_auth(user or "", password or ""))
        if cookie := cookies.header("; ".join(headers.getall("Cookie", ())), self.address):
            headers["Cookie"] = cookie
        if (host := self.address.host_port_subcomponent) is not None and "%" in host:
            headers.setdefault("Host", re.sub("%[^]]*", "", host))  # the zone is this machine's own (RFC 6874, 1)
        return headers
