"""The listening socket, in servers that run."""

import contextlib
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
print(serve(heartbeat=0.1).port, flush=True)
input()
"""


def test_a_port_in_use_is_an_error_of_the_caller():
    with serve() as server, pytest.raises(OSError, match=f"port {server.port} on 127.0.0.1 is in use; choose another"):
        serve(server.port)
    serve(server.port).stop()


def test_a_host_that_is_not_ours_is_an_error_of_the_caller():
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        serve(host="192.0.2.1")


@pytest.mark.parametrize("host", ["", None, 7])
def test_a_host_that_is_none_is_an_error_and_not_every_address(host):
    with pytest.raises(ValueError, match="host must be an address or a name"):
        serve(host=host)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of file descriptors")
def test_without_a_file_descriptor_it_waits_and_goes_on_when_somebody_leaves(tmp_path, eventually):
    log = tmp_path / "stderr"
    with log.open("wb") as stderr, subprocess.Popen(
        [sys.executable, "-c", FEW_DESCRIPTORS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
    ) as process:  # fmt: skip
        port = int(process.stdout.readline())
        clients = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(60)]
        eventually(lambda: "accepts no connection" in log.read_text())
        for client in clients:
            client.sendall(b"GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.setblocking(False)
        received = dict.fromkeys(clients, b"")

        def all_that_are_open_have_heartbeats():
            for client in clients:
                with contextlib.suppress(BlockingIOError):
                    received[client] += client.recv(1000)
            opened = [data for data in received.values() if b"200 OK" in data]
            return len(opened) > 10 and all(data.count(b"\r\n:\n\r\n") >= 2 for data in opened)

        eventually(all_that_are_open_have_heartbeats)
        for client in clients:
            client.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=10) as answer:
            assert answer.status == 200
        process.communicate(b"\n")
    said = log.read_text().splitlines()
    assert all(re.match(r"accepts no connection for 1 s: .*Too many open files", line) for line in said), said
    assert len(said) < 10
