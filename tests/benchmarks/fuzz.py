"""Throw broken and hostile requests at a server, and look at what is left of the server.

    python tests/benchmarks/fuzz.py [--requests 20000] [--seed 42]

The server runs in a process of its own. All the while there are clients that the server has to cut off: some send a
byte now and then and never come to an end, some never read what they are sent, some subscribe and go on sending. Others
have closed their half of the connection: the server has to go on sending to them. Afterwards the server must answer,
have no connection and no subscriber, about as much memory as before, and no traceback in its log.
"""

import argparse
import contextlib
import json
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

WAIT = 0.05  # seconds for an answer, before the client leaves
AT_ONCE = 8  # clients, since most of them wait for an answer
REQUEST_TIMEOUT = 1  # second that the server waits for a request to arrive
MAX_STALL = 1  # second that it waits for a client to read
HEARTBEAT = 1  # second, after which it notices that a half-closed client has left
LOG_BYTES = 2**20  # that it keeps
SLOW_SENDERS = 50
NEVER_READING, EVER_SENDING, HALF_CLOSED = 20, 10, 10
PAUSE = 0.05  # seconds between two bytes of a slow client, and between two looks at all the others
SMALL = 4096  # bytes of the receive buffer of a client that never reads
RESET = struct.pack("ii", 1, 0)


def mostly(usual: list[bytes], odd: st.SearchStrategy) -> st.SearchStrategy:
    """Three times out of four what is usual, so that what is odd is met in all places."""
    return st.integers(0, 3).flatmap(lambda number: st.sampled_from(usual) if number else odd)


words = st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20).map(str.encode)
methods = mostly([b"GET", b"POST", b"HEAD", b"OPTIONS"], st.sampled_from([b"get", b"", b"G\0T", b"X" * 9000]) | words)
topics = mostly(
    [b"a", b"b&topic=c", b"a&recent=5"],
    st.sampled_from([b"", b"%FF", b"a%00b", b"x" * 5000, b"a&recent=-1", b"a&last_event_id=%0A", b"a&event=%0D"]),
)
pages = st.sampled_from([b"/", b"/ping", b"/stream?interval=0", b"/stream?count=2", b"/metrics", b"/health"])
odd_paths = st.sampled_from([b"/nothing", b"*", b"", b"//", b"/" + b"a" * 70_000]) | st.binary(max_size=40)
paths = topics.map(lambda topic: b"/events?topic=" + topic) | pages | odd_paths
versions = mostly(
    [b" HTTP/1.1", b" HTTP/1.0"], st.sampled_from([b" HTTP/9.9", b" HTTP/2", b"", b" HTP/1.1", b" HTTP/1.1 x"])
)
odd_headers = [
    b"Host: ", b"Content-Length: -1", b"Content-Length: 1e3", b"Content-Length: 99999999999",
    b"Content-Length: 5\r\nContent-Length: 6", b"Transfer-Encoding: gzip, chunked", b"Connection: upgrade",
    b"Last-Event-ID: \xff\xfe", b"Last-Event-ID: " + b"9" * 9000, b"Accept: text/html", b"Accept: ;q=,,",
    b"Content-Type: text/plain; charset=latin-1", b"Idempotency-Key: " + b"k" * 300, b"X: " + b"x" * 70_000,
    b"no colon", b": no name", b" folded", b"A\0B: c", b"X-Request-ID: a\tb", b"Access-Control-Request-Method: \x7f",
]  # fmt: skip
usual_headers = [
    b"Accept: text/event-stream", b"Accept: */*", b"Content-Length: 5", b"Transfer-Encoding: chunked",
    b"Expect: 100-continue", b"Connection: close", b"Content-Type: application/json", b"Origin: null",
    b"Last-Event-ID: 1a-7", b"X-Request-ID: abc",
]  # fmt: skip
hosts = mostly([b"Host: localhost"], st.sampled_from([b"Host: evil.example", b"Host: LOCALHOST:80", b"Host: a b"]))
headers = st.builds(
    lambda host, others: [host, *others],
    hosts,
    st.lists(mostly(usual_headers, st.sampled_from(odd_headers) | st.binary(max_size=30)), max_size=3),
)
bodies = st.sampled_from(
    [b"", b"hello", b"12345", b"\xff" * 5, b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"ffffffff\r\nx"]
)


