"""Plain requests to a server, for the tests of what it answers."""

import http.client
import json
import socket
import urllib.error
import urllib.request
from contextlib import contextmanager

from sse_demo import EventStreamParser


def request(server, method, path, body=None, headers=None):
    """Status, headers and body of an answer that ends."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {}, encode_chunked="Transfer-Encoding" in (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def publish(server, data=b"x", path="/events?topic=a", **headers):
    """As :func:`request`; a header such as ``Content_Type`` is given by name."""
    return request(server, "POST", path, data, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def stream(server, path, headers=None):
    """An answer that does not end: its status and headers, and what it has said so far by ``read1``."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        with connection.getresponse() as answer:  # without a name it would be collected, and the stream closed
            yield answer
    finally:
        connection.close()


def open_stream(server, path):
    """An answer that does not end, which the caller closes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    connection.sock.close()  # the answer has it, too, and is the last to close it
    return answer


def raw(server, data):
    """Everything that comes back for these bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def events(body):
    return EventStreamParser().feed(body)


def next_events(answer, count=1):
    """So many events of a stream, and what has come with them."""
    received = b""
    while len(events(received)) < count:
        received += answer.read1(1000)
    return events(received)


def assert_problem(answer, status, *words):
    """The answer is a problem of this status (RFC 9457), with these words. Returns its headers."""
    got, headers, body = answer
    problem = json.loads(body)
    assert (got, headers["Content-Type"]) == (status, "application/problem+json")
    assert problem["status"] == status
    assert problem["title"]
    assert all(word in problem["detail"] for word in words), problem["detail"]
    return headers


def answer(url, method="GET", **headers):
    """Status, headers and body of what is at an address, also of an error. A header is given as ``X_Name``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=named), timeout=10) as got:
            return got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
