"""A certificate that is renewed while the server runs."""

import logging
import os
import socket
import ssl
import threading

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from support import Reader

from sse_demo import Certificate, serve

AUTHORITY = trustme.CA()


@pytest.fixture
def trusting():
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


class Files:
    """A certificate and its key, in two files."""

    def __init__(self, folder):
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.renew()

    def renew(self):
        """Both are replaced, as by a program that renews certificates: never is there half of one."""
        issued = AUTHORITY.issue_cert("127.0.0.1", "localhost")
        self.replace(self.cert, b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.replace(self.key, issued.private_key_pem.bytes())

    def replace(self, path, data):
        new = path.with_suffix(".new")
        new.write_bytes(data)
        os.replace(new, path)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def shown(server, trusting, name="127.0.0.1"):
    """The serial number of the certificate that a new connection is shown."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname=name) as encrypted,
    ):
        return encrypted.getpeercert()["serialNumber"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"], ids=["without a server name", "with one"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_renewed_certificate_is_shown_to_new_connections_and_open_streams_go_on(files, trusting, name, version):
    trusting.maximum_version = version
    certificate = Certificate(files.cert, files.key)
    with serve(tls=certificate) as server, Reader(server, "topic=a", tls=trusting) as reader:
        before = shown(server, trusting, name)
        assert not certificate.has_changed()
        files.renew()
        assert certificate.has_changed()
        assert shown(server, trusting, name) == before
        assert certificate.read_again()
        assert not certificate.has_changed()
        assert shown(server, trusting, name) != before
        server.publish("a", "still here")
        assert reader.take(1) == ["still here"]


def test_the_context_alone_is_taken_too(files, trusting):
    certificate = Certificate(str(files.cert), str(files.key))
    with serve(tls=certificate.context) as server:
        assert server.url.startswith("https://")
        before = shown(server, trusting)
        files.renew()
        certificate.read_again()
        assert shown(server, trusting) != before


def test_files_that_cannot_be_used_change_nothing_and_are_told(files, trusting, caplog):
    certificate = Certificate(files.cert, files.key)
    with serve(tls=certificate) as server:
        before = shown(server, trusting)
        good = files.key.read_bytes()
        for path, bad in [(files.cert, b"nonsense"), (files.key, b""), (files.key, None)]:
            files.renew()
            files.replace(path, bad) if bad is not None else path.unlink()
            caplog.clear()
            with caplog.at_level(logging.INFO, logger="sse_demo.server"):
                assert not certificate.read_again()
            assert str(path) in caplog.text
            assert "goes on with the certificate that it has" in caplog.text
            assert not certificate.has_changed(), "it is tried once"
            assert shown(server, trusting) == before
        files.replace(files.key, good)
        assert certificate.has_changed()
        assert not certificate.read_again(), "the key of another certificate"
        files.renew()
        assert certificate.read_again()
        assert shown(server, trusting) != before


def test_it_is_read_again_while_clients_connect(files, trusting):
    certificate = Certificate(files.cert, files.key)
    over = threading.Event()

    def renew():
        while not over.is_set():
            assert certificate.read_again()

    with serve(tls=certificate) as server:
        renewing = threading.Thread(target=renew)
        renewing.start()
        try:
            serial = shown(server, trusting)
            assert all(shown(server, trusting) == serial for _ in range(100))
        finally:
            over.set()
            renewing.join()


def test_the_key_may_be_in_the_same_file(files, trusting):
    files.replace(files.cert, files.key.read_bytes() + files.cert.read_bytes())
    with serve(tls=Certificate(files.cert)) as server:
        assert shown(server, trusting)


def test_an_encrypted_key_needs_its_password_and_nobody_is_asked_for_it(files, trusting):
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame"))
    files.replace(files.key, locked)
    with pytest.raises(ValueError, match=r"key\.pem is encrypted; give its password"):
        Certificate(files.cert, files.key)
    with pytest.raises(ValueError, match="the password is wrong") as raised:
        Certificate(files.cert, files.key, "abracadabra")
    assert "abracadabra" not in str(raised.value)
    with serve(tls=Certificate(files.cert, files.key, "sesame")) as server:
        assert shown(server, trusting)


def test_what_cannot_be_used_is_an_error_that_names_the_file(files, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pem"):
        Certificate(tmp_path / "nothing.pem", files.key)
    with pytest.raises(ValueError, match=r"key\.pem is no certificate in PEM format"):
        Certificate(files.key, files.cert)