def request(method: bytes, path: bytes, version: bytes, lines: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([method + b" " + path + version, *lines, b"", body])


requests = st.builds(request, methods, paths, versions, headers, bodies)
endings = st.sampled_from(["read", "close", "reset", "half", "in pieces"])
endless = [
    b"GET /",
    b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: ",
    b"POST /events?topic=a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
]
flood = b"GET /events?topic=flood HTTP/1.1\r\nHost: localhost\r\n\r\n"
quiet = b"GET /events?topic=quiet HTTP/1.1\r\nHost: localhost\r\n\r\n"
large_answer = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
large_event = b"POST /events?topic=flood HTTP/1.1\r\nHost: localhost\r\nContent-Length: 150000\r\n\r\n" + b"x" * 150_000


@dataclass(frozen=True)
class Thrown:
    """What was thrown, and how many answers of each status came back."""

    count: int
    bytes: int
    statuses: Counter[str]
    seconds: float


def throw(port: int, data: bytes, ending: str) -> str:
    """Send a request on a connection of its own, and end the connection in one of the ways of ``endings``.

    Returns:
        The status of the answer, ``"none"`` for another answer than HTTP, and ``""`` where none was waited for or came.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, contextlib.suppress(OSError):
        if ending == "in pieces":
            for byte in data[:20]:
                connection.send(bytes([byte]))
            return ""
        connection.sendall(data)
        if ending == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif ending == "half":
            connection.shutdown(socket.SHUT_WR)
        if ending in ("read", "half"):
            connection.settimeout(WAIT)
            status = re.match(rb"HTTP/1\.1 (\d+)", connection.recv(65_536))
            return status[1].decode() if status else "none"
    return ""


def examples(count: int, first: int) -> list[tuple[bytes, str]]:
    """Requests, each with the way in which its connection ends.

    Args:
        count: How many requests.
        first: A seed. The same seed gives the same requests.
    """
    found: list[tuple[bytes, str]] = []

    @seed(first)
    @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(requests | st.binary(max_size=300), endings)
    def collect(data: bytes, ending: str) -> None:
        found.append((data, ending))

    collect()
    return found


def throw_all(port: int, thrown: list[tuple[bytes, str]]) -> Thrown:
    """Throw requests, several at the same time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = Counter(pool.map(lambda example: throw(port, *example), thrown))
    took = time.perf_counter() - start
    del statuses[""]
    return Thrown(len(thrown), sum(len(data) for data, _ in thrown), statuses, took)


def fuzz(port: int, count: int, first: int) -> Thrown:
    """Throw as many requests as this, those of this seed."""
    return throw_all(port, examples(count, first))


class Crowd:
    """Clients that stay, in a thread of their own. One that the server has cut off comes again.

    Attributes:
        cut_off: How often the server has cut off one.
        spared: The numbers of those that the server has never cut off.
    """

    size: int

    def __init__(self, port: int) -> None:
        self.cut_off = 0
        self.spared = set(range(self.size))
        self._address = "127.0.0.1", port
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._stay)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def first_words(self, number: int) -> bytes:
        """What the client with this number sends when it comes."""
        raise NotImplementedError

    def go_on(self, connection: socket.socket, number: int) -> bool:
        """Do what a client does now and then, without waiting; False where it was cut off, as where it raises."""
        raise NotImplementedError

    def _stay(self) -> None:
        connections = [self.come(number) for number in range(self.size)]
        while not self._leave.wait(PAUSE):
            self.meanwhile()
            for number, connection in enumerate(connections):
                if self._is_cut_off(connection, number):
                    self.cut_off += 1
                    self.spared.discard(number)
                    connection.close()
                    connections[number] = self.come(number)
        for connection in connections:
            connection.close()

    def come(self, number: int) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=5)
        connection.sendall(self.first_words(number))
        connection.setblocking(False)
        return connection

    def meanwhile(self) -> None:
        """What happens beside the clients, each time before they go on."""

    def _is_cut_off(self, connection: socket.socket, number: int) -> bool:
        try:
            return not self.go_on(connection, number)
        except BlockingIOError:
            return False
        except OSError:
            return True


class SlowSenders(Crowd):
    """Clients that never come to the end of a request."""

    size = SLOW_SENDERS

    def first_words(self, number: int) -> bytes:
        return endless[number % len(endless)]

    def go_on(self, connection: socket.socket, number: int) -> bool:
        connection.send(b"x")
        return bool(connection.recv(1))


