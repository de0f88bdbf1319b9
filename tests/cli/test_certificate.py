"""``serve --tls-cert``: what it serves, and that a renewed certificate is taken while streams are open."""

import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import trustme
from support import Reader

from sse_demo import Server
from sse_demo.cli import certificate as module
from sse_demo.cli.certificate import certificate_of, renewed
from sse_demo.start import serve


class Files:
    """The files of a certificate, which :meth:`renew` makes anew, with another authority."""

    def __init__(self, folder):
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.trusted = self.renew()

    def renew(self):
        """Returns a context that trusts the new certificate, and no other."""
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        trusted = ssl.create_default_context()
        authority.configure_trust(trusted)
        return trusted

    @property
    def arguments(self):
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def accepts(server_url, trusted):
    """Whether a client that trusts this is let in."""
    try:
        with urllib.request.urlopen(f"{server_url}/ping", timeout=20, context=trusted) as answer:
            return answer.status == 200
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLCertVerificationError):
            raise
        return False


def test_a_renewed_certificate_is_taken_and_open_streams_go_on(files, eventually, monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    certificate = certificate_of(str(files.cert), str(files.key))
    with serve(tls=certificate) as server, renewed(certificate):
        with Reader(server, "topic=news", tls=files.trusted) as reader:
            assert accepts(server.url, files.trusted)
            other = files.renew()
            eventually(lambda: accepts(server.url, other))
            assert not accepts(server.url, files.trusted)
            server.publish("news", "still here")
            assert reader.take(1) == ["still here"]


def test_files_that_cannot_be_used_change_nothing_and_are_told(files, eventually, monkeypatch, caplog):
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    certificate = certificate_of(str(files.cert), str(files.key))
    with serve(tls=certificate) as server, renewed(certificate):
        files.cert.write_text("half of a")
        eventually(lambda: "goes on with the certificate that it has" in caplog.text)
        assert accepts(server.url, files.trusted)
        other = files.renew()
        eventually(lambda: accepts(server.url, other))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_hangup_has_it_look_at_once(files, eventually, monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY", 3600)
    before = signal.getsignal(signal.SIGHUP)
    certificate = certificate_of(str(files.cert), str(files.key))
    with serve(tls=certificate) as server, renewed(certificate):
        other = files.renew()
        signal.raise_signal(signal.SIGHUP)
        eventually(lambda: accepts(server.url, other))
    assert signal.getsignal(signal.SIGHUP) is before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_the_command_serves_https(start, files):
    """As a process, which a hangup does not end."""
    with start("serve", "--port", "0", *files.arguments, stderr=subprocess.PIPE) as server:
        url = server.stdout.readline().split()[2].rstrip("/")
        assert url.startswith("https://127.0.0.1:")
        assert accepts(url, files.trusted)
        files.cert.write_text("half of a")
        server.send_signal(signal.SIGHUP)
        assert server.stderr.readline().startswith("sse_demo: goes on with the certificate that it has: ")
        assert accepts(url, files.trusted)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert server.stderr.read() == ""


def test_one_file_may_hold_both(run, files, monkeypatch):
    both = files.cert.parent / "both.pem"
    both.write_bytes(files.key.read_bytes() + files.cert.read_bytes())
    seen = []
    monkeypatch.setattr(Server, "join", lambda server: monkeypatch.undo() or seen.append(server.url))
    assert run("serve", "--port", "0", "--tls-cert", str(both)).status == 0
    assert seen[0].startswith("https://")


@pytest.mark.parametrize(
    ("cert", "key", "why"),
    [
        ("nothing", "key", "No such file or directory"),
        ("cert", "nothing", "No such file or directory"),
        (".", "key", "Is a directory"),
        ("key", "key", "is no certificate in PEM format"),
        ("cert", "cert", "is not its key"),
        (None, "key", "--tls-key is the key of a certificate, which --tls-cert names"),
    ],
)
def test_what_is_no_certificate_is_one_line(run, files, cert, key, why):
    paths = {"nothing": "nothing", "cert": str(files.cert), "key": str(files.key), ".": str(files.cert.parent)}
    named = [["--tls-cert", paths[cert]] if cert else [], ["--tls-key", paths[key]]]
    done = run("serve", "--port", "0", *named[0], *named[1])
    assert (done.status, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert why in done.stderr
