"""What it costs to know who asks: opening a stream, and a publication, with each kind of credential and without any.

    python tests/benchmarks/access.py [--rounds 7] [--only HS256 session]

Two servers run on one core, one without access control and one with it, and the clients on another core. In each round
each figure is measured with one credential after the other, so that what slows the machine down for a while slows all
of them. The table has the CPU time of the server: medians of all rounds, and in brackets the medians of each round's
ratio to the server without access control. A token is "new" where the server sees it for the first time, and has to
check its signature. With a ticket, and with nothing, streams are opened and nothing is published. The last table has
what a publication to many listeners costs beyond one to nobody, for each listener.
"""

import argparse
import contextlib
import datetime
import gc
import json
import math
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
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from requests import Running, answer, received, settle
from tqdm import tqdm

from sse_demo import Access, Issuer, pem_key, secret_key, serve
from sse_demo.bench import Target, started
from sse_demo.web.access.identity import Rights
from sse_demo.web.access.keys import Key
from sse_demo.web.access.signing import sign_token
from sse_demo.web.open_files import allow_files

AUDIENCE, TOPIC, BODY = "benchmark", "a", "x" * 100
ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")  # each has an issuer of its own
RIGHTS = Rights(subscribe=(TOPIC,), publish=(TOPIC,))
KINDS = ["anonymous", *[f"{name}{age}" for name in ALGORITHMS for age in ("", ", new")], "session", "ticket"]
WITHOUT = "without access control"


def new_keys(folder: Path) -> None:
    """Keys of the issuers, for the server as well."""
    private = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
    for name, key in (private | {"EdDSA": ed25519.Ed25519PrivateKey.generate()}).items():
        (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def key_of(algorithm: str, folder: Path) -> Key:
    return secret_key(b"benchmark" * 4) if algorithm == "HS256" else pem_key((folder / algorithm).read_bytes())


def run_server(port: int, folder: str) -> None:
    """The server under test: with access control where there is a folder with keys."""
    access = None
    if folder:
        issuers = [Issuer(name=name, audience=AUDIENCE, keys=key_of(name, Path(folder))) for name in ALGORITHMS]
        access = Access(issuers=issuers, anonymous=[TOPIC])
    unlimited = {"max_streams_per_subject": math.inf, "max_streams_per_address": math.inf}
    with serve(port, access=access, demo=False, max_connections=math.inf, **unlimited) as server:
        server.join()


@dataclass(frozen=True)
class Load:
    """How much is done for one figure in one round."""

    streams: int
    publications: int
    listeners: int


class Credentials:
    """Makes the credentials of one kind, as many as are needed, before anything is measured."""

    def __init__(self, kind: str, server: Running, folder: Path) -> None:
        self.kind, self._server = kind, server
        self._key = key_of(algorithm, folder) if (algorithm := kind.split(",")[0]) in ALGORITHMS else None
        self._token = self._new_token() if self._key else sign(key_of("HS256", folder), "HS256")

    def _new_token(self) -> str:
        assert self._key is not None
        return sign(self._key, self.kind.split(",")[0])

    def opening(self, count: int) -> list[bytes]:
        """Requests, each of which opens a stream."""
        if self.kind == "ticket":
            with self._server.connection() as connection:
                tickets = [self._ticket(connection) for _ in range(count)]
            return [request(f"GET /events?topic={TOPIC}&ticket={ticket}") for ticket in tickets]
        return [request(f"GET /events?topic={TOPIC}", header) for header in self._headers(count)]

    def publishing(self, count: int) -> list[bytes] | None:
        """Requests, each of which publishes; ``None`` where this kind cannot."""
        if self.kind in ("ticket", "anonymous"):
            return None
        return [request(f"POST /events?topic={TOPIC}", header, BODY) for header in self._headers(count)]

    def _headers(self, count: int) -> list[str]:
        if self.kind in (WITHOUT, "anonymous"):
            return [""] * count
        if self.kind == "session":
            return [f"Cookie: {self._cookie()}\r\n"] * count
        tokens = [self._new_token() for _ in range(count)] if self.kind.endswith(", new") else [self._token] * count
        return [f"Authorization: Bearer {token}\r\n" for token in tokens]

    def _cookie(self) -> str:
        with self._server.connection() as connection:
            head = answer(
                connection, request("POST /session", f"Authorization: Bearer {self._token}\r\n"), self._server
            )
        line = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"set-cookie:"))
        return line.split(b":", 1)[1].split(b";")[0].strip().decode()

    def _ticket(self, connection: socket.socket) -> str:
        connection.sendall(request(f"POST /tickets?topic={TOPIC}", f"Authorization: Bearer {self._token}\r\n"))
        reply = received(connection, self._server)
        while not reply.endswith(b"}"):
            reply += received(connection, self._server)
        return str(json.loads(reply.partition(b"\r\n\r\n")[2])["ticket"])


def sign(key: Key, issuer: str) -> str:
    return sign_token(key, issuer=issuer, audience=AUDIENCE, subject="ann", rights=RIGHTS, expires_in=80_000)


