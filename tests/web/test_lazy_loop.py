"""The event loop as one stream sees it, in servers that run."""

import asyncio
import socket
import threading
import time

from asking import request

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route

REQUEST = b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"


class Slow(Handler):
    begun, go = threading.Event(), threading.Event()

    async def post(self):
        self.begun.set()
        await asyncio.to_thread(self.go.wait, 30)
        self.write("done")


def test_what_comes_while_a_request_is_handled_stays_in_the_system_and_is_read_later():
    with (
        serve(routes=[Route("/slow", Slow)]) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as client,
    ):
        client.sendall(REQUEST)
        assert Slow.begun.wait(10)
        client.setblocking(False)
        sent = 0
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 0.5:  # until nobody has taken anything for a while
            try:
                sent += client.send(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
                quiet_since = time.monotonic()
            except BlockingIOError:
                assert request(server, "GET", "/ping")[0] == 200, "and the loop does not spin"
        connections = [one.stream for one in server._serving._http._ordinary]
        assert max(stream._read_buffer_size for stream in connections) < 200_000, "it waits in the system"
        Slow.go.set()
        client.setblocking(True)
        received = b""
        while received.count(b"pong") < 100:
            received += client.recv(65536)
        assert b"done" in received.partition(b"pong")[0]


def test_many_requests_on_one_connection_each_get_their_answer(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        for number in range(200):
            body = b"%d" % number
            head = b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
            if number % 3:  # head and body in one piece, or in two
                client.sendall(head + body)
            else:
                client.sendall(head)
                client.sendall(body)
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 202 "), answer
