"""What has arrived is given before the loss is told, however a connection ends, and nothing keeps the loop."""

import asyncio
import socket
import ssl
import struct
import threading
import time

import pytest
from support import HOLD, NO_MORE, RESET, STREAM, Script

from sse_demo import EventSource, EventSourceError, listen

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = b"data: a\n\ndata: b\n\n"
CHUNK = b"%x\r\n%b\r\n" % (len(EVENTS), EVENTS)


def sized(size):
    return STREAM.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % size)


CUT = "the connection ended before the answer did"
BROKEN = "what comes is no HTTP any more"
LOSSES = {
    "reset": ([STREAM + EVENTS, RESET], "reset by peer"),
    "reset between chunks": ([CHUNKED + CHUNK, RESET], "reset by peer"),
    "reset in a body with a length": ([sized(100) + EVENTS, RESET], "reset by peer"),
    "end in a chunk": ([CHUNKED + CHUNK + b"ff\r\nda"], CUT),
    "end between chunks": ([CHUNKED + CHUNK], CUT),
    "end before the length": ([sized(100) + EVENTS], CUT),
    "bad size of a chunk": ([CHUNKED + CHUNK + b"zz\r\n"], BROKEN),
    "bad size of a chunk, later": ([CHUNKED + CHUNK, 0.02, b"zz\r\n"], BROKEN),
    "huge chunk": ([CHUNKED + CHUNK + b"f" * 20 + b"\r\n"], "ClientPayloadError"),
    "bad end of a chunk": ([CHUNKED + CHUNK + b"1\r\n:x\r\n"], BROKEN),
    "bad chunk, and the line stays": ([CHUNKED + CHUNK + b"zz\r\n", HOLD], BROKEN),
    "silence": ([CHUNKED + CHUNK, HOLD], "nothing has come within the read timeout"),
}
ENDS = {
    "last chunk": [CHUNKED + CHUNK + b"0\r\n\r\n"],
    "trailers": [CHUNKED + CHUNK + b"0\r\nX: y\r\n\r\n"],
    "extensions": [CHUNKED + CHUNK.replace(b"\r\n", b";a=b\r\n", 1) + b"0;c\r\n\r\n"],
    "more than the last chunk": [CHUNKED + CHUNK + b"0\r\n\r\nHTTP/1.1 200 OK"],
    "length": [sized(len(EVENTS)) + EVENTS, HOLD],
    "more than the length": [sized(len(EVENTS)) + EVENTS + b"data: c\n\n", HOLD],
    "closed": [STREAM + EVENTS],
    "HTTP/1.0": [STREAM.replace(b"1.1", b"1.0") + EVENTS],
}


async def open_and_idle(source, script):
    """The stream is open, and nobody reads while all that follows arrives."""
    reading = asyncio.create_task(source.receive())
    await asyncio.to_thread(script.requests.get, timeout=5)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asyncio.sleep(0.15)
    return [] if reading.cancelled() else list(reading.result())


async def read_all(url, script, busy):
    got = []
    async with EventSource(url, reconnect=False, read_timeout=0.1) as source:
        try:
            if busy:
                got += await open_and_idle(source, script)
            async for event in source:
                got.append(event)
        except EventSourceError as error:
            return [event.data for event in got], str(error)
        return [event.data for event in got], None


@pytest.mark.parametrize("busy", [False, True], ids=["reading", "busy"])
@pytest.mark.parametrize("name", LOSSES)
def test_what_has_arrived_is_given_before_the_loss_is_told(name, busy):
    answer, why = LOSSES[name]
    with Script(answer) as script:
        got, error = asyncio.run(read_all(script.url, script, busy))
    assert got == ["a", "b"]
    assert f"{script.url} was lost, and reconnect is off: " in error
    assert why in error


@pytest.mark.parametrize("busy", [False, True], ids=["reading", "busy"])
@pytest.mark.parametrize("name", ENDS)
def test_a_stream_that_is_ended_in_order_is_whole(name, busy):
    with Script(ENDS[name]) as script:
        assert asyncio.run(read_all(script.url, script, busy)) == (["a", "b"], None)


def test_events_that_wait_for_a_busy_reader_are_given_after_a_reset():
    """More than fits into one read, with a reader that is slower than the line."""
    events = b"".join(b"id: %d\ndata: %s\n\n" % (number, b"x" * 100) for number in range(3000))

    async def main(url):
        ids = []
        async with EventSource(url, reconnect=False) as source:
            with pytest.raises(EventSourceError, match="reset by peer"):
                async for event in source:
                    ids.append(event.id)
                    if event.id == "5":
                        await asyncio.sleep(0.1)
        return ids

    with Script([CHUNKED + b"%x\r\n%b\r\n" % (len(events), events), 0.05, RESET]) as script:
        ids = asyncio.run(main(script.url))
    assert ids == [str(number) for number in range(len(ids))]
    assert len(ids) == 3000


