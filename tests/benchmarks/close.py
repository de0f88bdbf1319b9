"""How long ``close()`` takes, in every state of the client, and what it leaves behind.

    python tests/benchmarks/close.py [--times 1000]

The states are: connecting (the server does not answer), reading, and waiting to try again. A thread waits for the
next event each time, and ends. Afterwards there must be no thread, no task and no socket more than before, and no
warning.
"""

import argparse
import asyncio
import gc
import sys
import threading
import time
import warnings
from pathlib import Path
from statistics import quantiles

import psutil
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import HOLD, STREAM, Script

from sse_demo import EventSource, ReadyState, listen

ANSWERS = {
    "connecting": [HOLD],
    "reading": [STREAM, HOLD],
    "waiting": [STREAM + b"retry: 60000\n\n"],
}
SEEN = {"connecting": None, "reading": ReadyState.OPEN, "waiting": ReadyState.CONNECTING}  # the change that leads there


def close_in_thread(script: Script, state: str) -> float:
    """Seconds that ``close()`` took."""
    there = threading.Event()
    events = listen(script.url, on_state_change=lambda change: change.state is SEEN[state] and there.set())
    reader = threading.Thread(target=lambda: list(events))
    reader.start()
    script.requests.get(timeout=10)
    if SEEN[state] is not None:
        there.wait(10)
    start = time.perf_counter()
    events.close()
    took = time.perf_counter() - start
    reader.join(10)
    assert not reader.is_alive()
    return took


async def close_in_task(script: Script, state: str) -> float:
    """Seconds until the task that reads has ended."""
    there = asyncio.Event()
    source = EventSource(script.url, on_state_change=lambda change: change.state is SEEN[state] and there.set())

    async def read() -> None:
        async with source:
            async for _ in source:
                pass

    reader = asyncio.create_task(read())
    await asyncio.to_thread(script.requests.get, timeout=10)
    if SEEN[state] is not None:
        await asyncio.wait_for(there.wait(), 10)
    start = time.perf_counter()
    source.close()
    await reader
    took = time.perf_counter() - start
    assert len(asyncio.all_tasks()) == 1
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=1000)
    options = parser.parse_args()
    process = psutil.Process()
    tqdm.monitor_interval = 0  # no thread of its own
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for state, answer in ANSWERS.items():
            for kind in ("listen", "EventSource"):
                with Script(answer) as script, asyncio.Runner() as runner:
                    before = set(threading.enumerate())
                    took = []
                    for _ in tqdm(range(options.times), desc=f"{state}, {kind}", leave=False):
                        if kind == "listen":
                            took.append(close_in_thread(script, state))
                        else:
                            took.append(runner.run(close_in_task(script, state)))
                        while script.held:
                            script.held.pop().close()
                    gc.collect()
                    left = [
                        each for each in set(threading.enumerate()) - before if not each.name.startswith("asyncio_")
                    ]
                    port = script.listener.getsockname()[1]
                    connected = [
                        each
                        for each in process.net_connections()
                        if each.raddr and each.raddr.port == port and each.status == psutil.CONN_ESTABLISHED
                    ]
                print(
                    f"{state:11} {kind:12} {options.times} times: median {quantiles(took, n=2)[0] * 1000:.1f} ms, "
                    f"longest {max(took) * 1000:.1f} ms; left behind: {len(left)} threads, {len(connected)} sockets"
                )
    print(f"warnings: {len(caught)}")
    for warning in caught[:5]:
        print(f"  {warning.message}")


if __name__ == "__main__":
    main()
