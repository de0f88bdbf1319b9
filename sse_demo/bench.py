"""What a delivery costs: many subscribers on one server, next to a bare loop of ``socket.send``.

The server under test is a process of its own, on a core of its own where the system lets us choose. All the
subscribers are raw sockets in this process, so that it can keep up with any server. Events are published over HTTP,
the next one when everybody has the one before: each delivery is then one event for one socket, for every server alike.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from statistics import median, quantiles

import psutil

CONNECTING = 50  # connections that are being made at the same time
START_WITHIN = 20.0  # seconds for a server to accept connections
STOP_WITHIN = 10.0  # seconds for it to end, before it is killed
_NUMBERED = re.compile(rb"data: ?(\d+) (\d+) ")

Progress = Callable[[int], object]  # called with the number of steps that are done since the last call


@dataclass(frozen=True)
class Target:
    """A server to be measured: the command that starts it on a port, and its two addresses."""

    name: str
    command: Callable[[int], list[str]]
    subscribe: str
    publish: str


@dataclass(frozen=True)
class Result:
    """What one run has measured, in the units that the names say. Memory is resident, beyond the idle server's."""

    delivered: int
    lost: int
    disordered: int
    deliveries_per_second: float
    cpu_us_per_delivery: float
    memory_kb_per_connection: float
    p50_ms: float
    p99_ms: float


def _own_server(port: int) -> list[str]:
    return [sys.executable, "-m", "sse_demo", "serve", "--port", str(port)]


def _bare_loop(port: int) -> list[str]:
    return [sys.executable, "-m", "sse_demo.bench", str(port)]


SSE_DEMO = Target("sse_demo", _own_server, "/events?topic=load", "/events?topic=load")
BARE_LOOP = Target("bare send loop", _bare_loop, "/", "/")


def measure(
    target: Target, subscribers: int, events: int, size: int, *, progress: Progress = lambda steps: None
) -> Result:
    """Start the target, connect the subscribers, publish the events, and stop it again.

    ``size`` is the number of bytes of data in an event. ``progress`` is told ``subscribers - 1 + events`` steps in all.

    Raises ``RuntimeError`` where the server does not start or ends early, ``TimeoutError`` where it goes silent.
    """
    allow_files(subscribers + 100)
    with started(target) as (process, port), contextlib.closing(Subscribers(port, target)) as load:
        load.connect(1)
        load.warm_up()  # what a server loads at its first request is not the cost of a connection
        memory = resident_memory(process)
        load.connect(subscribers - 1, progress)
        memory = resident_memory(process) - memory
        load.warm_up()
        cpu, begin = cpu_time(process), time.perf_counter()
        for number in range(events):
            load.publish_and_wait(number, size)
            progress(1)
        cpu, wall = cpu_time(process) - cpu, time.perf_counter() - begin
        return load.result(events, wall, cpu, memory)


