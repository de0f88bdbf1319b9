"""``send_events``: a stream of one's own."""

import asyncio
import http.client
import itertools
import json
import logging
import socket
import subprocess
import sys
import threading
import time

import pytest
from asking import assert_problem, events, request, stream

from sse_demo import Comment, Event, Handler, Route, serve

LARGE = "x" * 50_000


class Source:
    """Gives events, in any of the ways in which a handler may, and tells of its end."""

    def __init__(self, *, count=3, pause=0.0, data="n", fails_at=None):
        self.count, self.pause, self.data, self.fails_at = count, pause, data, fails_at
        self.given = 0
        self.closed = threading.Event()

    def give(self):
        if self.given == self.fails_at:
            raise LookupError("the source has failed")
        self.given += 1
        return Event(f"{self.data}{self.given - 1}", id=str(self.given - 1))

    async def generator(self):
        try:
            while self.given < self.count:
                yield self.give()
                await asyncio.sleep(self.pause)
        finally:
            self.closed.set()

    async def tight(self):
        try:
            while self.given < self.count:
                yield self.give()
        finally:
            self.closed.set()

    def iterator(self):
        try:
            while self.given < self.count:
                yield self.give()
                time.sleep(self.pause)
        finally:
            self.closed.set()


def serving(source, way="generator", **settings):
    class Count(Handler):
        sent = None

        async def get(self):
            Count.sent = await self.send_events(getattr(source, way)())

        post = put = patch = delete = get

    server = serve(routes=[Route("/count", Count)], **settings)
    server.handler = Count
    return server


def metric(server, name):
    for line in request(server, "GET", "/metrics")[2].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0.0


