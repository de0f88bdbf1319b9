"""The listening socket, in servers that run."""

import re
import socket
import subprocess
import sys
import urllib.request

import pytest

from sse_demo import serve

FEW_DESCRIPTORS = """
import resource
from sse_demo import serve
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
print(serve().port, flush=True)
input()
"""


def test_a_port_in_use_is_an_error_of_the_caller():
    with serve() as server, pytest.raises(OSError, match=f"port {server.port} on 127.0.0.1 is in use; choose another"):
        serve(server.port)
    serve(server.port).stop()


def test_a_host_that_is_not_ours_is_an_error_of_the_caller():
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        serve(host="192.0.2.1")


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of file descriptors")
def test_without_a_file_descriptor_it_waits_and_goes_on_when_somebody_leaves(tmp_path, eventually):
    log = tmp_path / "stderr"
    with log.open("wb") as stderr, subprocess.Popen(
        [sys.executable, "-c", FEW_DESCRIPTORS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
    ) as process:  # fmt: skip
        port = int(process.stdout.readline())
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        eventually(lambda: "accepts no connection" in log.read_text())
        for client in clients:
            client.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=10) as answer:
            assert answer.status == 200
        process.communicate(b"\n")
    said = log.read_text().splitlines()
    assert all(re.match(r"accepts no connection for 1 s: .*Too many open files", line) for line in said), said
    assert len(said) < 10
