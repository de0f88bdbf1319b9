"""What the HTTP side allows its clients."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network

from ..fields import Checked, MiB, names, seconds, share, switch, whole

MAX_RETRY = 24 * 3600.0  # seconds; a client that stays away for longer has left

# As browsers write it in the header Origin, with which it is compared: in lower case, and without a path.
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")

_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9_-][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")

MAX_RETRY_MS = 2**31 - 1  # more is no time that a browser could wait


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class WebLimits(Checked):
    """The limits of connections, who may ask, and for what name.

    Attributes:
        max_connections: Event streams open at the same time; one more is answered with 503.
        max_topics_per_connection: Topics that one connection may follow.
        max_batch: Events that one request may publish (``application/x-ndjson``).
        max_batch_size: Bytes of such a request.
        request_timeout: Time for a request to arrive, and for which an idle connection is kept.
        retry: Time that a client is told to wait before it comes back after it has lost its connection; a day at the
            most.
        retry_jitter: Spread of ``retry``, from 0 to 1: with 0.5 each client is told a random 50 to 150 % of it, so that
            they do not all come back at once.
        min_retry: Shortest time to wait that a publisher may tell all subscribers of a topic over HTTP.
        max_retry: Longest time, likewise.
        allow_hosts: Names by which the server may be asked for, beside those of loopback: such as ``"example.org"`` or
            ``"*.example.org"``, without a port; or ``"*"`` for every name. Where none is given, a server that is bound
            to loopback answers no other name, because a page of anybody could make its own name point to it. A server
            that other machines can reach answers all.
        trusted_proxies: Addresses, and networks such as ``"10.0.0.0/8"``, of proxies whose ``X-Forwarded-For``,
            ``X-Forwarded-Proto`` and ``X-Forwarded-Host``, or ``Forwarded`` (RFC 7239), are believed.
        allow_origins: Pages beside the server's own that may read and publish, such as ``"https://example.org"``, in
            lower case and without a path; or ``"*"`` for every page in the world (Fetch standard, "CORS protocol").
        allow_credentials: The browsers of these pages send cookies, too. Then the origins have to be named.
    """

    max_connections: int | float = whole(10_000)
    max_topics_per_connection: int | float = whole(100)
    max_batch: int | float = whole(1_000)
    max_batch_size: int | float = whole(4 * MiB)
    request_timeout: float = seconds(60.0)
    retry: float = seconds(2.0, most=MAX_RETRY)
    retry_jitter: float = share(0.5)
    min_retry: float = seconds(0.1)
    max_retry: float = seconds(3600.0)
    allow_hosts: tuple[str, ...] = names(
        "host names", _HOST.fullmatch, 'a name such as "example.org" or "*.example.org", without a port, or "*"'
    )
    trusted_proxies: tuple[str, ...] = names("addresses", _is_network, 'an address, or a network such as "10.0.0.0/8"')
    allow_origins: tuple[str, ...] = names(
        "origins", _ORIGIN.fullmatch, 'an origin such as "https://example.org" (lower case, no path), or "*"'
    )
    allow_credentials: bool = switch(False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.allow_credentials and not {"*", "null"}.isdisjoint(self.allow_origins):  # any page may have a sandbox
            raise ValueError("allow_credentials needs origins that are named, and not * or null")

    @property
    def retry_range_ms(self) -> tuple[int, int]:
        """The shortest and the longest time in milliseconds that a publisher may tell subscribers over HTTP."""
        shortest, longest = (int(min(limit * 1000, MAX_RETRY_MS)) for limit in (self.min_retry, self.max_retry))
        return shortest, longest
