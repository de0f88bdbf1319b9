"""What a small request costs, next to a bare Tornado handler and to what people would otherwise choose.

    pip install -r tests/benchmarks/requirements.txt
    python tests/benchmarks/requests.py [--rounds 7] [--only sse_demo gin] [--before FOLDER] [--write]

Each server is a process on one core, with all its clients on another one. In each round all servers are started, and
each figure is measured with one server after the other, so that what slows the machine down for a while slows all of
them. Each server first does as much as is measured afterwards. The table has the medians, and in brackets the medians
of each round's ratio to bare Tornado. What costs time is given as CPU time of the server. Gin and nchan are measured
where Debian's packages golang-go, golang-github-gin-gonic-gin-dev, nginx and libnginx-mod-nchan are installed.
``--before`` measures another copy of the project, too, such as ``git worktree add FOLDER COMMIT`` makes. ``--write``
puts the table into sse_demo/README.md.
"""

import argparse
import contextlib
import datetime
import json
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import tornado
from compare import put_into_readme
from peers import HERE, PEERS
from tqdm import tqdm

from sse_demo.bench import SSE_DEMO, Subscribers, Target, resident_memory, started
from sse_demo.bench.process import cpu_time
from sse_demo.web.open_files import allow_files

OTHERS = ("aiohttp-sse", "gin", "nchan")
LISTENERS = 10  # subscribers of a publication that somebody listens to
DRAIN_EVERY = 100  # events, before what has come is read
LINES = 100  # events in a batch
SIZE = 100  # bytes of data in an event
BEGIN, END = "<!-- requests -->\n", "<!-- end of requests -->"
GONE_WITHIN = 10.0  # seconds for a server to notice that its clients have left

BARE_TORNADO = Target(
    "bare Tornado", lambda port: [sys.executable, str(HERE / "tornado_app.py"), str(port)], "/events", "/events"
)


@dataclass(frozen=True)
class Load:
    """How much is done for one figure in one round."""

    publications: int
    batches: int
    streams: int
    subscribers: int


@dataclass(frozen=True)
class Running:
    """A server under test."""

    target: Target
    process: psutil.Process
    port: int

    def cpu(self) -> float:
        """Microseconds of CPU time that it has taken."""
        return cpu_time(self.process) * 1e6

    def connection(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port))

    def open_files(self) -> int:
        """How many files it has open, sockets included."""
        return sum(one.num_fds() for one in [self.process, *self.process.children(recursive=True)])

    def wait_until_left(self, files: int) -> None:
        """Wait until it has no more files open than this: it has noticed that its clients have left."""
        deadline = time.monotonic() + GONE_WITHIN
        while self.open_files() > files:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.target.name} has {self.open_files()} files open, and should have {files}")
            time.sleep(0.01)

    @contextlib.contextmanager
    def clients(self, streams: int) -> Iterator[Subscribers]:
        """A publisher on a connection that is kept, and streams that have had an event."""
        files = self.open_files()
        with contextlib.closing(Subscribers(self.port, self.target)) as clients:
            clients.connect(streams)
            clients.warm_up()
            yield clients
        self.wait_until_left(files)


def kilobytes(server: Running, load: Load) -> float:
    """Resident memory for each of many subscribers that connect in one moment."""
    with server.clients(1):
        files, before = server.open_files(), resident_memory(server.process)
        request = f"GET {server.target.subscribe} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
        streams = [server.connection() for _ in range(load.subscribers)]
        for stream in streams:
            stream.sendall(request.encode())
        for stream in streams:
            head = b""
            while b"\r\n\r\n" not in head:
                head += received(stream, server)
        settle(server)
        grown = resident_memory(server.process) - before
        for stream in streams:
            stream.close()
        server.wait_until_left(files)
    return grown / load.subscribers / 1024


def publication(server: Running, load: Load) -> float:
    """A publication over a connection that is kept, where nobody listens."""
    return event_for(0, server, load)


def event_for_some(server: Running, load: Load) -> float:
    """A publication, and its delivery."""
    return event_for(LISTENERS, server, load)


