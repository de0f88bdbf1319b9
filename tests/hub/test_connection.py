"""Connections over real sockets, with and without TLS."""

import asyncio
import contextlib
import logging
import socket
import ssl
import sys
import threading

import pytest
import trustme
from tornado.iostream import IOStream, SSLIOStream

from sse_demo.hub.connection import MAX_HEARD, Audience, Connection


async def pair(**options):
    """A connection, and the socket of its client."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return Connection(IOStream(ours), **options), theirs


async def tcp_pair(**options):
    """The same over TCP, where a client that has left looks like one that only sends no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    return Connection(IOStream(ours), **options), theirs


BIG = b"x" * 20_000_000  # more than a socket takes


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def run():
    # Tornado wants a loop that can watch sockets, which is not the default one on Windows.
    def run(coroutine):
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(coroutine)

    return run


def received(client, size=100_000):
    client.settimeout(5)
    return client.recv(size)


def test_writes_are_chunks_and_the_end_is_one_too(run):
    async def main():
        connection, client = await pair()
        assert connection.write(b":\n\n")
        assert connection.write(b"x" * 16)
        assert not connection.closed
        connection.end()
        assert connection.closed
        connection.end()
        assert received(client) == b"3\r\n:\n\n\r\n10\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"
        assert received(client) == b""
        client.close()

    run(main())


def test_without_chunks_the_bytes_are_as_they_are(run):
    async def main():
        connection, client = await pair(chunked=False)
        connection.write(b"a")
        assert Audience([connection]).send(b"b") == []
        connection.end()
        assert received(client) == b"ab"
        assert received(client) == b""
        client.close()

    run(main())


def test_an_abort_looks_like_a_lost_connection(run):
    async def main():
        connection, client = await pair()
        connection.write(b"a")
        connection.abort()
        assert received(client) == b"1\r\na\r\n"
        client.close()

    run(main())


def test_a_broadcast_tells_who_is_behind(run):
    async def main():
        pairs = [await pair(chunked=chunked) for chunked in (True, False, True)]
        connections = [connection for connection, _ in pairs]
        big = b"x" * 5_000_000
        assert Audience(connections).send(b"small") == []
        assert set(Audience(connections).send(big)) == set(connections)
        drained = []
        for connection in connections:
            connection.when_drained(lambda connection=connection: drained.append(connection))
        for (_, client), chunked in zip(pairs, (True, False, True), strict=True):
            client.setblocking(False)
            expected = len(b"5\r\nsmall\r\n4c4b40\r\n\r\n" if chunked else b"small") + len(big)
            got = 0
            async with asyncio.timeout(10):
                while got < expected:
                    got += len(await asyncio.get_running_loop().sock_recv(client, 1_000_000))
        await until(lambda: len(drained) == 3)
        for connection, client in pairs:
            connection.end()
            client.close()

    run(main())


def test_a_broadcast_does_not_overtake_what_somebody_else_has_written(run):
    """A word of the server to one client, such as that its right ends soon, may have to wait where the socket is full.

    The audience does not know of it, and the socket may have room again before the word has gone out.
    """

    async def main():
        connection, client = await pair(chunked=False)
        chunked, other = await pair()
        audience = Audience([connection, chunked])
        assert audience.send(b"first") == []
        for one in (connection, chunked):
            with contextlib.suppress(BlockingIOError):
                while True:
                    one._socket.send(b"." * 100_000)  # to the brim, and nothing waits
            assert not one.write(b"a word")
        for one in (client, other):
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while one.recv(1_000_000):  # the sockets have room, and the loop has not had its turn
                    pass
        assert audience.send(b"second") == []  # with what has waited, which goes first
        assert received(client) == b"a wordsecond"
        assert received(other) == b"6\r\na word\r\n6\r\nsecond\r\n"
        assert audience.send(b"third") == []  # it knows the new sockets now
        assert received(other) == b"5\r\nthird\r\n"
        client.close()
        other.close()

    run(main())


def test_a_client_that_is_gone_is_closed_and_the_others_get_theirs(run):
    async def main():
        (gone, lost), (there, client) = [await pair(), await pair()]
        closed = []
        gone.when_closed(lambda: closed.append("gone"))
        there.when_closed(lambda: closed.append("there"))
        lost.close()
        assert Audience([gone, there]).send(b"a") == []
        assert received(client) == b"1\r\na\r\n"
        await until(lambda: closed == ["gone"])
        assert gone.closed
        assert Audience([gone, there]).send(b"b") == [], "not even a second time"
        there.end()
        await until(lambda: closed == ["gone", "there"])
        client.close()

    run(main())


def test_all_who_asked_are_told_of_the_end_even_late(run):
    async def main():
        connection, client = await pair()
        told = []
        connection.when_closed(lambda: told.append(1))
        connection.when_closed(lambda: told.append(2))
        client.close()
        await until(lambda: told == [1, 2])
        connection.when_closed(lambda: told.append(3))
        await until(lambda: told == [1, 2, 3])
        connection.when_drained(lambda: told.append("never"))
        assert connection.write(b"nobody")
        await asyncio.sleep(0)
        assert told == [1, 2, 3]

    run(main())