def table(results: dict[str, list[Result]]) -> str:
    """The medians of each target, one column each, and how many times the first is of the second."""
    medians = {name: median_of(rounds) for name, rounds in results.items()}
    ours, bare = medians.values()
    lines = [("", *medians, "ratio")]
    for text, name, pattern in [
        ("deliveries a second", "deliveries_per_second", ",.0f"),
        ("CPU of the server, µs a delivery", "cpu_us_per_delivery", ".2f"),
        ("publish to receive, p50, ms", "p50_ms", ".2f"),
        ("publish to receive, p99, ms", "p99_ms", ".2f"),
        ("memory, KB a connection", "memory_kb_per_connection", ".1f"),
        ("lost", "lost", ",.0f"),
        ("out of order", "disordered", ",.0f"),
    ]:
        a, b = getattr(ours, name), getattr(bare, name)
        comparable = b and name != "memory_kb_per_connection"  # the bare loop keeps nothing but a socket
        lines.append((text, format(a, pattern), format(b, pattern), f"{a / b:.2f}" if comparable else ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def median_of(results: list[Result]) -> Result:
    """The median of each figure."""
    return Result(**{field.name: median(getattr(result, field.name) for result in results) for field in fields(Result)})


class Subscribers:
    """Many event streams of one server, read by one selector, and one connection that publishes."""

    timeout = 60.0  # seconds without a single byte

    def __init__(self, port: int, target: Target):
        self._address = ("127.0.0.1", port)
        self._target = target
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._silent: list[socket.socket] = []
        self._rest: list[bytes] = []  # of each: what follows the last whole event
        self._next: list[int] = []  # of each: the number of the event that is due
        self._arrived = 0
        self._disordered = 0
        self.latencies = array("d")
        self._publisher = socket.create_connection(self._address)
        self._publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._publisher.settimeout(self.timeout)

    def connect(self, count: int, progress: Progress = lambda steps: None) -> None:
        """Open so many streams, a few at a time."""
        request = f"GET {self._target.subscribe} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
        end = len(self._sockets) + count
        while len(self._sockets) < end:
            window = [socket.create_connection(self._address) for _ in range(min(CONNECTING, end - len(self._sockets)))]
            for stream in window:
                stream.sendall(request.encode())
            for stream in window:
                stream.settimeout(self.timeout)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += _receive(stream)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"{self._target.name} answered {head[:100]!r}")
                stream.setblocking(False)
                self._selector.register(stream, selectors.EVENT_READ, len(self._sockets))
                self._sockets.append(stream)
                self._rest.append(b"")
                self._next.append(0)
            progress(len(window))

    def ignore(self, count: int) -> None:
        """The last of them will never read another byte."""
        self._silent += self._sockets[-count:]
        for stream in self._sockets[-count:]:
            self._selector.unregister(stream)
        del self._sockets[-count:]

    def warm_up(self) -> None:
        """Publish until everybody has received something: only then are all of them subscribed for sure."""
        waiting = set(range(len(self._sockets)))
        while waiting:
            self._publish(b"ready")
            self._read_answer()
            while ready := self._selector.select(timeout=0.5):
                for key, _ in ready:
                    _receive(key.fileobj)
                    waiting.discard(key.data)

    def publish_and_wait(self, number: int, size: int) -> None:
        """Publish one event and read until it has reached everybody."""
        self._publish(f"{number} {time.perf_counter_ns()} ".ljust(size, "x").encode())
        missing = len(self._sockets)
        while missing:
            ready = self._selector.select(self.timeout)
            if not ready:
                raise TimeoutError(f"{self._target.name}: {missing} have not received event {number}")
            for key, _ in ready:
                missing -= self._read(key.fileobj, key.data)
        self._read_answer()

    def result(self, events: int, wall: float, cpu: float, memory: float) -> Result:
        due = events * len(self._sockets)
        latency = quantiles(self.latencies, n=100)
        return Result(
            delivered=self._arrived,
            lost=due - self._arrived,
            disordered=self._disordered,
            deliveries_per_second=self._arrived / wall,
            cpu_us_per_delivery=cpu / due * 1e6,
            memory_kb_per_connection=memory / (len(self._sockets) - 1) / 1024,
            p50_ms=latency[49],
            p99_ms=latency[98],
        )

    def close(self) -> None:
        self._selector.close()
        for stream in [*self._sockets, *self._silent, self._publisher]:
            stream.close()

    def _read(self, stream: socket.socket, index: int) -> int:
        data = self._rest[index] + _receive(stream)
        now = time.perf_counter_ns()
        end = max(data.rfind(blank) + len(blank) if blank in data else 0 for blank in (b"\n\n", b"\r\n\r\n"))
        count = 0
        for match in _NUMBERED.finditer(data, 0, end):
            number, sent = int(match[1]), int(match[2])
            self._disordered += number != self._next[index]
            self._next[index] = number + 1
            self.latencies.append((now - sent) / 1e6)
            count += 1
        self._arrived += count
        self._rest[index] = data[end:]
        return count

    def _publish(self, data: bytes) -> None:
        head = f"POST {self._target.publish} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
        self._publisher.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    def _read_answer(self) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _receive(self._publisher)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{self._target.name} answered {answer[:200]!r}")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        chunked = re.search(rb"(?i)transfer-encoding: *chunked", head)
        while len(body) < int(length[1]) if length else chunked and not body.endswith(b"0\r\n\r\n"):
            body += _receive(self._publisher)


def _receive(stream: socket.socket) -> bytes:
    data = stream.recv(65536)
    if not data:
        raise RuntimeError("the server has closed a connection")
    return data


@contextlib.contextmanager
def started(target: Target) -> Iterator[tuple[psutil.Process, int]]:
    """The target's process, and the port on which it accepts connections.

    It has the first core, and this process the last, where there are two and the system lets us choose.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with contextlib.ExitStack() as at_the_end:
        errors = at_the_end.enter_context(tempfile.TemporaryFile())
        cores = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else []
        if cores:
            at_the_end.callback(psutil.Process().cpu_affinity, cores)
            psutil.Process().cpu_affinity(cores[:1])  # which the child inherits
        process = at_the_end.enter_context(
            subprocess.Popen(target.command(port), stdout=subprocess.DEVNULL, stderr=errors)
        )
        at_the_end.callback(_terminate, process)
        if cores:
            psutil.Process().cpu_affinity(cores[-1:])
        deadline = time.monotonic() + START_WITHIN
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                errors.seek(0)
                said = errors.read()[-1000:].decode(errors="replace")
                raise RuntimeError(f"{target.name} does not start: {' '.join(target.command(port))}\n{said}")
            time.sleep(0.02)
        yield psutil.Process(process.pid), port


def _terminate(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()


def cpu_time(process: psutil.Process) -> float:
    """Seconds of CPU of a process and its children."""
    return sum(_cpu_time(one) for one in [process, *process.children(recursive=True)])


def _cpu_time(process: psutil.Process) -> float:
    if sys.platform == "linux":  # the clock of a process, in nanoseconds: psutil has hundredths of a second
        return time.clock_gettime(~process.pid << 3 | 2)
    return sum(process.cpu_times()[:2])


def resident_memory(process: psutil.Process) -> int:
    """Bytes of resident memory of a process and its children."""
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


def allow_files(count: int) -> None:
    """Many systems allow a process 1,024 open files unless it asks for more, and a connection is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        with contextlib.suppress(OSError, ValueError):  # macOS says "unlimited" and does not mean it
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard) if hard > 0 else count, hard))


def run_bare_loop(port: int) -> None:
    """The least that a server in Python can do: for each event, ``send`` the same bytes to one socket after the other.

    It does not notice who leaves, and a socket that is full loses the event.
    """
    allow_files(1 << 20)
    streams: list[socket.socket] = []
    waiting = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    waiting.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            connection = key.fileobj
            if connection is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting.register(connection, selectors.EVENT_READ)
                continue
            request = connection.recv(65536)
            if request.startswith(b"GET"):
                waiting.unregister(connection)
                connection.setblocking(False)
                connection.send(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                streams.append(connection)
            elif request:
                event = b"data: %b\n\n" % request.partition(b"\r\n\r\n")[2]
                chunk = b"%x\r\n%b\r\n" % (len(event), event)
                for stream in streams:
                    stream.send(chunk)
                connection.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            else:
                waiting.unregister(connection)
                connection.close()


if __name__ == "__main__":
    run_bare_loop(int(sys.argv[1]))
