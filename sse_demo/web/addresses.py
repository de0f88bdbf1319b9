"""Addresses of machines, and which of them are this machine's own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


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
