import asyncio
import http.client
import inspect
import json
import re
import socket
import ssl
import struct
import threading
import time
import urllib.error
import urllib.request

import pytest
import trustme
from support import Reader

from sse_demo import Event, EventStreamParser, Hub, Server, listen, serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


def open_stream(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse()


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("sse_demo", "listen"))]


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
        assert server._listener.getsockname()[0] == "127.0.0.1"


def test_stop_ends_open_streams_as_complete_responses():
    server = serve()
    streams = [open_stream(server, f"/events?topic={n}") for n in range(50)] + [open_stream(server, "/stream")]
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 1
    for answer in streams:
        answer.read()  # an incomplete response would raise
        answer.close()
    assert threads() == []


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
        connection.sendall(b"POST /events?topic=a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
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
    with pytest.raises(RuntimeError, match="has been stopped; start another with serve"):
        server.publish("a", "x")


def test_stop_while_threads_publish():
    server = serve(max_burst=5)
    listener = listen(f"{server.url}/events?topic=a")
    errors = []

    def work():
        try:
            while True:
                server.publish("a", "x")
        except RuntimeError as error:
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


def test_a_live_server_publishes_this_machine():
    with serve(live=True) as server, listen(f"{server.url}/events?topic=machine") as events:
        assert '"cpu"' in next(events).data
    assert threads() == []


def test_many_servers_in_one_process():
    servers = [serve() for _ in range(5)]
    assert len({server.port for server in servers}) == 5
    for server in servers:
        server.stop()


def test_a_pipelined_request_after_a_stream_does_no_harm(eventually):
    with serve() as server:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(b"GET /events?topic=a HTTP/1.1\r\nHost: x\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: len(server.hub) == 1)
        server.publish("a", "one")
        received = b""
        while b"data: one" not in received:
            received += connection.recv(1000)
        assert b"pong" not in received
        connection.close()


def test_a_browser_that_comes_and_goes_leaves_nothing_behind(eventually):
    with serve() as server:
        for _ in range(200):
            open_stream(server, "/events?topic=a").close()
        eventually(lambda: len(server.hub) == 0)
        body = urllib.request.urlopen(f"{server.url}/health").read()
        assert b'"connections": 0' in body
        assert EventStreamParser().feed(body) == []


def test_clients_that_vanish_at_once_are_no_errors(server, eventually):
    for _ in range(200):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET /events?topic=a HTTP/1.1\r\nHost: x\r\n\r\n")
        # As a client does whose process is killed: what is on the way is answered with a reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    eventually(lambda: b'"connections": 0' in urllib.request.urlopen(f"{server.url}/health").read())


@pytest.mark.parametrize("port", [70_000, -1, "8000", 80.0, None, True])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(ValueError, match=f"port must be a whole number from 0 to 65535, not {port!r}"):
        serve(port)


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


# Requests that take their time

UNFINISHED = [
    b"",
    b"GET /pi",
    b"GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: a",
    b"POST /events?topic=a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nab",
    b"POST /events?topic=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n384\r\nab",
]


@pytest.mark.parametrize("data", UNFINISHED)
def test_a_request_that_stops_half_way_is_given_up(data):
    with serve(request_timeout=0.1) as server, socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(data)
        assert client.recv(1000) == b""
        assert urllib.request.urlopen(f"{server.url}/ping").status == 200


@pytest.mark.parametrize("data", UNFINISHED[1:])
def test_a_request_that_comes_byte_by_byte_has_no_more_time_than_another(data):
    with serve(request_timeout=0.2) as server, socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(data)
        client.settimeout(0.02)  # between two bytes
        received = None
        while received is None:
            try:
                client.send(b"x")
                received = client.recv(1000)
            except TimeoutError:
                continue
            except ConnectionError:  # it was closed with a byte on the way
                received = b""
        assert received == b"", "it has not waited for the end"


def test_an_idle_connection_is_closed_and_a_stream_is_not():
    with serve(request_timeout=0.1, heartbeat=0.2) as server:
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"".join(iter(lambda: client.recv(1000), b"")).endswith(b'{"message": "pong"}')
        with Reader(server, "topic=a") as reader:
            for _ in range(4):  # the first block, and three heartbeats
                reader.next_block()
            server.publish("a", "still here")
            assert reader.take(1) == ["still here"]


# Goodbyes


def test_a_drain_spreads_the_goodbyes_and_tells_of_it():
    server = serve()
    streams = [open_stream(server, "/events?topic=a") for _ in range(20)]
    ends = []

    def read(stream):
        stream.read()
        ends.append(time.monotonic())

    readers = [threading.Thread(target=read, args=(stream,)) for stream in streams]
    for reader in readers:
        reader.start()
    stopping = threading.Thread(target=server.stop, kwargs={"drain": 1.0})
    start = time.monotonic()
    stopping.start()
    seen = None
    while seen is None:
        try:
            urllib.request.urlopen(f"{server.url}/health").close()
        except urllib.error.HTTPError as answer:
            seen = answer.code, json.loads(answer.read())["status"]
    assert seen == (503, "draining")
    with open_stream(server, "/events?topic=a") as late:
        assert re.fullmatch(rb":\nretry: \d+\n\n", late.read()), "it is not refused, but sent away, to come back"
    server.publish("a", "until the end")  # nothing is lost for those who are still there
    for thread in [*readers, stopping]:
        thread.join()
    assert 0.9 < time.monotonic() - start < 5
    assert ends == sorted(ends)
    assert max(ends) - min(ends) > 0.5


def test_another_stop_cuts_a_drain_short():
    server = serve()
    stream = open_stream(server, "/events?topic=a")
    draining = threading.Thread(target=server.stop, args=(60,))
    draining.start()
    stream.read()  # its goodbye, which is the first thing that a drain does
    server.stop()
    draining.join(10)
    assert not draining.is_alive()
    stream.close()


def test_without_a_drain_it_stops_at_once():
    server = serve()
    stream = open_stream(server, "/events?topic=a")
    start = time.monotonic()
    server.stop()
    assert stream.read().startswith(b":\n")
    assert time.monotonic() - start < 3


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that nobody else trusts."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return authority, path


def test_over_tls_it_is_the_same(certificate):
    authority, path = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serve(tls=context, read_batch=50_000) as server:
        assert server.url.startswith("https://")
        with (
            Reader(server, "topic=a", tls=trusting) as quick,
            Reader(server, "topic=a", tls=trusting, receive_buffer=50_000) as slow,
        ):
            for n in range(100):
                server.publish("a", f"{n} {'x' * 50_000}")
                quick.take(n + 1)
            assert [data.split()[0] for data in slow.take(100)] == [str(n) for n in range(100)]
            server.publish("a", "live again")
            assert slow.take(101)[-1] == quick.take(101)[-1] == "live again"
