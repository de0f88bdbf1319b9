"""Addresses: what is one, and what of it may be shown."""

from __future__ import annotations

import contextlib
import re

from yarl import URL

from ..errors import InvalidInput


def parse_address(url: str) -> URL:
    """Read an http or https address. Characters that no address may have, such as spaces, are escaped.

    Raises:
        InvalidInput: The text is no such address. The error shows no user and no password.
    """
    try:
        address = URL(url)
        if address.scheme in ("http", "https") and address.host:
            return address
    except ValueError as error:
        raise InvalidInput(f"{shown(url)!r} is not an address: {_without_user(str(error))}") from None
    raise InvalidInput(f"{shown(url)!r} is not an http or https address")


def shown(url: str) -> str:
    """The address as it may be shown and logged: without the user and the password."""
    with contextlib.suppress(ValueError):
        address = URL(url)
        return str(address.with_user(None)) if address.user or address.password else url
    return _without_user(url)


def _without_user(text: str) -> str:
    """A text that is no address, without all that may be a user and a password in it."""
    return re.sub(r"//.*@", "//", text, flags=re.DOTALL)
