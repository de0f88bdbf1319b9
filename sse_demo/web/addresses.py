"""Addresses of machines, and which of them are this machine's own."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

REMEMBERED = 4096  # addresses, and how each is counted


def is_loopback(name: str) -> bool:
    """Whether a name in lower case, or an address, always is this machine's own (RFC 6761, 6.3; RFC 1122, 3.2.1.3)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_in(name.strip("[]"))
    return address is not None and address.is_loopback


def address_in(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address, ``None`` where the text is none. One of IPv4 that is written as one of IPv6 is one of IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=REMEMBERED)
def counted_as(text: str) -> str:
    """The name by which limits count the clients of an address.

    A client of IPv6 has a network of 64 bits, and as many addresses in it as it likes (RFC 6177, 2). So they all count
    as one.

    >>> counted_as("192.0.2.7"), counted_as("2001:db8:0:1::a"), counted_as("::ffff:192.0.2.7")
    ('192.0.2.7', '2001:db8:0:1::/64', '192.0.2.7')
    """
    address = address_in(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return text if address is None else str(address)
