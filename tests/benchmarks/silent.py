"""100 subscribers that never read, next to 900 that do: what do the 900 lose, and what does the server keep?

    python tests/benchmarks/silent.py [--rounds 5]

Each round runs once with the 900 alone, and once with the others beside them. The log grows by what is published, 6 MB.
"""

import argparse
import contextlib
import time
from statistics import median, quantiles

from sse_demo.bench import SSE_DEMO, Subscribers, resident_memory, started
from sse_demo.web.open_files import allow_files

READERS, SILENT = 900, 100
EVENTS, SIZE = 600, 10_000  # 6 MB: more than the kernel keeps for a socket


def run(silent: bool) -> tuple[float, float, list[float]]:
    """The median and the 99th percentile of the latency in ms, and the server's memory in MB at five moments."""
    with started(SSE_DEMO) as (process, port), contextlib.closing(Subscribers(port, SSE_DEMO)) as load:
        load.connect(READERS + SILENT if silent else READERS)
        load.warm_up()
        if silent:
            load.ignore(SILENT)
        memory = []
        for number in range(EVENTS):
            load.publish_and_wait(number, SIZE)
            if number % (EVENTS // 5) == EVENTS // 5 - 1:
                memory.append(resident_memory(process) / 1e6)
        assert (load.arrived, load.disordered) == (EVENTS * READERS, 0)
        second_half = load.latencies[len(load.latencies) // 2 :]  # by then the silent ones are full
        cut = quantiles(second_half, n=100)
        return cut[49], cut[98], memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    allow_files(2 * (READERS + SILENT))
    ratios = []
    for number in range(options.rounds):
        begin = time.monotonic()
        (_, without, _), (p50, p99, memory) = run(silent=False), run(silent=True)
        ratios.append(p99 / without)
        print(
            f"round {number + 1}: p99 {without:.1f} ms without, {p99:.1f} ms (p50 {p50:.1f}) with {SILENT} silent; "
            f"memory with them, MB: {', '.join(f'{size:.0f}' for size in memory)} ({time.monotonic() - begin:.0f} s)",
            flush=True,
        )
    print(f"p99 with {SILENT} silent, of that without: {median(ratios):.2f} (median of {options.rounds} rounds)")


if __name__ == "__main__":
    main()
