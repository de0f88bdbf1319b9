import socket
import time

import pytest
from tornado.web import Application, RequestHandler

from sse_demo.lab import Background, Line


class Echo(RequestHandler):
    def post(self):
        self.write(self.request.body)


@pytest.fixture
def background():
    background = Background()
    yield background
    background.stop()


@pytest.fixture
def server(background):
    return background.serve(Application([("/", Echo)]))


def connect(line):
    host, port = line.address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def ask(connection, body=b"x"):
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    connection.sendall(request)
    answer = b""
    while not answer.endswith(b"\r\n\r\n" + body):
        answer += connection.recv(65536)
    return len(request) + len(answer)


def is_lost(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_it_counts_every_byte_both_ways(background, server):
    line = Line(background, server, delay=0)
    with connect(line) as connection:
        assert ask(connection) + ask(connection, b"y" * 200_000) == line.bytes


def test_it_takes_its_time_each_way(background, server):
    line = Line(background, server, delay=0.05)
    with connect(line) as connection:
        start = time.perf_counter()
        ask(connection)
        assert time.perf_counter() - start >= 0.09


def test_bytes_stay_in_their_order(background, server):
    line = Line(background, server, delay=0.001)
    body = b"".join(b"%06d" % n for n in range(50_000))
    with connect(line) as connection:
        ask(connection, body)


def test_it_is_cut_and_mended(background, server):
    line = Line(background, server)
    with connect(line) as connection:
        ask(connection)
        line.cut()
        assert is_lost(connection)
    with connect(line) as connection:
        assert connection.recv(1) == b""
    line.mend()
    with connect(line) as connection:
        ask(connection)


def test_the_end_of_one_side_is_the_end_of_the_other(background, server, eventually):
    line = Line(background, server)
    with connect(line) as connection:
        ask(connection)
        eventually(lambda: len(line._writers) == 2)
    eventually(lambda: not line._writers)


def test_a_server_that_is_gone(background, server):
    line = Line(background, "127.0.0.1:1")
    with connect(line) as connection:
        assert connection.recv(1) == b""


def test_what_is_taken_is_noted(background, server):
    line = Line(background, server)
    line.bytes = 7
    line.take("tea")
    ((event, at, size),) = line.received
    assert (event, size) == ("tea", 7)
    assert at <= time.perf_counter()