class NeverReading(Crowd):
    """Clients that never read. Half of them ask again and again, the others subscribe to a topic full of large events.

    What a client has been cut off from, it only sees when it sends: the end of a connection comes after all that it has
    not read. So the subscribers send a byte now and then.
    """

    size = NEVER_READING

    def first_words(self, number: int) -> bytes:
        return flood if number % 2 else large_answer

    def come(self, number: int) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        connection.settimeout(5)
        connection.connect(self._address)
        connection.sendall(self.first_words(number))
        connection.setblocking(False)
        return connection

    def go_on(self, connection: socket.socket, number: int) -> bool:
        connection.send(b"x" if number % 2 else large_answer * 50)
        return True

    def meanwhile(self) -> None:
        with socket.create_connection(self._address, timeout=5) as publisher:
            publisher.sendall(large_event)
            answer = publisher.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 202"), answer


class EverSending(Crowd):
    """Subscribers that read, and that send whatever they like."""

    size = EVER_SENDING

    def first_words(self, number: int) -> bytes:
        return quiet

    def go_on(self, connection: socket.socket, number: int) -> bool:
        connection.send(large_answer * 200)
        return bool(connection.recv(65_536))


class HalfClosed(Crowd):
    """Subscribers that have said that they send no more, and read on.

    Attributes:
        events: How many events have come, to all of them together.
    """

    size = HALF_CLOSED

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.events = 0

    def first_words(self, number: int) -> bytes:
        return flood

    def come(self, number: int) -> socket.socket:
        connection = super().come(number)
        connection.shutdown(socket.SHUT_WR)
        return connection

    def go_on(self, connection: socket.socket, number: int) -> bool:
        while data := connection.recv(1 << 20):
            self.events += data.count(b"data:")
        return False


@contextlib.contextmanager
def server() -> Iterator[tuple[int, psutil.Process, Callable[[], str]]]:
    """A process that serves.

    Yields:
        Its port, the process, and a function that ends the process and returns all that it has logged.
    """
    command = [sys.executable, "-m", "sse_demo", "serve", "--port", "0", "-v"]
    command += ["--heartbeat", str(HEARTBEAT)]
    for setting in (f"request_timeout={REQUEST_TIMEOUT}", f"max_stall={MAX_STALL}", f"log_bytes={LOG_BYTES}"):
        command += ["--set", setting]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())[1])

        def text() -> str:
            process.terminate()
            process.wait(10)
            log.seek(0)
            return log.read()

        try:
            yield port, psutil.Process(process.pid), text
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def health(port: int) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        return json.load(answer)


def at_rest(port: int, process: psutil.Process, within: float = 20.0) -> dict:
    """The health of the server, and its open sockets, once every client has left or ``within`` seconds have passed."""
    deadline = time.monotonic() + within
    while True:
        state = health(port) | {"sockets": sum(one.status != psutil.CONN_LISTEN for one in process.net_connections())}
        if not (state["connections"] or state["sockets"]) or time.monotonic() > deadline:
            return state
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed: {options.seed}")
    with server() as (port, process, text):
        fuzz(port, 1_000, options.seed)  # so that what it needs once is there
        at_rest(port, process)
        before = process.memory_info().rss
        prepared = examples(options.requests, options.seed + 1)  # which takes long, and would keep the others waiting
        with SlowSenders(port) as slow, NeverReading(port) as deaf, EverSending(port) as loud, HalfClosed(port) as half:
            thrown = throw_all(port, prepared)
        state = at_rest(port, process)
        grown = process.memory_info().rss - before
        log = text()
    answers = ", ".join(f"{count} {status}" for status, count in sorted(thrown.statuses.items()))
    print(f"thrown: {thrown.count:,} requests, {thrown.bytes / 2**20:.0f} MiB, in {thrown.seconds:.0f} s")
    print(f"answers: {answers}")
    print(f"slow: {SLOW_SENDERS} at a time, {slow.cut_off:,} were cut off")
    print(f"never reading: {NEVER_READING} at a time, {deaf.cut_off:,} were cut off, {len(deaf.spared)} never")
    print(f"ever sending: {EVER_SENDING} at a time, {loud.cut_off:,} were cut off, {len(loud.spared)} never")
    print(f"half-closed: {HALF_CLOSED} at a time, {half.events:,} events read, {half.cut_off:,} were cut off")
    print(f"left: {state}, memory {grown / 2**20:+.1f} MiB of {before / 2**20:.0f}")
    print(f"log: {len(log.splitlines()):,} lines, {log.count('Traceback')} tracebacks")
    for match in list(re.finditer(r"Traceback(?:.*\n)+?\S*Error.*", log))[:2]:
        print(match[0])


if __name__ == "__main__":
    main()
