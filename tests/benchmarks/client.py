"""How fast the client is next to httpx with httpx-sse: the same stream over a socket, in turn, in one run.

    python tests/benchmarks/client.py [--events 100000] [--rounds 5]

A bare process sends small events as fast as they are read, each in a chunk of its own, as servers do, and ten to
a chunk. Prints the median time for each event and the median of the ratios, round by round.
"""

import argparse
import asyncio
import json
import multiprocessing
import socket
import time
from statistics import median

import httpx
import httpx_sse

from sse_demo import EventSource, listen

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def send(listener: socket.socket, count: int, together: int) -> None:
    """To whoever connects, again and again."""
    events = [
        f"event: tick\nid: {number}\ndata: {json.dumps({'n': number, 'price': 123.45})}\n\n".encode()
        for number in range(count)
    ]
    chunks = [b"".join(events[at : at + together]) for at in range(0, count, together)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(HEAD + body)


def ours(url: str, count: int) -> None:
    async def main() -> None:
        left = count
        async with EventSource(url) as source:
            async for _ in source:
                left -= 1
                if not left:
                    return

    asyncio.run(main())


def ours_listen(url: str, count: int) -> None:
    with listen(url) as events:
        for _, _ in zip(range(count), events, strict=False):
            pass


def theirs(url: str, count: int) -> None:
    with httpx.Client(timeout=None) as client, httpx_sse.connect_sse(client, "GET", url) as source:
        assert sum(1 for _ in source.iter_sse()) == count


def theirs_async(url: str, count: int) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(timeout=None) as client, httpx_sse.aconnect_sse(client, "GET", url) as source:
            assert len([event async for event in source.aiter_sse()]) == count

    asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    clients = {"EventSource": ours, "listen": ours_listen, "httpx, sync": theirs, "httpx, async": theirs_async}
    for together in (1, 10):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            sender = multiprocessing.Process(target=send, args=(listener, options.events, together), daemon=True)
            sender.start()
            rounds = []
            for _ in range(options.rounds):
                times = []
                for read in clients.values():
                    start = time.perf_counter()
                    read(url, options.events)
                    times.append(time.perf_counter() - start)
                rounds.append(times)
            sender.terminate()
            sender.join()
        print(f"{together} to a chunk")
        for index, name in enumerate(clients):
            cost = median(times[index] for times in rounds) / options.events
            print(f"  {name:14}{cost * 1e6:6.2f} us an event, {1 / cost:9,.0f} a second")
        for index, mine in ((0, "EventSource"), (1, "listen")):
            for other, name in ((2, "sync"), (3, "async")):
                ratio = median(times[other] / times[index] for times in rounds)
                print(f"  {mine} is {ratio:.1f} times as fast as httpx, {name}")


if __name__ == "__main__":
    main()
