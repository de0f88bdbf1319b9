"""Cookies that servers set: which go along with a request, byte for byte as they came (RFC 6265)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

import aiohttp
from yarl import URL

from .headers import is_sendable


class Cookies:
    """What servers have set.

    The library's jar knows which cookie is for which address, but quotes and escapes the values. So the values are
    escaped before the jar gets them, in a way that the jar leaves alone, and are restored when they are sent.
    """

    def __init__(self) -> None:
        # As in browsers, which take them from bare IP addresses, too.
        self._jar = aiohttp.CookieJar(unsafe=True)

    def keep(self, fields: Iterable[str], address: URL) -> None:
        """Keep the cookies of an answer.

        Args:
            fields: The values of its ``Set-Cookie`` headers.
            address: The address that has answered.
        """
        self._jar.update_cookies_from_headers([_escaped(field) for field in fields if is_sendable(field)], address)

    def header(self, own: str, address: URL) -> str:
        """The value of the header ``Cookie``; ``""`` where there is none.

        Args:
            own: A value that was given. Its cookies go first. One that the server has set anew is left out there.
            address: Where the request goes.
        """
        cookies = self._jar.filter_cookies(address)
        if not cookies:
            return own
        kept = [pair for pair in own.split(";") if pair.strip() and pair.partition("=")[0].strip() not in cookies]
        set_by_servers = [f" {cookie.key}={unquote(cookie.value)}" for cookie in cookies.values()]
        return ";".join([*kept, *set_by_servers]).strip()


def _escaped(field: str) -> str:
    pair, semicolon, attributes = field.partition(";")
    name, equals, value = pair.partition("=")
    return f"{name}{equals}{quote(value.strip(), safe='')}{semicolon}{attributes}"