def request(start: str, header: str = "", body: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if start.startswith("POST") else ""
    return f"{start} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}{length}\r\n{body}".encode()


@contextlib.contextmanager
def open_streams(requests: list[bytes], server: Running) -> Iterator[list[socket.socket]]:
    """Open a stream with each request, one after the other, and close them all at the end."""
    files, streams = server.open_files(), []
    try:
        for one in requests:
            stream = server.connection()
            streams.append(stream)
            stream.sendall(one)
            head = received(stream, server)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{server.target.name} answered {head[:200]!r} to {one[:60]!r}")
        yield streams
    finally:
        for stream in streams:
            stream.close()
        server.wait_until_left(files)


def opening(credentials: Credentials, server: Running, load: Load) -> float:
    """Microseconds for a stream, up to its first bytes."""
    requests = credentials.opening(load.streams)
    settle(server)
    before = server.cpu()
    with open_streams(requests, server):
        settle(server)
        return (server.cpu() - before) / load.streams


def publication(credentials: Credentials, server: Running, load: Load) -> float | None:
    """Microseconds for a publication over a connection that is kept, where nobody listens."""
    requests = credentials.publishing(load.publications)
    return None if requests is None else publishing(requests, server)


def publishing(requests: list[bytes], server: Running) -> float:
    with server.connection() as publisher:
        settle(server)
        before = server.cpu()
        for one in requests:
            head = answer(publisher, one, server)
            if not head.startswith(b"HTTP/1.1 202"):
                raise RuntimeError(f"{server.target.name} answered {head[:200]!r}")
        settle(server)
        return (server.cpu() - before) / len(requests)


def delivery(credentials: Credentials, server: Running, load: Load) -> float:
    """Microseconds for each listener of a publication, beyond what the publication itself takes."""
    requests = credentials.publishing(load.publications // 5)
    assert requests is not None
    alone = publishing(requests, server)
    with open_streams(credentials.opening(load.listeners), server) as streams:
        for stream in streams:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        settle(server)
        return (publishing(requests, server) - alone) / load.listeners


FIGURES: dict[str, Callable[[Credentials, Running, Load], float | None]] = {
    "opening a stream, µs": opening,
    "publication, µs": publication,
}
DELIVERIES = (WITHOUT, "HS256", "session")
Results = dict[tuple[str, str], list[float | None]]  # by the kind and the figure: one for each round


def measure(kinds: list[str], load: Load, rounds: int, folder: Path) -> Results:
    results: Results = {}
    steps = [(kind, name, figure) for name, figure in FIGURES.items() for kind in kinds]
    steps += [(kind, "delivery, µs", delivery) for kind in DELIVERIES]
    with (
        running("", "sse_demo") as without,
        running(str(folder), "sse_demo with access") as guarded,
        tqdm(
            total=(rounds + 1) * len(steps), bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
        ) as bar,
    ):
        gc.disable()  # of this process, whose pauses are none of the servers'
        for number in range(rounds + 1):
            for kind, name, figure in steps:
                bar.set_description(f"{f'round {number} of {rounds}' if number else 'warming up'}, {name}, {kind}")
                server = without if kind == WITHOUT else guarded
                value = figure(Credentials(kind, server, folder), server, load)
                if number:
                    results.setdefault((kind, name), []).append(value)
                bar.update()
            steps = steps[1:] + steps[:1]  # another one begins
            gc.collect()
        gc.enable()
    return results


@contextlib.contextmanager
def running(folder: str, name: str) -> Iterator[Running]:
    """A server, on the first core."""
    if hasattr(psutil.Process, "cpu_affinity"):
        psutil.Process().cpu_affinity([])  # any core: the server before has left this process the last one
    command = [sys.executable, __file__, "--server", folder]
    with started(Target(name, lambda port: [*command, str(port)], "/events", "/events")) as (process, port):
        yield Running(Target(name, lambda port: [], "", ""), process, port)


def markdown(results: Results, kinds: list[str], load: Load, rounds: int) -> str:
    lines = [f"| credential | {' | '.join(FIGURES)} |", f"|---|{'---|' * len(FIGURES)}"]
    for kind in kinds:
        cells = [cell(results[kind, name], results[WITHOUT, name]) for name in FIGURES]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    lines += ["", f"| a delivery, each of {load.listeners} | µs |", "|---|---|"]
    lines += [
        f"| {kind} | {cell(results[kind, n], results[WITHOUT, n])} |" for n in ["delivery, µs"] for kind in DELIVERIES
    ]
    lines += [
        "",
        f"CPU time of the server, and in brackets its ratio to the server without access control. Medians of {rounds} "
        f"rounds of {load.streams:,} streams and {load.publications:,} publications on one core of a machine with "
        f"{psutil.cpu_count()} cores, Python {platform.python_version()}, {datetime.date.today()}.",
    ]
    return "\n".join(lines)


def cell(values: list[float | None], floor: list[float | None]) -> str:
    """The median, and that of the ratio to the server without access control in the same round."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    shown = f"{median(known):.0f}" if median(known) >= 10 else f"{median(known):.2f}"
    ratios = [value / least for value, least in zip(values, floor, strict=True) if value and least]
    return shown if values is floor else f"{shown} ({median(ratios):.2f})"


def main() -> None:
    if sys.argv[1:2] == ["--server"]:
        return run_server(int(sys.argv[3]), sys.argv[2])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default, meaning in [
        ("--rounds", 7, "how often each figure is measured"),
        ("--streams", 300, "that are opened for a figure of a round"),
        ("--publications", 1_000, "for a figure of a round"),
        ("--listeners", 200, "of a publication that is delivered"),
    ]:
        parser.add_argument(name, type=int, default=default, help=f"{meaning}; default: {default:,}")
    parser.add_argument(
        "--only", nargs="+", choices=KINDS, default=KINDS, metavar="KIND", help=f"of {', '.join(KINDS)}"
    )
    options = parser.parse_args()
    load = Load(options.streams, options.publications, options.listeners)
    kinds = [WITHOUT, *options.only]
    allow_files(4 * max(load.streams, load.listeners) + 1_000)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        new_keys(Path(folder))
        results = measure(kinds, load, options.rounds, Path(folder))
    print(markdown(results, kinds, load, options.rounds))
    print(f"\n{time.monotonic() - began:.0f} seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
