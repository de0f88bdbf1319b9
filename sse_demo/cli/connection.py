"""What ``listen`` and ``publish`` share: how the server is reached, and who asks."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from ..errors import EventSourceError, PublishError, SSEError
from ..web.addresses import is_loopback
from . import output
from .arguments import header, read_file, tell_if_open

MAX_TOKEN = 64 * 1024  # bytes; far more than any server takes in a header
VARIABLE = "SSE_DEMO_TOKEN"  # of the environment, for a token

_TOKEN = re.compile(rb"[!-~]*")
_JWT = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")  # how each begins: {" in base64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The headers, the certificates and the proxy."""
    group = parser.add_argument_group("how the server is reached")
    group.add_argument(
        "--header", action="append", default=[], type=header, metavar="NAME:VALUE", help="send this header, too"
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        help="send what the file holds as `Authorization: Bearer`; it is read again for each connection "
        f"(default: what the environment variable {VARIABLE} holds)",
    )
    group.add_argument("--token", action=_NoTokenHere, help=argparse.SUPPRESS)
    trust = group.add_mutually_exclusive_group()
    trust.add_argument(
        "--ca-file", metavar="FILE", help="trust the authorities in this PEM file, instead of the system's"
    )
    trust.add_argument(
        "--insecure", action="store_true", help="do not check the server's certificate; anybody may answer in its place"
    )
    group.add_argument(
        "--proxy",
        metavar="URL",
        help="ask this proxy; `environment` asks the one of HTTP_PROXY, HTTPS_PROXY and NO_PROXY (default: none)",
    )


class _NoTokenHere(argparse.Action):
    """Explains itself. Else ``--token`` would be short for ``--token-file``, whose errors show what was given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error(f"a token is no argument, which others can see: use --token-file, or {VARIABLE}")


def tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    """The context for ``https``; ``None`` where the system's authorities are trusted.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file has no certificate.
    """
    if options.insecure:
        output.tell("the certificate of the server is not checked (--insecure)")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if options.ca_file is None:
        return None
    open(options.ca_file, "rb").close()  # the error of the ssl module does not name the file
    try:
        return ssl.create_default_context(cafile=options.ca_file)
    except ssl.SSLError:
        raise ValueError(f"{options.ca_file} has no certificate in PEM format") from None


def headers(options: argparse.Namespace) -> dict[str, str]:
    """The headers that stay the same: those that were named, and the token of the environment.

    That token is sent where nothing else says who asks: no ``--token-file``, no ``--header Authorization``, and no user
    in the address.

    Raises:
        ValueError: The environment holds no token. The error does not show what it holds.
    """
    named: dict[str, str] = dict(options.header)
    token = os.environ.get(VARIABLE, "").strip()
    if token and not _says_who_asks(options, named):
        if not _TOKEN.fullmatch(os.fsencode(token)):
            raise ValueError(f"{VARIABLE} holds no token, which is one line of ASCII characters without spaces")
        _protect(token, options.url)
        named["Authorization"] = f"Bearer {token}"
    return named


def token(options: argparse.Namespace) -> Token | None:
    """The token of ``--token-file``; ``None`` where there is none. Raises what :class:`Token` raises."""
    if options.token_file is None:
        return None
    found = Token(options.token_file)
    _protect(found.header()["Authorization"].partition(" ")[2], options.url)
    return found


@contextlib.contextmanager
def unauthorized_explained(options: argparse.Namespace) -> Iterator[None]:
    """Where a server wants to know who asks, and nothing was sent to it that says so, tell how it is said."""
    try:
        yield
    except SSEError as error:
        answered = error if isinstance(error, (EventSourceError, PublishError)) else error.__cause__
        nothing_sent = not os.environ.get(VARIABLE, "").strip() and not _says_who_asks(options, dict(options.header))
        if nothing_sent and isinstance(answered, (EventSourceError, PublishError)) and answered.status == 401:
            raise SSEError(f"{error}; --token-file, or {VARIABLE} in the environment, sends a token") from error
        raise


class Token:
    """A bearer token in a file (RFC 6750, 2.1), which somebody may renew.

    Args:
        path: The file. It is read at once, and again for each request. What is no regular file, such as a pipe, is
            read once.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file holds no token. The error does not show what it holds.
    """

    def __init__(self, path: str) -> None:
        if _JWT.fullmatch(path):
            raise ValueError("--token-file is the name of a file that has the token, and not the token")
        self._path = Path(path)
        self._token = ""
        self._read()
        tell_if_open(path, "the token")

    def header(self) -> dict[str, str]:
        """The header of the next request. Raises what the class does."""
        if self._path.is_file():
            self._read()
        return {"Authorization": f"Bearer {self._token}"}

    def _read(self) -> None:
        token = read_file(str(self._path), MAX_TOKEN).strip()
        if not (token or self._token) or not _TOKEN.fullmatch(token):
            raise ValueError(f"{self._path} holds no token, which is one line of ASCII characters without spaces")
        if token:  # or somebody is just writing the file
            self._token = token.decode()
            output.hide(self._token)


def _says_who_asks(options: argparse.Namespace, named: dict[str, str]) -> bool:
    """Whether there is something that counts before the token of the environment."""
    if options.token_file is not None or any(name.lower() == "authorization" for name in named):
        return True
    with contextlib.suppress(ValueError):  # it is no address, which its reader tells
        return urlsplit(options.url).username is not None
    return False


def _protect(token: str, url: str) -> None:
    """Show the token nowhere, and warn where whoever is on its way can read it (RFC 6750, 5.3)."""
    output.hide(token)
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and not is_loopback(parts.hostname):
            output.tell(f"the token goes unencrypted to {parts.hostname}; an address with https would protect it")
