"""What used to break the hub, done often: ``python tests/benchmarks/unbreakable.py [NAME ...]``.

Without a name all of them run, one after the other, which takes some minutes. Each prints a line. The tests run
the same functions with smaller numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from sse_demo import LogError, MemoryLog, ServerStopped, Settings, SqliteLog, serve
from sse_demo.logs.contract import Publication

INTERRUPTED = """
import gc, os, signal, socket, sys, threading
from sse_demo import serve

wanted, path, way = int(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
server = serve(log=path, log_events=10**6, log_bytes=10**9, max_burst=50)

def subscribe():
    with socket.create_connection(("127.0.0.1", server.port)) as reader:
        topics = b"topic=plain&topic=handled&topic=finalized"
        reader.sendall(b"GET /events?" + topics + b" HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        while reader.recv(65536):
            pass

for _ in range(3):
    threading.Thread(target=subscribe, daemon=True).start()
while server.hub.subscribers < 3:
    server.publish("plain", "is everybody there?")
told, armed, times = [], False, 0

def interrupt(*_):
    global armed, times
    if armed:
        times += 1
        armed = False
        if way == "raise":
            raise KeyboardInterrupt
        told.append(server.publish("handled", str(times)))
        armed = True

class Finalized:
    def __init__(self):
        self.itself = self
    def __del__(self):
        global times
        times += 1
        server.publish("finalized", str(times))

if way == "finalize":
    gc.set_threshold(5)
else:
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
number = 0
while times < wanted:
    if way == "finalize":
        Finalized()
    try:
        armed = True
        number += 1
        id = server.publish("plain", str(number))
        armed = False
        told.append(id)
    except KeyboardInterrupt:
        armed = False
if way != "finalize":
    signal.setitimer(signal.ITIMER_REAL, 0)
told.append(server.publish("plain", "last"))
topics = ["plain", "handled", "finalized"]
kept = [entry.id for entry in server.hub.log.read(topics, 0, 2**62, 2**62)[0]]
assert len(kept) == len(set(kept)), "an id was given twice"
assert set(told) <= set(kept), f"{len(set(told) - set(kept))} that were acknowledged are not in the log"
gc.set_threshold(10**6)
server.stop()
assert not server.running
print(times, len(kept))
os._exit(0)
"""


def interrupts(count: int, way: str, path: Path | None = None, timeout: float = 120) -> str:
    """Interrupt ``publish`` so often: ``raise`` as Ctrl-C does, ``handle`` and ``finalize`` by one that publishes."""
    arguments = [sys.executable, "-c", INTERRUPTED, str(count), str(path or ""), way]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.strip()


def stops(rounds: int, path: Path | None, publishers: int = 16) -> tuple[int, int]:
    """Stop a server so often while threads publish. Returns how many were told an id, and how many an error.

    Raises ``AssertionError`` where an event is in the log twice, where one that was refused is there, or where one that
    was told as published is not.
    """
    log = None if path else MemoryLog(Settings(log_events=10**9, log_bytes=10**9))
    accepted: list[str] = []
    failed: list[str] = []

    def publish(name: str) -> None:
        number = 0
        while True:
            number += 1
            text = f"{name}-{number}"
            try:
                server.publish("a", text)
            except ServerStopped:
                failed.append(text)
                return
            accepted.append(text)

    for number in range(rounds):
        server = serve(log=path or log, log_events=10**9, log_bytes=10**9)
        threads = [threading.Thread(target=publish, args=(f"{number}-{one}",)) for one in range(publishers)]
        for thread in threads:
            thread.start()
        time.sleep(0.02 + number % 5 * 0.01)  # each time elsewhere
        server.stop()
        for thread in threads:
            thread.join()
    opened = SqliteLog(path, Settings(log_events=10**9, log_bytes=10**9)) if path else log
    entries, _ = opened.read(["a"], 0, 2**62, 2**62)
    opened.close()
    kept = [entry.wire.rpartition(b"data: ")[2].decode().strip() for entry in entries]
    assert len(kept) == len(set(kept)), f"{len(kept) - len(set(kept))} are there twice"
    assert set(kept) == set(accepted), "what is there is not what was told"
    assert not set(kept) & set(failed)
    return len(accepted), len(failed)


def resident() -> int:
    """Bytes of resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def states(count: int, size: int = 1024 * 1024, log_bytes: int = 8 * 1024 * 1024) -> int:
    """Publish so many states of ``size`` bytes. Returns the bytes by which the process has grown."""
    with serve(state=["*"], log_bytes=log_bytes, max_event_size=2 * size) as server:
        server.publish("warm", json.dumps({"filler": "x" * size}))
        before = resident()
        for number in range(count):
            server.publish(f"state/{number}", json.dumps({"number": number, "filler": "x" * size}))
        return resident() - before


def refused(events: int, seconds: float, path: Path) -> tuple[float, float, int]:
    """Publish beside a thread whose publications are refused, with so many events in the log.

    Returns the median milliseconds of an honest publication alone and beside the refused ones, and how many of those
    there were.
    """
    settings = {"max_topics": 100, "log_events": 10**9, "log_bytes": 10**10}
    fill = SqliteLog(path, Settings(**settings))
    block = b"data: " + b"x" * 100 + b"\n\n"
    for start in range(0, events, 1_000):
        fill.append([Publication(f"topic/{n % 100}", block) for n in range(start, start + 1_000)])
    fill.close()
    with serve(log=path, **settings) as server:

        def honest() -> float:
            times = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                begin = time.perf_counter()
                server.publish("topic/1", "x")
                times.append(time.perf_counter() - begin)
                time.sleep(0.005)
            return statistics.median(times) * 1000

        stop = threading.Event()
        count = 0

        def refuse() -> None:
            nonlocal count
            while not stop.wait(0.01):
                try:
                    server.publish(f"new/{count}", "x")
                except LogError:
                    count += 1

        honest()
        alone = honest()
        thread = threading.Thread(target=refuse)
        thread.start()
        beside = honest()
        stop.set()
        thread.join()
        return alone, beside, count


def post_states(url: str, clients: int, size: int) -> None:
    """Post states from so many clients, for ever. Each has two of them, so that this process has little to do."""

    def post(name: int) -> None:
        bodies = [
            json.dumps([{"name": f"part {n}", "value": n * turn} for n in range(size // 36)]).encode()
            for turn in (1, 2)
        ]
        for number in itertools.count():
            body = b'{"parts":%b}' % bodies[number % 2]
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{url}/events?topic=state/{name}", body, headers)
            urllib.request.urlopen(request, timeout=60).close()

    for name in range(clients):
        threading.Thread(target=post, args=(name,)).start()


def pings(clients: int, count: int, size: int = 1024 * 1024) -> tuple[float, float]:
    """Ping beside clients that post states. Returns the median and the longest time in milliseconds."""
    serving = (
        "from sse_demo import serve\n"
        "server = serve(state=['*'], max_event_size=4 * 1024 * 1024)\n"
        "print(server.url, flush=True)\nserver.join()"
    )
    posting = (
        f"import sys\nsys.path[:0] = [{str(Path(__file__).parent)!r}]\n"
        "import unbreakable\nunbreakable.post_states(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
    )
    times = []
    with contextlib.ExitStack() as at_the_end:
        server = at_the_end.enter_context(
            subprocess.Popen([sys.executable, "-c", serving], stdout=subprocess.PIPE, text=True)
        )
        at_the_end.callback(server.kill)
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        command = [sys.executable, "-c", posting, url, str(clients), str(size)]
        posters = at_the_end.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        at_the_end.callback(posters.kill)
        published = 0.0
        while not published:  # the clients have begun
            time.sleep(0.1)
            with urllib.request.urlopen(f"{url}/metrics") as metrics:
                found = re.search(r"^sse_published_total (.+)$", metrics.read().decode(), re.MULTILINE)
                published = float(found[1]) if found else 0.0
        for _ in range(count):
            begin = time.perf_counter()
            urllib.request.urlopen(f"{url}/ping", timeout=60).close()
            times.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.02)
    return statistics.median(times), max(times)


def show_stops(folder: Path) -> str:
    """30 stops under 16 publishers, with each log."""
    results = {name: stops(30, path) for name, path in {"memory": None, "SQLite": folder / "stops.db"}.items()}
    told = ", ".join(f"{name} {told:,} published and {failed} refused" for name, (told, failed) in results.items())
    return f"30 stops under 16 publishers: nothing twice, nothing lost, nothing kept that was refused ({told})"


def show_interrupts(folder: Path) -> str:
    """500 interrupts of each kind, with each log."""
    for way in ("raise", "handle", "finalize"):
        for path in (None, folder / f"{way}.db"):
            interrupts(500, way, path)
    return (
        "500 interrupts of publish() with each log, by Ctrl-C, by signal handlers and by finalizers that publish: well"
    )


def show_states(folder: Path) -> str:
    """30 states of 1 MiB where the log may have 8 MiB."""
    return f"30 states of 1 MiB with log_bytes=8 MiB: {states(30) / 1e6:+.0f} MB"


def show_refused(folder: Path) -> str:
    """Honest publications beside refused ones, with 400,000 events on the disk."""
    alone, beside, count = refused(400_000, 5, folder / "refused.db")
    return (
        f"a publication alone {alone:.2f} ms, beside {count} refused ones {beside:.2f} ms: "
        f"{beside / alone:.2f} times as long (400,000 events on the disk)"
    )


def show_pings(folder: Path) -> str:
    """A ping beside ten clients that post states of 1 MiB."""
    median, longest = pings(10, 200)
    return f"ping beside ten clients that post states of 1 MiB: median {median:.0f} ms, longest {longest:.0f} ms"


SHOWN: dict[str, Callable[[Path], str]] = {
    "stops": show_stops,
    "interrupts": show_interrupts,
    "states": show_states,
    "refused": show_refused,
    "pings": show_pings,
}


def main() -> None:
    """Show what was asked for, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*SHOWN, []], help="default: all of them")
    names = parser.parse_args().names or list(SHOWN)
    with tempfile.TemporaryDirectory() as folder, tqdm(names, leave=False) as bar:
        for name in bar:
            bar.set_description(name)
            tqdm.write(SHOWN[name](Path(folder)))


if __name__ == "__main__":
    main()
