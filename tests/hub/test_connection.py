"""Connections over real sockets, with and without TLS."""

import asyncio
import socket

import pytest
from tornado.iostream import IOStream

from sse_demo.hub.connection import Audience, Connection


async def pair(**options):
    """A connection, and the socket of its client."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return Connection(IOStream(ours), **options), theirs


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