WAYS = ["generator", "tight", "iterator"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_any_method_sends_all_from_whatever_gives_them(way, method, eventually):
    with serving(source := Source(), way) as server:
        status, headers, body = request(server, method, "/count", headers={"Accept": "application/json"})
        assert (status, headers["Content-Type"]) == (200, "text/event-stream")
        assert [(event.data, event.id) for event in events(body)] == [("n0", "0"), ("n1", "1"), ("n2", "2")]
        assert source.closed.wait(5)
        eventually(lambda: server.handler.sent is True)
        assert metric(server, "sse_delivered_total") == 3


def test_a_list_comments_and_text_are_sent():
    class Mixed(Handler):
        async def get(self):
            await self.send_events([Comment("a word"), "hello\nworld", Event("x", event="greeting")])

    with serve(routes=[Route("/mixed", Mixed)]) as server:
        body = request(server, "GET", "/mixed")[2]
        assert body.startswith(b":\n:a word\ndata: hello\n"), "no blank line that a client would take for an event"
        assert [(event.event, event.data) for event in events(body)] == [("message", "hello\nworld"), ("greeting", "x")]


def test_a_head_request_gets_the_headers_and_asks_for_no_event():
    with serving(source := Source()) as server:
        status, headers, body = request(server, "HEAD", "/count")
        assert (status, headers["Content-Type"], body) == (200, "text/event-stream", b"")
        assert source.given == 0


@pytest.mark.parametrize("way", WAYS)
def test_what_gives_the_events_is_closed_when_the_reader_leaves(way, eventually):
    source = Source(count=10**9, pause=0.05 if way == "iterator" else 60.0)
    with serving(source, way) as server:
        with stream(server, "/count") as answer:
            answer.read1(100)
            eventually(lambda: source.given)
            left_at = time.monotonic()
        assert source.closed.wait(5)
        assert time.monotonic() - left_at < 1, "at once, and not when the source gives its next event"
        eventually(lambda: server.handler.sent is False)
        eventually(lambda: not server.service.connections)


@pytest.mark.parametrize("way", WAYS)
def test_a_reader_that_does_not_read_costs_a_buffer_and_is_closed_in_the_end(way, eventually):
    source = Source(count=10**6, data=LARGE)
    with serving(source, way, max_stall=1.0) as server, socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(b"GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: metric(server, 'sse_closed_total{reason="stall"}') == 1)
        assert source.closed.wait(5)
        assert source.given * len(LARGE) < 16 * 1024 * 1024, "as much as the kernel takes, and not what there is"


def test_a_slow_reader_gets_everything():
    source = Source(count=200, data=LARGE)
    with serving(source, "tight", max_stall=10.0) as server, stream(server, "/count") as answer:
        received = b""
        while chunk := answer.read1(65536):
            received += chunk
            if len(received) % 7 == 0:
                time.sleep(0.001)
        assert [event.id for event in events(received)] == [str(n) for n in range(200)]


@pytest.mark.parametrize("way", WAYS)
def test_an_exception_breaks_the_stream_visibly_after_what_came_before(way, caplog):
    with serving(Source(fails_at=2), way) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/count")
        with pytest.raises(http.client.IncompleteRead) as broken:
            connection.getresponse().read()
        connection.close()
        assert [event.id for event in events(broken.value.partial)] == ["0", "1"]
    assert "the source has failed" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("item", [b"bytes", 7, None, ["list"]])
def test_what_is_no_event_breaks_the_stream(item, caplog):
    class Wrong(Handler):
        async def get(self):
            await self.send_events(["good", item])

    with serve(routes=[Route("/wrong", Wrong)]) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/wrong")
        with pytest.raises(http.client.IncompleteRead) as broken:
            connection.getresponse().read()
        connection.close()
        assert [event.data for event in events(broken.value.partial)] == ["good"]
    assert "a stream is made of events, comments and text" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("wrong", ["text", b"bytes", Event("one"), Comment(), None, 7])
def test_what_gives_no_events_is_an_error_before_anything_is_sent(wrong, caplog):
    class Wrong(Handler):
        async def get(self):
            await self.send_events(wrong)

    with serve(routes=[Route("/wrong", Wrong)]) as server:
        assert_problem(request(server, "GET", "/wrong"), 500)
    assert "an async generator, or an iterable such as a list" in caplog.text
    caplog.clear()


def test_an_idle_stream_has_heartbeats():
    with serving(Source(count=2, pause=60.0), heartbeat=0.05) as server, stream(server, "/count") as answer:
        received = b""
        while received.count(b":\n") < 4:
            received += answer.read1(1000)
        assert [event.id for event in events(received)] == ["0"]


def test_a_stream_grows_only_so_old_and_is_then_broken_off():
    with serving(source := Source(count=10**9, pause=0.01), max_connection_age=0.3) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/count")
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()
        connection.close()
        assert source.closed.wait(5)
        assert metric(server, 'sse_closed_total{reason="age"}') == 1


def test_a_drain_lets_it_come_to_its_end_and_begins_no_other():
    server = serving(source := Source(count=20, pause=0.05))
    with stream(server, "/count") as answer:
        first = answer.read1(100)
        stopping = threading.Thread(target=server.stop, args=(30,))
        begun = time.monotonic()
        stopping.start()
        while not server.service.draining:
            time.sleep(0.001)
        headers = assert_problem(request(server, "GET", "/count"), 503, "stop")
        assert headers["Retry-After"]
        assert len(events(first + answer.read())) == 20, "whole"
    stopping.join()
    assert time.monotonic() - begun < 15, "nothing is waited for once the last stream has ended"
    assert source.closed.is_set()


def test_a_stop_without_a_drain_breaks_it_off():
    server = serving(source := Source(count=20, pause=60.0))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/count")
    answer = connection.getresponse()
    answer.read1(100)
    server.stop()
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()
    assert source.closed.wait(5)


@pytest.mark.parametrize("way", ["tight", "iterator"])
def test_others_are_answered_while_a_source_is_busy(way):
    source = Source(count=10**9, pause=0.02 if way == "iterator" else 0)
    with serving(source, way) as server, stream(server, "/count") as answer:
        reading = threading.Thread(target=lambda: [answer.read1(65536) for _ in range(50)])
        reading.start()
        waits = []
        for _ in range(10):
            begun = time.monotonic()
            assert json.loads(request(server, "GET", "/ping")[2]) == {"message": "pong"}
            waits.append(time.monotonic() - begun)
        assert sorted(waits)[5] < 0.5
        reading.join()


def test_an_iterator_that_cannot_be_closed_is_told_of(caplog, eventually):
    class Stubborn:
        def __init__(self):
            self.numbers = itertools.count()

        def __iter__(self):
            return self

        def __next__(self):
            return str(next(self.numbers))

        def close(self):
            raise OSError("closed badly")

    class Stubbornly(Handler):
        async def get(self):
            await self.send_events(Stubborn())

    with serve(routes=[Route("/stubborn", Stubbornly)]) as server:
        with stream(server, "/stubborn") as answer:
            answer.read1(100)
        eventually(lambda: "closed badly" in caplog.text)
    assert {record.levelno for record in caplog.records if record.name == "sse_demo.app"} == {logging.ERROR}
    caplog.clear()


@pytest.mark.parametrize("end", [GeneratorExit, KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_iterator_that_ends_with_what_is_no_error_breaks_its_stream_alone(end, caplog, eventually):
    closed = threading.Event()

    class Odd:
        def __iter__(self):
            return self

        def __next__(self):
            raise end

        def close(self):
            closed.set()

    class Oddly(Handler):
        async def get(self):
            await self.send_events(Odd())

    with serve(routes=[Route("/odd", Oddly)]) as server:
        with pytest.raises(http.client.IncompleteRead):
            request(server, "GET", "/odd")
        assert closed.wait(5)
        eventually(lambda: f"the iterator has ended with {end.__name__}()" in caplog.text)
        assert request(server, "GET", "/ping")[0] == 200
    assert {record.name for record in caplog.records} == {"sse_demo.app"}
    caplog.clear()


def test_an_iterator_that_never_goes_on_holds_up_no_end_of_the_process():
    script = """
import threading, urllib.request
from sse_demo import Handler, Route, serve

class Stuck(Handler):
    async def get(self):
        await self.send_events(self.items())

    def items(self):
        yield "1"
        begun.set()
        threading.Event().wait()

begun = threading.Event()
with serve(routes=[Route("/stuck", Stuck)]) as server:
    answer = urllib.request.urlopen(f"{server.url}/stuck")
    begun.wait()
print("stopped")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "stopped\n", "")
