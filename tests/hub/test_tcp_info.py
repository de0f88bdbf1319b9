"""What the system knows of a connection."""

import socket
import sys

import pytest

from sse_demo.hub import tcp_info
from sse_demo.hub.tcp_info import acknowledged_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")


def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    return ours, theirs


def test_the_bytes_are_those_that_the_other_end_has_taken(eventually):
    ours, theirs = pair()
    with ours, theirs:
        assert acknowledged_bytes(ours) == 0
        ours.sendall(b"x" * 12_345)
        eventually(lambda: acknowledged_bytes(ours) == 12_345)


def test_bytes_that_wait_in_the_system_do_not_count():
    ours, theirs = pair()
    with ours, theirs:
        ours.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):
            while True:
                sent += ours.send(b"x" * 65_536)
        taken = acknowledged_bytes(ours)
        assert taken is not None
        assert taken < sent


def test_a_connection_that_has_ended_and_one_that_is_not_tcp_tell_nothing():
    ours, theirs = pair()
    theirs.close()
    ours.close()
    assert acknowledged_bytes(ours) is None
    one, other = socket.socketpair()
    with one, other:
        assert acknowledged_bytes(one) is None


def test_another_system_tells_nothing(monkeypatch):
    ours, theirs = pair()
    with ours, theirs:
        monkeypatch.setattr(tcp_info.sys, "platform", "darwin")
        assert acknowledged_bytes(ours) is None
