"""A server on an event loop that is there already."""

import asyncio
import logging
import re
from contextlib import asynccontextmanager

import pytest

from sse_demo import Hub
from sse_demo.web.app import make_app
from sse_demo.web.async_server import AsyncServer
from sse_demo.web.server_socket import bind


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


@asynccontextmanager
async def stream(server, path):
    """A reader that has read the head of the answer, of HTTP/1.0."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
    yield reader
    writer.close()
    await writer.wait_closed()


def test_it_serves_from_its_start_to_its_end(hub):
    async def main():
        bound = bind("127.0.0.1", 0)
        async with AsyncServer(make_app(hub), bound) as server:
            assert re.fullmatch(rf"http://127\.0\.0\.1:{server.port}", server.url)
            assert server.service.hub is hub
            async with stream(server, "/events?topic=a") as reader:
                await hub.publish_async("a", "hello")
                await reader.readuntil(b"data: hello\n\n")
                await server.stop()
                assert await reader.read() == b"", "the stream has ended"
        assert bound.fileno() == -1
        await hub.publish_async("a", "the hub is the caller's to close")

    asyncio.run(main())


def test_the_socket_is_closed_also_where_it_never_served(hub):
    async def main():
        bound = bind("127.0.0.1", 0)
        await AsyncServer(make_app(hub), bound).stop()
        assert bound.fileno() == -1

    asyncio.run(main())


@pytest.mark.parametrize("cut_short", [AsyncServer.hurry, AsyncServer.stop])
def test_a_drain_is_cut_short_by_another_stop(hub, cut_short):
    async def main():
        async with AsyncServer(make_app(hub), bind("127.0.0.1", 0)) as server:
            async with stream(server, "/events?topic=a"), stream(server, "/events?topic=a"), asyncio.timeout(30):
                draining = asyncio.create_task(server.stop(drain=3600))
                while not server.service.draining:
                    await asyncio.sleep(0)
                if another := cut_short(server):
                    await another
                await draining

    asyncio.run(main())


def test_the_end_goes_on_where_nobody_waits_for_it_any_more(hub):
    async def main():
        bound = bind("127.0.0.1", 0)
        server = AsyncServer(make_app(hub), bound)
        await server.start()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await server.stop()
        await server.stop()
        assert bound.fileno() == -1

    asyncio.run(main())


def test_what_runs_beside_the_service_is_cancelled_at_its_end(hub):
    async def main():
        begun, ended = asyncio.Event(), asyncio.Event()

        async def beside(given):
            assert given is hub
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async with AsyncServer(make_app(hub), bind("127.0.0.1", 0), background=[beside]):
            await begun.wait()
        assert ended.is_set()

    asyncio.run(main())


def test_what_runs_beside_the_service_does_not_fail_in_silence(hub, caplog):
    async def main():
        async def failing(hub):
            raise ZeroDivisionError("nobody expects this")

        async with AsyncServer(make_app(hub), bind("127.0.0.1", 0), background=[failing]) as server:
            while not caplog.records:
                await asyncio.sleep(0)
            async with stream(server, "/health"):
                pass

    asyncio.run(main())
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("sse_demo.server", logging.ERROR)
    assert "nobody expects this" in caplog.text