@pytest.mark.parametrize("chunked", [True, False])
def test_a_client_that_sends_no_more_reads_on(run, chunked, monkeypatch):
    monkeypatch.setattr("sse_demo.hub.connection.LOOKS", (0.0, 0.0))

    async def main():
        connection, client = await tcp_pair(chunked=chunked)
        left = []
        connection.when_closed(lambda: left.append(True))
        client.shutdown(socket.SHUT_WR)
        client.setblocking(False)
        asked = await asyncio.get_running_loop().sock_recv(client, 100)
        assert asked == (b"2\r\n:\n\r\n" if chunked else b":\n"), "a comment finds out whether it is there"
        for _ in range(20):  # meanwhile the connection is looked at, in vain
            await asyncio.sleep(0)
        assert not left
        connection.write(b"data: a\n\n")
        assert b"data: a" in await asyncio.get_running_loop().sock_recv(client, 100)
        connection.end()
        rest = await asyncio.get_running_loop().sock_recv(client, 100)
        assert rest == (b"0\r\n\r\n" if chunked else b"")
        client.close()

    run(main())


@pytest.mark.parametrize("chunked", [True, False])
def test_a_client_that_leaves_is_noticed_at_once_though_nothing_is_sent(run, chunked):
    async def main():
        for _ in range(20):
            connection, client = await tcp_pair(chunked=chunked)
            left = asyncio.Event()
            connection.when_closed(left.set)
            client.close()
            async with asyncio.timeout(0.1):
                await left.wait()

    run(main())


def test_a_client_that_sends_no_more_while_bytes_wait_for_it_gets_them_all(run):
    async def main():
        connection, client = await tcp_pair(chunked=False)
        assert not connection.write(BIG)
        client.shutdown(socket.SHUT_WR)
        drained = asyncio.Event()
        connection.when_drained(drained.set)
        client.setblocking(False)
        got = b""
        while len(got) < len(BIG + b":\n"):
            got += await asyncio.get_running_loop().sock_recv(client, 1_000_000)
        assert got.strip(b"x") == b":\n"
        await drained.wait()
        connection.write(b"and on")
        assert await asyncio.get_running_loop().sock_recv(client, 100) == b"and on"
        client.close()
        await until(lambda: connection.write(b":\n") and connection.closed)

    run(main())


@pytest.mark.parametrize("bytes_wait", [False, True])
def test_a_client_that_talks_on_and_on_is_closed(run, bytes_wait, caplog):
    caplog.set_level(logging.DEBUG, "sse_demo.hub")

    async def main():
        connection, client = await tcp_pair(chunked=False)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        if bytes_wait:
            assert not connection.write(BIG)
            got = 0
            while got < len(BIG):
                got += len(await loop.sock_recv(client, 1_000_000))
        await loop.sock_sendall(client, b"x" * MAX_HEARD)
        connection.write(b"so much is nothing to it")
        assert b"nothing to it" in await loop.sock_recv(client, 100)
        assert not connection.closed
        with pytest.raises(ConnectionError):
            while True:
                await loop.sock_sendall(client, b"x" * 1000)
        assert connection.closed
        client.close()

    run(main())
    assert f"more than {MAX_HEARD} bytes after its request" in caplog.text


def test_so_is_one_over_tls(run):
    authority = trustme.CA()
    own, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(own)
    authority.configure_trust(theirs)

    async def main():
        ours, plain = socket.socketpair()
        ours.setblocking(False)
        stream = SSLIOStream(own.wrap_socket(ours, server_side=True, do_handshake_on_connect=False))
        client = await asyncio.to_thread(theirs.wrap_socket, plain, server_hostname="127.0.0.1")
        await stream.wait_for_handshake()
        connection = Connection(stream)
        left = asyncio.Event()
        connection.when_closed(left.set)
        talking = threading.Thread(target=talk, args=(client,))
        talking.start()
        async with asyncio.timeout(5):
            await left.wait()
        await asyncio.to_thread(talking.join)
        client.close()

    def talk(client):
        with pytest.raises(OSError, match=r"."):  # whichever it is that TLS makes of a lost connection
            while True:
                client.sendall(b"x" * 1000)

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")
def test_the_bytes_that_a_client_has_taken_are_known_until_the_end(run):
    async def main():
        connection, client = await tcp_pair()
        assert connection.acknowledged_bytes == 0
        connection.write(b"x" * 1000)
        await until(lambda: connection.acknowledged_bytes == len(b"3e8\r\n") + 1000 + len(b"\r\n"))
        connection.write(BIG)  # it waits in a stream
        while connection.acknowledged_bytes < len(BIG):
            await asyncio.to_thread(received, client)
        connection.abort()
        assert connection.acknowledged_bytes is None
        client.close()

    run(main())
