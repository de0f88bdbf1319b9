"""What it costs to keep events on a disk: publishing into both logs, by one thread and by many.

python tests/benchmarks/durable.py [--events 5000]
"""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from sse_demo import Hub, Settings
from sse_demo.logs.sqlite import SqliteLog

THREADS = (1, 8, 64)
ROUNDS = 3


def seconds_for(hub: Hub, events: int, threads: int) -> float:
    def publish(_: int) -> None:
        for _ in range(events // threads):
            hub.publish("a", "x" * 100)

    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(publish, range(threads)))
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=5_000)
    events = parser.parse_args().events
    print("threads  memory, µs an event  SQLite, µs an event  SQLite, events a second")
    for threads in THREADS:
        memory, disk = [], []
        for _ in range(ROUNDS):
            memory.append(seconds_for(Hub(), events, threads) / events)
            with tempfile.TemporaryDirectory() as folder:
                log = SqliteLog(Path(folder, "events.db"), Settings())
                hub = Hub(Settings(), log)
                disk.append(seconds_for(hub, events, threads) / events)
                hub.close()
                log.close()
        print(f"{threads:>7}  {median(memory) * 1e6:>19.0f}  {median(disk) * 1e6:>19.0f}  {1 / median(disk):>23,.0f}")


if __name__ == "__main__":
    main()