def event_for(listeners: int, server: Running, load: Load) -> float:
    """A publication when a server has the one before off its hands, or nearly so.

    A publisher goes on when it has its answer, and does not wait until everybody has the event. If it did, a server
    that answers first and delivers then would fall asleep each time, and be charged for waking up.
    """
    request = post(server, "text/plain", "x" * SIZE)
    with server.clients(listeners) as clients, server.connection() as publisher:

        def publish(count: int) -> None:
            for number in range(count):
                if number % DRAIN_EVERY:
                    answer(publisher, request, server)
                else:
                    clients.publish_and_wait(number, SIZE)

        publish(load.publications)  # the first some hundred cost more than all that follow
        before = server.cpu()
        publish(load.publications)
        clients.publish_and_wait(load.publications, SIZE)
        return (server.cpu() - before) / (load.publications + 1)


def opening(server: Running, load: Load) -> float:
    """An event stream, up to its first bytes. Each is opened when the one before is open."""
    with server.clients(load.streams) as clients:
        before = server.cpu()
        for _ in range(load.streams):
            clients.connect(1)
        return (server.cpu() - before) / load.streams


def closing(server: Running, load: Load) -> float:
    """What a server does when the client of a stream leaves."""
    files = server.open_files()
    with contextlib.closing(Subscribers(server.port, server.target, publishers=0)) as clients:
        clients.connect(load.streams)
        settle(server)
        before = server.cpu()
    server.wait_until_left(files)
    settle(server)
    return (server.cpu() - before) / load.streams


def event_in_batch(server: Running, load: Load) -> float | None:
    """An event of many in one request; ``None`` where the server does not take that."""
    line = json.dumps({"data": "x" * SIZE}) + "\n"
    request = post(server, "application/x-ndjson", line * LINES)
    if server.target.publish != SSE_DEMO.publish:
        return None
    with server.connection() as publisher:
        if not answer(publisher, request, server).startswith(b"HTTP/1.1 202"):
            return None
        for _ in range(load.batches):
            answer(publisher, request, server)
        before = server.cpu()
        for _ in range(load.batches):
            answer(publisher, request, server)
        return (server.cpu() - before) / load.batches / LINES


def post(server: Running, content_type: str, body: str) -> bytes:
    head = f"POST {server.target.publish} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def answer(publisher: socket.socket, request: bytes, server: Running) -> bytes:
    """The head of the answer to a request. The answer has a length."""
    publisher.sendall(request)
    head, _, body = received(publisher, server).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += received(publisher, server)
    return head


def received(stream: socket.socket, server: Running) -> bytes:
    data = stream.recv(65536)
    if not data:
        raise RuntimeError(f"{server.target.name} has closed a connection")
    return data


def settle(server: Running) -> None:
    """Wait until the server has done what there is to do: it takes no CPU time."""
    before = -1.0
    while (now := server.cpu()) - before > 1_000:
        before = now
        time.sleep(0.1)


#: The columns of the table, in the order in which they are measured: memory first, in a server that is fresh.
FIGURES: dict[str, Callable[[Running, Load], float | None]] = {
    "KB a subscriber": kilobytes,
    "publication, µs": publication,
    f"event for {LISTENERS}, µs": event_for_some,
    "opening a stream, µs": opening,
    "closing it, µs": closing,
    "event in NDJSON, µs": event_in_batch,
}
Results = dict[str, dict[str, list[float | None]]]  # by the name of the server, and by the figure: one for each round


def earlier(copy: Path) -> Target:
    """The package in another copy of the project."""
    run = f"import runpy, sys; sys.path[0] = {str(copy.resolve())!r}; runpy.run_module('sse_demo', run_name='__main__')"
    command = [sys.executable, "-c", run, "serve", "--port"]
    return Target("before", lambda port: [*command, str(port)], SSE_DEMO.subscribe, SSE_DEMO.publish)


