"""A certificate whose files are read again while the server runs."""

from __future__ import annotations

import os
import ssl
from typing import NoReturn

from .renewed_files import RenewedFiles

_Path = str | os.PathLike[str]


class Certificate(RenewedFiles):
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

    what = "certificate"

    def __init__(self, cert: _Path, key: _Path | None = None, password: str | None = None) -> None:
        self._password = password
        super().__init__(path for path in (cert, key) if path is not None)
        self.context = self._newest
        # A context that is in use is never changed: OpenSSL reads it without a lock. So each handshake is pointed to
        # the newest one. OpenSSL calls this also for clients that send no server name.
        self.context.sni_callback = self._use_the_newest

    def _load(self) -> None:
        for path in self._paths:
            open(path, "rb").close()  # the error of the ssl module does not name the file
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        cert, key = self._paths[0], self._paths[-1]
        try:
            context.load_cert_chain(cert, key, self._password or self._ask_nobody)
        except ssl.SSLError as error:
            wrong = f"{cert} is no certificate in PEM format, or {key} is not its key, or the password is wrong"
            raise ValueError(f"{wrong} ({error.reason or error})") from None
        self._newest = context

    def _ask_nobody(self) -> NoReturn:
        """OpenSSL would ask at the terminal, and wait."""
        raise ValueError(f"the key in {self._paths[-1]} is encrypted; give its password")

    def _use_the_newest(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._newest
