"""One topic, many subscribers: is everything delivered, in order, and what does it cost the server?

    python tests/benchmarks/fan_out.py [--subscribers 1000] [--events 100] [--size 100]

The server is a process of its own, and so is this one with all the subscribers, each a real ``EventSource``. Events are
published over HTTP, one after the other. The CPU time is the server's, from the first publish to the last delivery.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time

import aiohttp
import psutil

from sse_demo import EventSource


def allow_files(count):
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


async def subscribe(url, events, received, ready):
    async with EventSource(url) as source:
        async for event in source:
            if event.data == "ready":
                ready.release()
                continue
            received.append(int(event.data.split()[0]))
            if len(received) == events:
                return


async def post(session, url, data):
    async with session.post(url, data=data, headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 202, await answer.text()


async def run(url, server, options):
    topic = f"{url}/events?topic=load"
    before = server.memory_info().rss
    received = [[] for _ in range(options.subscribers)]
    ready = asyncio.Semaphore(0)
    async with aiohttp.ClientSession() as session:
        tasks = [asyncio.create_task(subscribe(topic, options.events, seen, ready)) for seen in received]
        while True:  # until all are connected
            async with session.get(f"{url}/health") as answer:
                if (await answer.json())["subscribers"] == options.subscribers:
                    break
            await asyncio.sleep(0.05)
        await post(session, topic, "ready")
        for _ in tasks:
            await ready.acquire()
        memory = server.memory_info().rss - before
        cpu, start = sum(server.cpu_times()[:2]), time.perf_counter()
        for seq in range(options.events):
            await post(session, topic, f"{seq} ".ljust(options.size, "x"))
        await asyncio.wait(tasks, timeout=options.timeout)
        wall, cpu = time.perf_counter() - start, sum(server.cpu_times()[:2]) - cpu
    deliveries = options.subscribers * options.events
    delivered = sum(len(seen) for seen in received)
    in_order = sum(seen == sorted(seen) for seen in received)
    result = {
        "subscribers": options.subscribers,
        "events": options.events,
        "delivered": delivered,
        "lost": deliveries - delivered,
        "subscribers that got them in order": in_order,
        "seconds": round(wall, 2),
        "server CPU, µs a delivery": round(cpu / deliveries * 1e6, 2),
        "server memory, KB a connection": round(memory / options.subscribers / 1024, 1),
    }
    print(json.dumps(result, indent=2, ensure_ascii=False))
    return delivered == deliveries and in_order == options.subscribers


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--size", type=int, default=100, help="bytes of data (default: 100)")
    parser.add_argument(
        "--timeout", type=float, default=120, help="seconds to wait for the last delivery (default: 120)"
    )
    options = parser.parse_args()
    allow_files(options.subscribers + 100)
    command = [sys.executable, "-m", "sse_demo", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://[^/ ]+", process.stdout.readline())[0]
        try:
            complete = asyncio.run(run(url, psutil.Process(process.pid), options))
        finally:
            process.terminate()
    sys.exit(not complete)


if __name__ == "__main__":
    main()