def targets(folder: Path, only: list[str], before: Path | None) -> list[Target]:
    found = [BARE_TORNADO, SSE_DEMO]
    for peer in map(PEERS.__getitem__, OTHERS):
        if peer.command(0, folder) is None:
            print(f"{peer.name} is not installed, and is left out")
            continue
        command = lambda port, peer=peer: peer.command(port, folder)  # noqa: E731  # of this peer
        found.append(Target(peer.name, command, peer.subscribe_path, peer.publish_path))
    chosen = [target for target in found if not only or target.name in only or target is BARE_TORNADO]
    return [*chosen, earlier(before)] if before else chosen


@contextlib.contextmanager
def all_started(measured: list[Target]) -> Iterator[list[Running]]:
    """All servers, each on the first core."""
    with contextlib.ExitStack() as at_the_end:
        servers = []
        for target in measured:
            if hasattr(psutil.Process, "cpu_affinity"):
                psutil.Process().cpu_affinity([])  # any core: the server before has left this process the last one
            servers.append(Running(target, *at_the_end.enter_context(started(target))))
        yield servers


def measure(measured: list[Target], load: Load, rounds: int) -> Results:
    results: Results = {target.name: {figure: [] for figure in FIGURES} for target in measured}
    steps = rounds * len(FIGURES) * len(measured)
    with tqdm(total=steps, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left") as bar:
        for number in range(rounds):
            with all_started(measured) as servers:
                for figure, function in FIGURES.items():
                    for server in servers:
                        bar.set_description(f"round {number + 1} of {rounds}, {figure}, {server.target.name}")
                        results[server.target.name][figure].append(function(server, load))
                        bar.update()
            measured = measured[1:] + measured[:1]  # another one begins
    return results


def markdown(results: Results, load: Load, rounds: int) -> str:
    lines = [f"| server | {' | '.join(FIGURES)} |", f"|---|{'---|' * len(FIGURES)}"]
    for name, figures in results.items():
        cells = [cell(values, results[BARE_TORNADO.name][figure]) for figure, values in figures.items()]
        lines.append(f"| {f'**{name}**' if name == SSE_DEMO.name else name} | {' | '.join(cells)} |")
    lines += [
        "",
        f"CPU time of the server for events of {SIZE} bytes, and in brackets its ratio to bare Tornado: a handler that "
        "sends the same answers, and the event by `socket.send`. A publication comes over a connection that is kept; "
        f"NDJSON has {LINES} events in a request; memory is that of {load.subscribers:,} subscribers who connect in "
        f"one moment. Medians of {rounds} rounds, each server on one core of a machine with {psutil.cpu_count()} "
        f"cores, Python {platform.python_version()}, Tornado {tornado.version}, {datetime.date.today()}.",
    ]
    return "\n".join(lines)


def cell(values: list[float | None], bare: list[float | None]) -> str:
    """The median of a figure, and that of its ratio to bare Tornado in the same round."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    ratios = [value / floor for value, floor in zip(values, bare, strict=True) if value and floor]
    shown = f"{median(known):.0f}" if median(known) >= 100 else f"{median(known):.1f}"
    return f"{shown} ({median(ratios):.2f})" if ratios and values is not bare else shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default, meaning in [
        ("--rounds", 7, "how often each figure is measured"),
        ("--publications", 1_000, "for each figure of a round"),
        ("--batches", 100, f"of {LINES} events, likewise"),
        ("--streams", 300, "that are opened and closed, likewise"),
        ("--subscribers", 1_000, "who connect in one moment"),
    ]:
        parser.add_argument(name, type=int, default=default, help=f"{meaning}; default: {default:,}")
    parser.add_argument("--only", nargs="+", default=[], help="these servers, and bare Tornado; default: all")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="another copy of the project, measured as well")
    parser.add_argument("--write", action="store_true", help="put the table into sse_demo/README.md")
    options = parser.parse_args()
    load = Load(options.publications, options.batches, options.streams, options.subscribers)
    allow_files(4 * options.subscribers + 1_000)
    with tempfile.TemporaryDirectory() as folder:
        results = measure(targets(Path(folder), options.only, options.before), load, options.rounds)
    table = markdown(results, load, options.rounds)
    print(table)
    if options.write:
        put_into_readme(table, BEGIN, END)


if __name__ == "__main__":
    main()
