"""Nothing lost, nothing twice: one client on a bad line, and many clients whose server is killed.

    python tests/benchmarks/exactly_once.py [--rounds 200] [--events 20000] [--kills 10] [--clients 50] [--seed N]

First one stream through a proxy, which gives each of its connections a fault by chance; with the log in memory and in a
file, on a plain connection and with TLS. A flipped bit is one of the faults only with TLS: on a plain connection nobody
could tell. Then a server with its log in a file is killed, again and again, in the middle of its events.
"""

import argparse
import asyncio
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import aiohttp
import trustme
from tqdm import tqdm

from sse_demo import EventSource, listen, serve
from sse_demo.lab.fault_proxy import ENDS, Fault, FaultProxy

PADDING = "x" * 50
BYTES_PER_EVENT = 100  # or more, with the id and the frame
RECONNECTION_TIME = 0.01  # seconds
HEARTBEAT, PATIENCE = 0.04, 0.2  # seconds between signs of life, and without one until a line is given up
GIVE_UP_AFTER = 120.0  # seconds without an event


def through_faults(rounds: int, events: int, seed: int, log: str | None = None, tls: bool = False) -> tuple[float, int]:
    """Follow ``events`` events through ``rounds`` connections with a fault. Returns seconds, and connections made.

    Raises ``AssertionError`` when an event is lost, comes twice, or comes out of order.
    """
    dice = random.Random(seed)
    most = events // rounds * BYTES_PER_EVENT * 3 // 4  # so that each fault strikes before its round has ended
    ends = ENDS if tls else [end for end in ENDS if end != "corrupt"]
    faults = [Fault.any(dice, most, ends) for _ in range(rounds)]
    server_side, client_side = _tls() if tls else (None, None)
    settings = {"heartbeat": HEARTBEAT, "retry": RECONNECTION_TIME, "retry_jitter": 0, "log_events": events}
    with serve(log=log, tls=server_side, **settings) as server:
        with FaultProxy(f"{server.url}/events?topic=load&recent={events}", *faults) as proxy:
            done = threading.Event()

            def publish() -> None:
                for number in range(events):
                    # A round ahead of the connections: some events come live, others while nobody is there.
                    while proxy.connections < min(number * rounds // events, rounds) and not done.wait(0.001):
                        pass
                    server.publish("load", f"{number} {PADDING}")

            publisher = threading.Thread(target=publish, daemon=True)
            publisher.start()
            begin = time.perf_counter()
            watchdog = threading.Timer(GIVE_UP_AFTER, lambda: stream.close())
            watchdog.start()
            with listen(proxy.url, connect_timeout=PATIENCE, read_timeout=PATIENCE, tls=client_side) as stream:
                number = -1
                stream.source.reconnection_time = RECONNECTION_TIME
                for number, event in enumerate(stream):
                    assert event.data == f"{number} {PADDING}", f"{event} is not number {number}; the seed is {seed}"
                    if number == events - 1:
                        break
                else:
                    raise AssertionError(f"no more after {number + 1} events; the seed is {seed}")
            took = time.perf_counter() - begin
            watchdog.cancel()
            done.set()
            publisher.join()
            return took, proxy.connections


def _tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server_side, client_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    authority.configure_trust(client_side)
    return server_side, client_side


async def through_kills(kills: int, clients: int, events: int, folder: str, seed: int, progress=lambda: None) -> float:
    """Follow ``events`` events with many clients while the server is killed again and again. Returns seconds.

    Raises ``AssertionError`` when any of the clients has lost an event, or has one twice or out of order.
    """
    dice = random.Random(seed)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/events?topic=load"
    received: list[list[str]] = [[] for _ in range(clients)]

    async def follow(own: list[str]) -> None:
        async with EventSource(f"{url}&recent={events}") as source:
            source.reconnection_time = 0.05
            async for event in source:
                own.append(event.data)

    async def publish() -> None:
        async with aiohttp.ClientSession() as session:
            for number in range(events):
                headers = {"Content-Type": "text/plain", "Idempotency-Key": str(number)}
                while True:  # the same event until it has been accepted: the key makes it one
                    try:
                        async with session.post(url, data=str(number), headers=headers) as answer:
                            assert answer.status == 202, await answer.text()
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.02)

    begin = time.perf_counter()
    server = await asyncio.to_thread(_start, port, folder)
    try:
        following = [asyncio.create_task(follow(own)) for own in received]
        publishing = asyncio.create_task(publish())
        for kill in range(kills):
            wanted = events * (kill + 1) // (kills + 1) - dice.randrange(events // (kills + 1) // 2)
            while max(map(len, received)) < wanted:
                await asyncio.sleep(0.001)
            server.send_signal(signal.SIGKILL)
            server.wait()
            server.stdout.close()
            server = await asyncio.to_thread(_start, port, folder)
            progress()
        async with asyncio.timeout(GIVE_UP_AFTER):
            await publishing
            while min(map(len, received)) < events:
                await asyncio.sleep(0.01)
        took = time.perf_counter() - begin
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    assert all(own == [str(number) for number in range(events)] for own in received), f"lost or twice; seed {seed}"
    return took


def _start(port: int, folder: str) -> subprocess.Popen:
    options = ["--port", str(port), "--log", str(Path(folder, "events.db")), "--set", "retry=0.05"]
    process = subprocess.Popen([sys.executable, "-m", "sse_demo", "serve", *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline(), "the server does not start"
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in [("rounds", 200), ("events", 20_000), ("kills", 10), ("clients", 50)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        for name, log in [("memory", None), ("file", str(Path(folder, "plain.db")))]:
            for tls in (False, True):
                log = log and log.replace("plain", "tls") if tls else log
                took, connections = through_faults(options.rounds, options.events, options.seed, log, tls)
                print(
                    f"log in {name}, {'TLS' if tls else 'plain'}: {options.events:,} events once each and in order, "
                    f"{connections - 1} reconnects, {took:.1f} s"
                )
        kinds = Counter(Fault.any(dice, 1000).end for _ in range(options.rounds))
        print(f"faults with TLS: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}")
        with tqdm(total=options.kills, desc="kills", leave=False) as bar:
            took = asyncio.run(
                through_kills(options.kills, options.clients, 2000, folder, options.seed, lambda: bar.update())
            )
        print(
            f"{options.kills} kills under {options.clients} clients: 2,000 events each, "
            f"nothing lost, nothing twice, {took:.1f} s"
        )


if __name__ == "__main__":
    main()
