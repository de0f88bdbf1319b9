"""1,000 streams whose tokens end in the same moment, under load: when is each ended, and what does it cost the others?

    python tests/benchmarks/ends.py [--streams 1000] [--rate 20] [--rounds 3]

A publisher goes on publishing in a process of its own. Half of the clients renew their tokens: they come back after the
time that the server tells them, with a new token and the last id that they have seen, and must have each event once.
The others are not to get a byte after the end. The clients share a process, so what it takes to notice 1,000 ends is
counted, too.
"""

import argparse
import asyncio
import http.client
import multiprocessing
import re
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles

from tqdm import tqdm

from sse_demo.bench.process import Target, started
from sse_demo.web.access.identity import Rights
from sse_demo.web.access.keys import secret_key
from sse_demo.web.access.signing import sign_token
from sse_demo.web.open_files import allow_files

SECRET = "a-secret-that-is-good-for-this-benchmark-alone"
KEY = secret_key(SECRET)
RENEW_BEFORE = 2.0  # seconds
WARM_UP = 1.0  # seconds after all are connected
BEFORE = 5.0  # seconds for which the publisher is measured before anything happens
CONNECTING = 50  # streams at the same time
AN_EVENT = re.compile(rb"id: (\S+)\n[^\0]*?data: (\d+)\n|data: (\d+)\nid: (\S+)\n")
RETRY = re.compile(rb"retry: (\d+)\n")


def token(subject: str, ends: float) -> str:
    rights = Rights(subscribe=("a",), publish=("a",))
    issuer, audience = "benchmark", "streams"
    return sign_token(
        KEY, issuer=issuer, audience=audience, subject=subject, rights=rights, expires_in=ends - time.time()
    )


class Follower:
    """One stream, and what has come of it."""

    def __init__(self, number: int, port: int, ends: float, *, renews: bool) -> None:
        self.subject, self.port, self.renews = f"reader {number}", port, renews
        self.token = token(self.subject, ends)
        self.seen: list[int] = []
        self.last_id = b""
        self.retry = 0.0
        self.told = False
        self.ended_at = 0.0
        self.connected = asyncio.Event()

    async def run(self) -> None:
        await self.follow()
        self.ended_at = time.time()
        if self.renews:
            await asyncio.sleep(self.retry)
            self.token = token(self.subject, time.time() + 600)
            await self.follow()

    async def follow(self) -> None:
        """Read one answer to its end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            resume = b"Last-Event-ID: %b\r\n" % self.last_id if self.last_id else b""
            head = f"GET /events?topic=a HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
            writer.write(head.encode() + resume + b"\r\n")
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            self.connected.set()
            rest = b""
            while data := await reader.read(65536):
                blocks = (rest + data).split(b"\n\n")
                rest = blocks.pop()
                for block in blocks:
                    self.hear(block + b"\n")
            assert rest.endswith(b"0\r\n\r\n"), "the stream was broken off"
        finally:
            writer.close()

    def hear(self, block: bytes) -> None:
        if found := AN_EVENT.search(block):
            self.last_id = found[1] or found[4]
            self.seen.append(int(found[2] or found[3]))
        if found := RETRY.search(block):
            self.retry = int(found[1]) / 1000
        self.told = self.told or b"access-ends" in block


def publish(port: int, bearer: str, rate: float, results: Connection) -> None:
    """Publish numbers until something is sent; then send back when each was published, and how long that took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "text/plain"}
    took: list[tuple[float, float]] = []
    begin = time.perf_counter()
    while not results.poll():
        time.sleep(max(begin + len(took) / rate - time.perf_counter(), 0))
        at, start = time.time(), time.perf_counter()
        connection.request("POST", "/events?topic=a", str(len(took)), headers)
        answer = connection.getresponse()
        assert answer.status == 202, answer.read()
        answer.read()
        took.append((at, time.perf_counter() - start))
    results.send(took)


