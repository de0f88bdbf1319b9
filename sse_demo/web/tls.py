"""A certificate whose files are read again while the server runs."""

from __future__ import annotations

import logging
import os
import ssl
from typing import NoReturn

_logger = logging.getLogger("sse_demo.server")

_Path = str | os.PathLike[str]
_Version = tuple[int, int, int] | None  # of a file; None where it cannot be read


class Certificate:
    """A server's certificate and its key, from files that somebody renews.

    ::

        certificate = Certificate("fullchain.pem", "privkey.pem")
        server = serve(port=8443, tls=certificate)
        ...
        if certificate.has_changed():
            certificate.read_again()

    All methods may be called from any thread, also while clients connect. A connection keeps the certificate with which
    it was opened.

    Args:
        cert: A PEM file with the certificate, and after it those that its issuer wants to be sent along.
        key: A PEM file with the private key. ``None`` where the key is in the same file.
        password: The password of the key, where the key is encrypted.

    Attributes:
        context: What other servers take, too. It always answers with the certificate that was read last.

    Raises:
        OSError: A file cannot be read.
        ValueError: The files have no certificate, or no key that belongs to it, or the password is wrong.
    """

    def __init__(self, cert: _Path, key: _Path | None = None, password: str | None = None) -> None:
        self._paths = [os.fspath(path) for path in (cert, key) if path is not None]
        self._password = password
        self._seen = self._versions()
        self._newest = self.context = self._load()
        # A context that is in use is never changed: OpenSSL reads it without a lock. So each handshake is pointed to
        # the newest one. OpenSSL calls this also for clients that send no server name.
        self.context.sni_callback = self._use_the_newest

    def has_changed(self) -> bool:
        """Whether a file is another one than at the last attempt to read it."""
        return self._versions() != self._seen

    def read_again(self) -> bool:
        """Read the files again, for the connections to come.

        Files that cannot be used, such as a certificate whose key is still to be written, change nothing: the server
        goes on with what it has, and a warning tells why.

        Returns:
            Whether the files are in use.
        """
        self._seen = self._versions()  # before they are read: what changes meanwhile is seen the next time
        try:
            self._newest = self._load()
        except (OSError, ValueError) as error:
            _logger.warning("goes on with the certificate that it has: %s", error)
            return False
        _logger.info("has read %s again", " and ".join(self._paths))
        return True

    def _load(self) -> ssl.SSLContext:
        for path in self._paths:
            open(path, "rb").close()  # the error of the ssl module does not name the file
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        cert, key = self._paths[0], self._paths[-1]
        try:
            context.load_cert_chain(cert, key, self._password or self._ask_nobody)
        except ssl.SSLError as error:
            wrong = f"{cert} is no certificate in PEM format, or {key} is not its key, or the password is wrong"
            raise ValueError(f"{wrong} ({error.reason or error})") from None
        return context

    def _ask_nobody(self) -> NoReturn:
        """OpenSSL would ask at the terminal, and wait."""
        raise ValueError(f"the key in {self._paths[-1]} is encrypted; give its password")

    def _use_the_newest(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _versions(self) -> list[_Version]:
        return [_version(path) for path in self._paths]


def _version(path: str) -> _Version:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
