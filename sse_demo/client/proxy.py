"""Which proxy a request goes through: none, one that is named, or that of the environment."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from yarl import URL

from ..errors import InvalidInput
from .address import parse_address, shown

ENVIRONMENT = "environment"  #: For ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``.


class Proxy(NamedTuple):
    """A proxy, and what it must be told.

    Attributes:
        url: Its address, without user and password.
        authorization: The value of ``Proxy-Authorization``; ``None`` where the address has no user.
    """

    url: URL
    authorization: str | None

    def headers(self) -> dict[str, str]:
        """The headers that are for the proxy alone."""
        return {} if self.authorization is None else {"Proxy-Authorization": self.authorization}


def require_proxy(proxy: str | None) -> None:
    """Raise ``InvalidInput`` where the argument ``proxy`` is no address of a proxy."""
    if proxy is not None and proxy != ENVIRONMENT:
        _parse(proxy)


def proxy_for(address: URL, proxy: str | None) -> Proxy | None:
    """The proxy for a request; ``None`` where it goes straight to the server.

    Args:
        address: Where the request goes.
        proxy: The address of a proxy, or ``"environment"``. No proxy of the environment is asked for an address on this
            machine.

    Raises:
        InvalidInput: The proxy has no http or https address.
    """
    if proxy != ENVIRONMENT:
        return _parse(proxy) if proxy is not None else None
    host = (address.host or "").removesuffix(".")
    proxies = getproxies_environment()
    if _is_loopback(host) or proxy_bypass(f"{host}:{address.port}"):
        return None
    named = proxies.get(address.scheme) or proxies.get("all")
    return _parse(named if "://" in named else f"http://{named}") if named else None


def _parse(proxy: str) -> Proxy:
    try:
        address = parse_address(proxy)
    except InvalidInput:
        raise InvalidInput(
            f"a proxy has an http or https address, such as http://127.0.0.1:3128, or is {ENVIRONMENT!r}, "
            f"not {shown(proxy)!r}"
        ) from None
    user, password = address.user, address.password
    authorization = None
    if user is not None or password is not None:
        authorization = aiohttp.encode_basic_auth(user or "", password or "", encoding="utf-8")
    return Proxy(address.origin(), authorization)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name
        return False
    return address.is_loopback or address.is_unspecified
