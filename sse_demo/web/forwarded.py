"""Who is asking, where a trusted proxy passes the request on: ``X-Forwarded-*``, or ``Forwarded`` (RFC 7239)."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from tornado.httputil import HTTPHeaders, HTTPServerRequest, split_host_and_port

from .addresses import address_in
from .handlers import Handler, Middleware

REMEMBERED = 1024  # addresses, and whether each is a proxy's
MAX_HOPS = 100  # of those that a header names, the nearest: what is further away is not read
MAX_PAIRS = 4 * MAX_HOPS  # in the header Forwarded, which has four for each hop; a longer one is not believed

_host = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?").fullmatch
_with_port = re.compile(r"\[([^\]]*)\](?::.*)?|([^:]*):[^:]*").fullmatch
# A name and its value in the header Forwarded, and what follows them. Quoted texts may have commas and semicolons.
_pair = re.compile(r'\s*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(;|,|$)').match
_escaped = re.compile(r"\\(.)")


class Hop(NamedTuple):
    """What a proxy says of a connection to it: who has opened it, and what was asked for.

    Attributes:
        client: An address, perhaps with a port; or something else, such as ``unknown``; or ``""``.
        proto: ``http``, ``https``, or something else.
        host: As in the header ``Host``.
    """

    client: str = ""
    proto: str = ""
    host: str = ""


def behind_proxies(networks: Sequence[str]) -> Middleware:
    """Let the address, the scheme and the host of a request be those of the client, where a proxy passes it on.

    A request from a peer that is none of the proxies is left as it is: anybody can send such headers. Each proxy adds
    the address of its own peer at the right, and what stands left of it may be made up. So the client is the right-most
    address that is no proxy's. Where a proxy does not tell an address, or one that cannot be read, the client is that
    proxy.

    A proxy passes on the header that it does not know, as its client has made it up. So where there are both
    ``X-Forwarded-*`` and ``Forwarded``, only that counts in which they agree.

    Args:
        networks: The proxies: addresses, and networks such as ``10.0.0.0/8``.
    """
    is_proxy = _membership(networks)

    def see_the_client(handler: Handler) -> Generator[None, None, None]:
        if is_proxy(handler.request.remote_ip or ""):
            _see_the_client(handler.request, is_proxy)
        yield

    return see_the_client


def _see_the_client(request: HTTPServerRequest, is_proxy: Callable[[str], bool]) -> None:
    ways = [way for way in (_x_forwarded(request.headers), _forwarded(request.headers)) if way]
    if not ways:
        return
    seen = [_as_the_client_sees_it(way, request.remote_ip or "", is_proxy) for way in ways]
    client, proto, host = (values[0] if len(set(values)) == 1 else "" for values in zip(*seen, strict=True))
    if client:
        request.remote_ip = client
    if proto in ("http", "https"):
        request.protocol = proto
    if _host(host):
        request.host = host
        request.host_name = split_host_and_port(host)[0]


def _as_the_client_sees_it(hops: list[Hop], peer: str, is_proxy: Callable[[str], bool]) -> Hop:
    """The hop on which the client has come, with the client's address alone.

    Args:
        hops: The one that is nearest to the server first. There is one at least.
        peer: The address of the proxy that is connected to the server.
        is_proxy: Whether an address is that of a proxy.
    """
    client, hop = peer, hops[0]
    for each in hops:
        if not is_proxy(client):
            break
        hop = each
        address = _read_address(hop.client)
        if address is None:
            break
        client = str(address)
    return Hop(client, hop.proto.lower(), hop.host.lower())


def _x_forwarded(headers: HTTPHeaders) -> list[Hop]:
    """The hops of ``X-Forwarded-For``, ``-Proto`` and ``-Host``, the nearest first; ``[]`` where there are none.

    A proxy may write the scheme or the host for all hops: then the value goes for those that are further away, too.
    """
    lists = [_values(headers, name) for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")]
    if not any(lists):
        return []
    count = max(len(lists[0]), 1)
    return [Hop(*(values[min(n, len(values) - 1)] if values else "" for values in lists)) for n in range(count)]


def _values(headers: HTTPHeaders, name: str) -> list[str]:
    """The values of a header that is a list, the last one first."""
    text = headers.get(name)
    return [value.strip() for value in text.rsplit(",", MAX_HOPS)[: -MAX_HOPS - 1 : -1]] if text else []


def _forwarded(headers: HTTPHeaders) -> list[Hop]:
    """The hops of ``Forwarded``, the nearest first; ``[]`` where there is none (RFC 7239, 4).

    Of a header that has a fault anywhere, nothing is believed. With a quotation mark that is left open, a client could
    make its own address of what a proxy adds.
    """
    text = headers.get("Forwarded", "")
    hops: list[Hop] = []
    pairs: dict[str, str] = {}
    at, end = 0, ","
    if text.count("=") > MAX_PAIRS:
        return [Hop()]
    while at < len(text):
        found = _pair(text, at)
        if found is None:
            return [Hop()]
        name, quoted, plain, end = found.groups()
        pairs[name.lower()] = plain if quoted is None else _escaped.sub(r"\1", quoted)
        if end != ";":
            hops.append(Hop(pairs.get("for", ""), pairs.get("proto", ""), pairs.get("host", "")))
            pairs = {}
        at = found.end()
    return hops[::-1] if end != ";" else [Hop()]


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, perhaps with a port; ``None`` for ``unknown``, for what is obfuscated, and for what is none."""
    if found := _with_port(text):
        text = found[1] or found[2] or ""
    return address_in(text)


def _membership(networks: Sequence[str]) -> Callable[[str], bool]:
    proxies = [ip_network(network) for network in networks]

    @lru_cache(maxsize=REMEMBERED)
    def is_proxy(text: str) -> bool:
        address = _read_address(text)
        return address is not None and any(address in network for network in proxies)

    return is_proxy
