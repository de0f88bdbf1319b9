"""What a delivery costs: many subscribers on one server, next to a bare loop of ``socket.send``.

The server under test is a process of its own, on a core of its own where the system allows it. All the subscribers are
raw sockets in this process, so that this process keeps up with any server. Events are published over HTTP, each when
every subscriber has the one before. Each delivery is then one event for one socket, for every server alike. With
several publishers at once a server may send several events together.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, fields
from statistics import median, quantiles

from ..web.open_files import allow_files
from .load import Progress, Subscribers
from .process import Target, cpu_time, resident_memory, started

__all__ = [
    "BARE_LOOP",
    "SSE_DEMO",
    "Result",
    "Subscribers",
    "Target",
    "measure",
    "median_of",
    "paired_ratio",
    "resident_memory",
    "started",
    "table",
]


@dataclass(frozen=True)
class Result:
    """What one run has measured.

    Attributes:
        delivered: Deliveries that have arrived.
        lost: Deliveries that have not arrived.
        disordered: Deliveries that have arrived out of order.
        deliveries_per_second: By the clock on the wall.
        cpu_us_per_delivery: Microseconds of CPU time of the server.
        memory_kb_per_connection: KiB of resident memory, beyond that of the server with one connection.
        p50_ms: Milliseconds from publishing to receiving, the median.
        p99_ms: The same, the 99th percentile.
    """

    delivered: int
    lost: int
    disordered: int
    deliveries_per_second: float
    cpu_us_per_delivery: float
    memory_kb_per_connection: float
    p50_ms: float
    p99_ms: float


def _own_server(port: int) -> list[str]:
    return [sys.executable, "-m", "sse_demo", "serve", "--port", str(port)]


def _bare_loop(port: int) -> list[str]:
    return [sys.executable, "-m", "sse_demo.bench.bare_loop", str(port)]


SSE_DEMO = Target("sse_demo", _own_server, "/events?topic=load", "/events?topic=load")
BARE_LOOP = Target("bare send loop", _bare_loop, "/", "/")


def measure(
    target: Target,
    subscribers: int,
    events: int,
    size: int,
    *,
    publishers: int = 1,
    progress: Progress = lambda steps: None,
) -> Result:
    """Start a server, connect subscribers, publish events, and stop the server again.

    Args:
        target: The server.
        subscribers: How many clients read, at least two.
        events: How many events are published.
        size: Bytes of data in an event.
        publishers: How many clients publish. Each of them publishes one event, at the same time as the others, and
            waits until all these events have reached every subscriber.
        progress: Is told how many steps were done, each time. There are ``subscribers - 1 + events`` of them.

    Raises:
        RuntimeError: The server does not start, or ends early.
        TimeoutError: The server goes silent.
    """
    allow_files(subscribers + 100)
    with started(target) as (process, port), contextlib.closing(Subscribers(port, target, publishers)) as load:
        load.connect(1)
        load.warm_up()  # what a server loads at its first request is not the cost of a connection
        memory = resident_memory(process)
        load.connect(subscribers - 1, progress)
        memory = resident_memory(process) - memory
        load.warm_up()
        cpu, begin = cpu_time(process), time.perf_counter()
        for number in range(0, events, publishers):
            load.publish_and_wait(number, size)
            progress(publishers)
        cpu, wall = cpu_time(process) - cpu, time.perf_counter() - begin
        deliveries = len(range(0, events, publishers)) * publishers * len(load)
        latency = quantiles(load.latencies, n=100)
        return Result(
            delivered=load.arrived,
            lost=deliveries - load.arrived,
            disordered=load.disordered,
            deliveries_per_second=load.arrived / wall,
            cpu_us_per_delivery=cpu / deliveries * 1e6,
            memory_kb_per_connection=memory / (len(load) - 1) / 1024,
            p50_ms=latency[49],
            p99_ms=latency[98],
        )


def table(results: dict[str, list[Result]]) -> str:
    """A table of text: a column of medians for each of two targets, and one of their ratios.

    Args:
        results: By the name of the target, a result for each round. A ratio is that of the first to the second.
    """
    medians = {name: median_of(rounds) for name, rounds in results.items()}
    ours, bare = medians.values()
    lines = [("", *medians, "ratio")]
    for text, name, pattern in [
        ("deliveries a second", "deliveries_per_second", ",.0f"),
        ("CPU of the server, µs a delivery", "cpu_us_per_delivery", ".2f"),
        ("publish to receive, p50, ms", "p50_ms", ".2f"),
        ("publish to receive, p99, ms", "p99_ms", ".2f"),
        ("memory, KB a connection", "memory_kb_per_connection", ".1f"),
        ("lost", "lost", ",.0f"),
        ("out of order", "disordered", ",.0f"),
    ]:
        a, b = getattr(ours, name), getattr(bare, name)
        comparable = b and name != "memory_kb_per_connection"  # the bare loop keeps nothing but a socket
        ratio = f"{paired_ratio(name, *results.values()):.2f}" if comparable else ""
        lines.append((text, format(a, pattern), format(b, pattern), ratio))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def paired_ratio(name: str, ones: list[Result], others: list[Result]) -> float:
    """The median of the ratios of one figure, round by round: what slows a machine down for a while slows both.

    Args:
        name: The figure, a field of :class:`Result`.
        ones: The results above the line.
        others: The results below it, of the same rounds.
    """
    return float(median(getattr(one, name) / getattr(other, name) for one, other in zip(ones, others, strict=True)))


def median_of(results: list[Result]) -> Result:
    """The median of each figure."""
    return Result(**{field.name: median(getattr(result, field.name) for result in results) for field in fields(Result)})
