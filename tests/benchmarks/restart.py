"""A restart under 1,000 subscribers: how long until all of them are back and complete, with and without jitter?

    python tests/benchmarks/restart.py [--rounds 3] [--subscribers 1000]

The server keeps its events in a file. It is killed, and started again at once, at the same address. Meanwhile one asks
it for ``/ping``, again and again: how long the slowest answer took is what everybody else feels of the crowd.
"""

import argparse
import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import aiohttp

from sse_demo import EventSource
from sse_demo.web.open_files import allow_files

EVENTS = 20  # published before, and again afterwards


def start(port: int, folder: str, jitter: float) -> subprocess.Popen:
    options = ["--port", str(port), "--log", str(Path(folder, "events.db")), "--set", f"retry_jitter={jitter}"]
    process = subprocess.Popen([sys.executable, "-m", "sse_demo", "serve", *options], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


async def follow(url: str, received: list[str]) -> None:
    async with EventSource(url) as source:
        async for event in source:
            received.append(event.data)


async def publish(session: aiohttp.ClientSession, url: str, numbers: range) -> None:
    for number in numbers:
        async with session.post(url, data=str(number), headers={"Content-Type": "text/plain"}) as answer:
            assert answer.status == 202


async def slowest_ping(session: aiohttp.ClientSession, url: str) -> float:
    """Until it is cancelled. Seconds of the slowest answer."""
    slowest = 0.0
    try:
        while True:
            begin = time.perf_counter()
            async with session.get(f"{url}/ping") as answer:
                await answer.read()
            slowest = max(slowest, time.perf_counter() - begin)
            await asyncio.sleep(0.005)
    except asyncio.CancelledError:
        return slowest


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def run(count: int, jitter: float) -> tuple[float, float]:
    """Seconds from the kill until everybody is complete, and seconds of the slowest ping after it."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        url, topic = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/events?topic=load&recent={2 * EVENTS}"
        process = start(port, folder, jitter)
        received: list[list[str]] = [[] for _ in range(count)]
        tasks = [asyncio.create_task(follow(topic, own)) for own in received]
        async with aiohttp.ClientSession() as session:
            await publish(session, topic, range(EVENTS))
        await until(lambda: all(len(own) == EVENTS for own in received))
        begin = time.perf_counter()
        process.kill()
        process.wait()
        process.stdout.close()
        process = start(port, folder, jitter)
        async with aiohttp.ClientSession() as session:
            pinging = asyncio.create_task(slowest_ping(session, url))
            await publish(session, topic, range(EVENTS, 2 * EVENTS))
            await until(lambda: all(len(own) == 2 * EVENTS for own in received))
            took = time.perf_counter() - begin
            pinging.cancel()
            slowest = await pinging
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        process.kill()
        process.wait()
        process.stdout.close()
    wanted = [str(number) for number in range(2 * EVENTS)]
    assert all(own == wanted for own in received), "something was lost, or came twice"
    return took, slowest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subscribers", type=int, default=1000)
    options = parser.parse_args()
    allow_files(2 * options.subscribers + 100)
    results: dict[float, list[tuple[float, float]]] = {0.0: [], 0.5: []}
    for _ in range(options.rounds):
        for jitter, rounds in results.items():
            rounds.append(asyncio.run(run(options.subscribers, jitter)))
    for jitter, rounds in results.items():
        took, slowest = (median(column) for column in zip(*rounds, strict=True))
        print(
            f"{'with' if jitter else 'without'} jitter: all {options.subscribers:,} back and complete {took:.2f} s "
            f"after the kill, slowest ping {slowest * 1000:.0f} ms (medians of {options.rounds})"
        )


if __name__ == "__main__":
    main()
