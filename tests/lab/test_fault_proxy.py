"""Each fault, seen from both sides of the proxy by plain sockets."""

import contextlib
import queue
import random
import socket
import threading
import time

import pytest

from sse_demo import listen, serve
from sse_demo.lab import Fault, FaultProxy


class Echo:
    """A server that sends ``answer`` to whoever has sent a line, and keeps the connection."""

    def __init__(self, answer=b"0123456789"):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/path"
        self.connections = queue.Queue()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(5)
                connection.recv(100)
                self.connections.put(connection)
                connection.sendall(self.answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        while not self.connections.empty():
            self.connections.get().close()


@contextlib.contextmanager
def connected(*faults, answer=b"0123456789"):
    """A client and the server's end of its connection, with these faults between them."""
    with Echo(answer) as echo, FaultProxy(echo.url, *faults) as proxy, ask(proxy) as client:
        with echo.connections.get(timeout=5) as server:
            yield proxy, client, server


def ask(proxy):
    host, port = proxy.url.removeprefix("http://").removesuffix("/path").split(":")
    client = socket.create_connection((host, int(port)), timeout=5)
    client.sendall(b"hello\n")
    return client


def read(client, size):
    """So many bytes, or all until the end."""
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


def test_without_a_fault_everything_passes_both_ways():
    big = random.Random(1).randbytes(3_000_000)
    with connected(answer=big) as (proxy, client, server):
        assert read(client, 3_000_000) == big
        client.sendall(b"more")
        assert server.recv(100) == b"more"
        server.close()
        assert client.recv(1) == b""
        assert proxy.connections == 1


def test_a_client_that_leaves_leaves_the_server_too():
    with connected() as (_, client, server):
        assert read(client, 10) == b"0123456789"
        client.close()
        with contextlib.suppress(ConnectionResetError):
            assert server.recv(1) == b""


@pytest.mark.parametrize("after", [0, 4, 9])
def test_cut(after):
    with connected(Fault("cut", after)) as (_, client, server):
        assert read(client, 100) == b"0123456789"[:after]
        with contextlib.suppress(ConnectionResetError):
            assert server.recv(1) == b""


def test_reset():
    with connected(Fault("reset", 4)) as (_, client, server):
        with pytest.raises(ConnectionResetError):
            while client.recv(100):
                pass
        with pytest.raises(ConnectionResetError):
            server.recv(1)


def test_silence():
    with connected(Fault("silence", 4)) as (_, client, server):
        assert read(client, 4) == b"0123"
        client.sendall(b"anybody there?")
        server.sendall(b"me")
        for end in (client, server):
            end.settimeout(0.2)
            with pytest.raises(TimeoutError):
                end.recv(1)


def test_a_silent_line_stays_silent(eventually):
    with connected(Fault("silence")) as (proxy, client, _server):
        eventually(lambda: [line for line in proxy._open if line._blocked])
        proxy.now("reset")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_half():
    with connected(Fault("half", 4)) as (_, client, server):
        assert read(client, 100) == b"0123"
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):  # it knows nothing of it
            server.recv(1)


def test_corrupt():
    with connected(Fault("corrupt", 4)) as (_, client, _server):
        assert read(client, 10) == b"0123\x2456789"


def test_delay_and_speed():
    start = time.monotonic()
    with connected(Fault(delay=0.1), answer=b"x") as (_, client, _server):
        client.recv(1)
        assert time.monotonic() - start >= 0.1
    start = time.monotonic()
    with connected(Fault(speed=250_000), answer=b"x" * 50_000) as (_, client, _server):
        read(client, 50_000)
        assert time.monotonic() - start >= 0.2


def test_the_faults_are_for_one_connection_each_and_in_order():
    with Echo() as echo, FaultProxy(echo.url, Fault("cut", 1)) as proxy:
        proxy.next(Fault("cut", 2))
        for size in (1, 2, 10):
            with ask(proxy) as client:
                assert read(client, 10) == b"0123456789"[:size]
        assert proxy.connections == 3


@pytest.mark.parametrize("end", ["cut", "reset", "silence", "half"])
def test_now_strikes_the_connections_that_are_open(end):
    with connected() as (proxy, client, _server):
        assert read(client, 10) == b"0123456789"
        proxy.now(end)
        if end == "reset":
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        elif end == "silence":
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
        else:
            assert client.recv(1) == b""


def test_every_connection_may_have_the_same_fault():
    with Echo() as echo, FaultProxy(echo.url, Fault("cut", 1), every=Fault("cut", 3)) as proxy:
        for size in (1, 3, 3):
            with ask(proxy) as client:
                assert read(client, 10) == b"0123456789"[:size]


def test_a_delay_holds_every_byte_both_ways_and_keeps_the_order():
    big = random.Random(2).randbytes(1_000_000)
    start = time.monotonic()
    with connected(Fault(delay=0.1), answer=big) as (_, client, _server):
        assert read(client, len(big)) == big
    assert 0.2 <= time.monotonic() - start < 2, "the pieces are held side by side, not one after the other"


def test_bytes_are_counted_both_ways():
    with connected() as (proxy, client, _server):
        read(client, 10)
        assert proxy.bytes == len(b"hello\n") + 10


def test_down_and_up():
    with Echo() as echo, FaultProxy(echo.url) as proxy:
        with ask(proxy) as client:
            read(client, 10)
            proxy.down()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        with contextlib.suppress(ConnectionError), ask(proxy) as client:
            assert client.recv(1) == b""
        proxy.up()
        with ask(proxy) as client:
            assert read(client, 10) == b"0123456789"


def test_nobody_behind_it():
    with Echo() as echo:
        pass
    with FaultProxy(echo.url) as proxy:
        with contextlib.suppress(ConnectionError):
            client = ask(proxy)
            assert client.recv(1) == b""
        client.close()


def test_stop_leaves_nothing_behind_and_logs_nothing(caplog):
    before = threading.active_count()
    with Echo() as echo:
        proxy = FaultProxy(echo.url, Fault("silence"), Fault("half"), Fault())
        clients = [ask(proxy) for _ in range(3)]
        servers = [echo.connections.get(timeout=5) for _ in clients]
        proxy.stop()
        proxy.stop()
        for end in clients + servers:
            with contextlib.suppress(ConnectionError):
                while end.recv(100):
                    pass
            end.close()
        with pytest.raises(ConnectionRefusedError):
            ask(proxy)
        with pytest.raises(RuntimeError, match="has been stopped"):
            proxy.now("cut")
    assert threading.active_count() <= before + 1
    assert not caplog.records


def test_the_text_form_has_no_port_of_its_own():
    with Echo() as echo, FaultProxy("http://127.0.0.1:8000/") as proxy:
        assert repr(proxy) == "FaultProxy(to port 8000)"
        assert echo.url != proxy.url


@pytest.mark.parametrize("wrong", [{"end": "explode"}, {"after": -1}, {"delay": -1}, {"speed": 0}])
def test_what_is_no_fault(wrong):
    with pytest.raises(ValueError, match=r"fault|after"):
        Fault(**wrong)


def test_a_stream_through_it():
    with serve() as server, FaultProxy(f"{server.url}/stream?count=3&interval=0", Fault("cut", 300)) as proxy:
        events = listen(proxy.url)
        events.source.reconnection_time = 0.01
        assert [event.id for event in events] == ["0", "1", "2"]
        assert proxy.connections >= 2
