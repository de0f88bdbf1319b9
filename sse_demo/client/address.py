"""Addresses: what is one, where a redirect leads, and what of it may be shown."""

from __future__ import annotations

import contextlib
import re

from yarl import URL

from ..errors import InvalidInput

Url = str | URL  # an address as it is given

_parts = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_scheme = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_host = re.compile(r"[a-z0-9!$&'()*+,;=._~-]+|[0-9a-f]*:[0-9a-f:.]+(?:%[a-z0-9._~-]+)?", re.IGNORECASE)
# RFC 3986 has no place for these in a path or a query. All others are sent as they are, also a "%" without digits.
_not_sent = re.compile(rb"[^!#-;=?-\[\]_a-z~]")


def parse_address(url: Url) -> URL:
    """Read an http or https address, of which path and query are sent byte for byte as they are given.

    Only what no request may have, such as spaces and letters that are not ASCII, is escaped. What stands behind a ``#``
    is not sent, and left out.

    Raises:
        InvalidInput: The text is no such address. The error shows no user and no password.
    """
    text = str(url)
    match = _parts.fullmatch(text)
    try:
        address = None if match is None else _address(*match.groups(default=""))
    except ValueError as error:
        raise InvalidInput(f"{shown(text)!r} is not an address: {_without_user(str(error))}") from None
    if address is None:
        raise InvalidInput(f"{shown(text)!r} is not an http or https address")
    return address


def redirected(address: URL, location: str) -> URL:
    """Where a redirect leads (RFC 9110, 10.2.2).

    Args:
        address: The address that was asked.
        location: The header ``Location`` of the answer, a whole address or a part of one.

    Raises:
        InvalidInput: The location is no http or https address. The error shows no user and no password.
    """
    location = re.sub(rf"^{address.scheme}:(?!//)", "", location, flags=re.IGNORECASE)
    if location.startswith("//"):
        location = f"{address.scheme}:{location}"
    elif location.startswith("/"):
        location = f"{address.origin()}{location}"
    elif not _scheme.match(location):
        location = f"{address.origin()}{_resolved(address, location)}"
    return parse_address(location)


def same_origin(one: URL, other: URL) -> bool:
    """Whether two addresses have the same scheme, host and port (HTML standard, 7.1.1)."""
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port)


def shown(url: Url) -> str:
    """The address as it may be shown and logged: without the user and the password."""
    text = str(url)
    with contextlib.suppress(ValueError):
        address = URL(text)
        if address.scheme in ("http", "https") and address.host:
            return str(address.with_user(None)) if address.user or address.password else text
    return _without_user(text)


def _resolved(address: URL, location: str) -> str:
    """The path and the query of a relative location (RFC 3986, 5.2). Empty segments stay, as in ``/a//b``."""
    relative = re.split("[?#]", location, maxsplit=1)[0]
    rest = location[len(relative) :]
    if not relative:
        return address.raw_path + (rest if rest.startswith("?") else f"?{address.raw_query_string}")
    segments: list[str] = []
    *directory, _ = address.raw_path.split("/")[1:]
    for segment in (names := [*directory, *relative.split("/")]):
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if names[-1] in (".", ".."):
        segments.append("")
    return f"/{'/'.join(segments)}{rest}"


def _address(scheme: str, authority: str, path: str, query: str) -> URL | None:
    """The address made of its parts; ``None`` where there is no host."""
    user, at, host = authority.rpartition("@")
    if host.startswith("["):
        host = host.replace("%25", "%")  # before the zone of an IPv6 address (RFC 6874)
    server = URL(f"{scheme}://{user}{at}{host}/")
    if not server.host:
        return None
    if server.port == 0:
        raise ValueError("no server has the port 0")
    if any(character < " " or character == "\x7f" for character in authority) or not _host.fullmatch(
        server.raw_host or ""
    ):
        raise ValueError("its host has a character that no host has")
    # In a path a space is %20, in a query it is a plus, as in a form.
    whole = _escaped(path or "/") + _escaped(query.replace(" ", "+"))
    return URL(f"{server.scheme}://{server.raw_authority}{whole}", encoded=True)


def _escaped(text: str) -> str:
    # Bytes of a header that are no UTF-8 are surrogates here.
    raw = text.encode("utf-8", "surrogateescape")
    return _not_sent.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")


def _without_user(text: str) -> str:
    """A text that is no address, without all that may be a user and a password in it."""
    return re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", r"\1", text, flags=re.DOTALL | re.IGNORECASE)
