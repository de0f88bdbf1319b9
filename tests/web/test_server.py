"""A server in a thread of its own: from its start to its end."""

import asyncio
import contextlib
import gc
import inspect
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from asking import open_stream

from sse_demo import Event, EventStreamParser, Hub, Server, ServerStopped, listen, serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith(("sse_demo", "listen"))}


def test_a_server_is_reached_at_its_url_when_serve_returns():
    with serve() as server:
        assert server.port > 0
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert urllib.request.urlopen(f"{server.url}/ping").read() == b'{"message": "pong"}'
        assert repr(server) == f"<Server {server.url} running>"
    assert repr(server) == f"<Server {server.url} stopped>"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port))


def test_ipv6_where_there_is_one():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return  # nothing to serve on
    with serve(host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert urllib.request.urlopen(f"{server.url}/ping").status == 200


def test_only_this_machine_is_served_by_default():
    with serve() as server:
        assert server._socket.getsockname()[0] == "127.0.0.1"


def test_stop_ends_open_streams_as_complete_responses():
    before = threads()
    server = serve()
    streams = [open_stream(server, f"/events?topic={n}") for n in range(50)]
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 1
    for answer in streams:
        answer.read()  # an incomplete response would raise
        answer.close()
    assert threads() <= before


def test_stop_does_not_wait_for_a_client_that_does_not_read():
    with serve() as server:
        answer = open_stream(server, "/events?topic=a")
        for _ in range(200):
            server.publish("a", "x" * 100_000)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    answer.close()


def test_stop_does_not_wait_for_a_request_that_never_ends():
    with serve() as server:
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx")
        urllib.request.urlopen(f"{server.url}/ping").close()
        started = time.monotonic()
    assert time.monotonic() - started < 2
    connection.close()


class Slow(Handler):
    began = threading.Event()

    async def get(self):
        self.began.set()
        await asyncio.sleep(0.2)
        self.write("in time")


def test_stop_lets_answers_go_out_that_are_nearly_ready():
    server = serve(routes=[Route("/slow", Slow)])
    stopper = threading.Thread(target=lambda: (Slow.began.wait(10), server.stop()))
    stopper.start()
    assert urllib.request.urlopen(f"{server.url}/slow").read() == b"in time"
    stopper.join()


def test_stop_leaves_behind_what_does_not_end(monkeypatch, caplog):
    monkeypatch.setattr("sse_demo.web.server.END_WITHIN", 0.2)
    begun = threading.Event()

    class Stubborn(Handler):
        async def get(self):
            while True:
                begun.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

    server = serve(routes=[Route("/stubborn", Stubborn)])
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /stubborn HTTP/1.1\r\nHost: localhost\r\n\r\n")
        begun.wait()
        began_at = time.monotonic()
        server.stop()
        assert time.monotonic() - began_at < 5
    assert "Stubborn.get > Event.wait does not end" in caplog.text
    gc.collect()  # while the log is watched, what Python says of the task that was left
    caplog.clear()


def test_stop_lets_handlers_clean_up():
    cleaned = threading.Event()

    class Tidy(Handler):
        async def get(self):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.05)
                cleaned.set()

    begun = threading.Event()
    server = serve(routes=[Route("/tidy", Tidy)])
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /tidy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        begun.wait()
        server.stop()
    assert cleaned.is_set()


def test_stop_may_come_twice_and_from_several_threads():
    server = serve()
    stoppers = [threading.Thread(target=server.stop) for _ in range(5)]
    for thread in stoppers:
        thread.start()
    for thread in stoppers:
        thread.join()
    server.stop()
    assert not server.running


def test_a_stopped_server_says_so():
    server = serve()
    server.stop()
    with pytest.raises(ServerStopped, match="has been stopped; start another with serve"):
        server.publish("a", "x")


def test_stop_while_threads_publish():
    server = serve(max_burst=5)
    listener = listen(f"{server.url}/events?topic=a")
    errors = []

    def work():
        try:
            while True:
                server.publish("a", "x")
        except ServerStopped as error:
            errors.append(error)

    publishers = [threading.Thread(target=work) for _ in range(4)]
    for thread in publishers:
        thread.start()
    for _ in range(100):
        next(listener)
    server.stop()
    for thread in publishers:
        thread.join(5)
        assert not thread.is_alive()
    assert len(errors) == 4
    listener.close()


def test_publish_from_any_thread_takes_text_or_an_event():
    with serve() as server:
        with listen(f"{server.url}/events?topic=a&recent=10") as events:
            first = server.publish("a", "one")
            server.publish("a", Event("two", event="greeting"))
            got = [next(events), next(events)]
        assert got[0] == Event("one", id=first)
        assert (got[1].event, got[1].data) == ("greeting", "two")
        with pytest.raises(TypeError, match=r"json\.dumps"):
            server.publish("a", {"no": "text"})


def test_many_servers_in_one_process():
    servers = [serve() for _ in range(5)]
    assert len({server.port for server in servers}) == 5
    for server in servers:
        server.stop()


def test_publish_says_what_it_takes():
    own, hub = (inspect.signature(cls.publish).parameters for cls in (Server, Hub))
    assert own == hub


def test_events_published_before_stop_are_delivered(server):
    streams = [open_stream(server, "/events?topic=a") for _ in range(20)]
    for n in range(100):
        server.publish("a", str(n))
    server.stop()
    for answer in streams:
        assert [event.data for event in EventStreamParser().feed(answer.read())] == [str(n) for n in range(100)]
        answer.close()


FORK = """
import os, sys
from sse_demo import ServerStopped, serve
with serve() as server:
    if os.fork() == 0:
        said = [server.running]
        try:
            server.publish("a", "x")
        except ServerStopped as error:
            said.append("fork" in str(error))
        server.stop()
        server.join()
        print(said, flush=True)
        os._exit(0)
    os.wait()
    print(server.running, server.publish("a", "x").endswith("-1"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_in_a_fork_of_its_process_it_does_not_run():
    forked = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=True)
    assert forked.stdout == "[False, True]\nTrue True\n"