async def run(port: int, streams: int, rate: float, bar: tqdm) -> dict[str, float]:
    """One round: the figures by name."""
    ends = time.time() + streams / 150 + WARM_UP + BEFORE + RENEW_BEFORE
    followers = [Follower(number, port, ends, renews=number % 2 == 0) for number in range(streams)]
    running = []
    for begin in range(0, streams, CONNECTING):
        window = followers[begin : begin + CONNECTING]
        running += [asyncio.create_task(one.run()) for one in window]
        await asyncio.gather(*(one.connected.wait() for one in window))
        bar.update(len(window))
    connected = time.time()
    assert connected < ends - BEFORE - RENEW_BEFORE, "this machine takes too long to connect them all"
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    bearer = token("publisher", time.time() + 600)
    publisher = multiprocessing.get_context("spawn").Process(target=publish, args=(port, bearer, rate, theirs))
    publisher.start()
    renewing = [one for one in followers if one.renews]
    bar.set_description("until all have ended")
    while not all(one.ended_at for one in followers):
        await asyncio.sleep(0.05)
    bar.set_description("until all are back")
    await asyncio.sleep(max(one.retry for one in followers))
    while not all(one.seen and one.seen[-1] >= max(followers[1].seen) + rate for one in renewing):
        await asyncio.sleep(0.05)
    back = time.time()
    ours.send("enough")
    while not ours.poll():
        await asyncio.sleep(0.01)
    took = ours.recv()
    publisher.join()
    async with asyncio.timeout(30):
        while not all(one.seen[-1] == len(took) - 1 for one in renewing):
            await asyncio.sleep(0.05)
    for task in running:
        task.cancel()
    late = [one.ended_at - ends for one in followers]
    before = [each * 1000 for at, each in took if at < ends - RENEW_BEFORE - 0.1]
    meanwhile = [each * 1000 for at, each in took if ends - 0.1 <= at <= back]
    first_second = [each * 1000 for at, each in took if ends - 0.1 <= at <= ends + 1]
    return {
        "first": min(late),
        "ended": max(late),
        "told": sum(one.told for one in followers),
        "incomplete": sum(one.seen != list(range(one.seen[0], len(took))) for one in renewing),
        "too_much": sum(one.seen != list(range(one.seen[0], one.seen[-1] + 1)) for one in followers if not one.renews),
        "before": median(before),
        "before_p99": quantiles(before, n=100)[98],
        "ends": median(first_second),
        "ends_worst": max(first_second),
        "meanwhile": median(meanwhile),
        "meanwhile_p99": quantiles(meanwhile, n=100)[98],
        "published": len(took),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0, help="events a second (default: 20)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    allow_files(2 * options.streams + 100)
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder, "key")
        key.write_text(SECRET)
        key.chmod(0o600)
        access = ["--access-key-file", str(key), "--issuer", "benchmark", "--audience", "streams"]
        settings = ["--set", f"renew_before={RENEW_BEFORE}", "--set", f"max_connections={2 * options.streams + 10}"]
        command = [sys.executable, "-m", "sse_demo", "serve", *access, *settings, "--port"]
        target = Target("sse_demo", lambda port: [*command, str(port)], "/events?topic=a", "/events?topic=a")
        for number in range(options.rounds):
            with started(target) as (_, port), tqdm(total=options.streams, desc="connecting", leave=False) as bar:
                got = asyncio.run(run(port, options.streams, options.rate, bar))
            print(
                f"round {number + 1}: {options.streams:,} streams told before ({got['told']:,.0f}), and ended "
                f"{got['first']:.2f} to {got['ended']:.2f} s after their token; of those who came back "
                f"{got['incomplete']:.0f} were incomplete, of the others {got['too_much']:.0f}; publishing took "
                f"{got['before']:.1f} ms before (p99 {got['before_p99']:.1f}), {got['ends']:.1f} ms in the second of "
                f"the ends (longest {got['ends_worst']:.1f}), {got['meanwhile']:.1f} ms until all were back "
                f"(p99 {got['meanwhile_p99']:.1f}); {got['published']:.0f} events",
                flush=True,
            )
            assert got["ended"] < 1.0, "a stream has outlived its token by a second"
            assert got["told"] == options.streams
            assert got["incomplete"] == got["too_much"] == 0


if __name__ == "__main__":
    main()