@pytest.mark.parametrize("end", ["closed", "reset", "no TLS"])
def test_over_tls_as_well(tls, end):
    server_side, client_side = tls
    listener, given = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve():
        plain, _ = listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        line = server_side.wrap_bio(incoming, outgoing, server_side=True)

        def step(call):
            while True:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65536))

        step(line.do_handshake)
        plain.sendall(outgoing.read())
        step(lambda: line.read(65536))
        line.write(CHUNKED + CHUNK)
        plain.sendall(outgoing.read())
        if end == "no TLS":
            given.wait(5)  # asyncio's TLS drops what it reads together with a broken record
            plain.sendall(b"\x17\x03\x03\x00\x10no TLS at all...")
        if end == "reset":
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.close()

    serving = threading.Thread(target=serve)
    serving.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
    with listener, listen(url, tls=client_side, reconnect=False) as events:
        assert [next(events).data, next(events).data] == ["a", "b"]
        given.set()
        with pytest.raises(EventSourceError, match="was lost"):
            next(events)
    serving.join(5)


@pytest.mark.parametrize(
    "body",
    [b"1\r\n:\r\n" * 200_000, b"9\r\ndata: x\n\n\r\n" * 100_000, b"f4240\r\n" + b"\n" * 1_000_000 + b"\r\n"],
    ids=["tiny chunks", "small events", "blank lines"],
)
def test_no_chunk_keeps_the_loop(body):
    async def main(url):
        waits = []

        async def watch():
            before = time.perf_counter()
            while True:
                await asyncio.sleep(0)
                now = time.perf_counter()
                waits.append(now - before)
                before = now

        async with EventSource(url, reconnect=False, comments=True) as source:
            watching = asyncio.create_task(watch())
            async for _ in source:
                pass
            watching.cancel()
        return waits

    with Script([CHUNKED + body + b"0\r\n\r\n"]) as script:
        waits = asyncio.run(main(script.url))
    assert sorted(waits)[-5] < 0.1, "several times, so that it is not the machine"


def test_a_stream_that_floods_is_closed_at_once():
    async def main(url):
        async with EventSource(url, comments=True) as source:
            await anext(source)
            asyncio.get_running_loop().call_later(0.05, source.close)
            started = time.monotonic()
            async for _ in source:
                pass
            return time.monotonic() - started

    with Script([CHUNKED, *[b"2\r\n:\n\r\n" * 100_000] * 100]) as script:
        assert asyncio.run(main(script.url)) < 2


def test_a_reader_that_does_not_read_makes_the_server_wait():
    """What it does not take stays in the buffers of the network, and comes when it goes on."""
    piece = b"data: " + b"x" * 1000 + b"\n\n"

    async def main(url, script):
        async with EventSource(url, read_timeout=0.2) as source:
            first = await anext(source)
            await asyncio.sleep(0.5)  # longer than the read timeout: it is the reader who is silent
            held = len(source._stream._response._inlet._held)
            return first.data, held, [(await anext(source)).data for _ in range(20_000)]

    with Script([STREAM, *[piece * 100] * 300, HOLD]) as script:
        first, held, rest = asyncio.run(main(script.url, script))
    assert held < 1024 * 1024
    assert {first, *rest} == {"x" * 1000}


def test_a_server_that_does_not_take_the_body_is_silent():
    """The read timeout holds while a body is sent, too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with listen(url, method="POST", body=b"x" * 50_000_000, read_timeout=0.3, reconnect=False) as events:
            with pytest.raises(EventSourceError, match="nothing has come within the read timeout"):
                next(events)


def test_an_answer_that_comes_in_single_bytes_is_read():
    whole = CHUNKED + CHUNK + b"0\r\n\r\n"
    with Script([whole[at : at + 1] for at in range(len(whole))]) as script:
        assert [event.data for event in listen(script.url, reconnect=False)] == ["a", "b"]


def test_the_read_timeout_counts_what_arrives_and_not_what_is_read():
    async def main(url):
        async with EventSource(url, read_timeout=0.3) as source:
            first = await anext(source)
            await asyncio.sleep(0.6)
            return [first.data, *[(await anext(source)).data for _ in range(8)]]

    with Script([STREAM, *[b"data: x\n\n", 0.1] * 12, HOLD], NO_MORE) as script:
        assert asyncio.run(main(script.url)) == ["x"] * 9
        assert script.requests.qsize() == 1
