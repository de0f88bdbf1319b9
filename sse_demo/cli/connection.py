"""What ``listen`` and ``publish`` share: how the server is reached, and who asks."""

from __future__ import annotations

import argparse
import os
import re
import ssl
import stat
from pathlib import Path

from . import output
from .arguments import header, read_file

MAX_TOKEN = 64 * 1024  # bytes; far more than any server takes in a header

_TOKEN = re.compile(rb"[!-~]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The headers, the certificates and the proxy."""
    group = parser.add_argument_group("how the server is reached")
    group.add_argument(
        "--header", action="append", default=[], type=header, metavar="NAME:VALUE", help="send this header, too"
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        help="send what the file holds as `Authorization: Bearer`; it is read again for each connection",
    )
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


def token(options: argparse.Namespace) -> Token | None:
    """The token that is sent; ``None`` where there is none. Raises what :class:`Token` raises."""
    return None if options.token_file is None else Token(options.token_file)


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
        self._path = Path(path)
        self._token = ""
        self._read()
        if self._path.is_file() and os.name == "posix" and self._path.stat().st_mode & stat.S_IROTH:
            output.tell(f"everybody on this machine may read the token in {path}; chmod 600 would change that")

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
