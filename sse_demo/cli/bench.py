"""``bench``: measure what a delivery costs."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..extras import needs
from . import output
from .arguments import count

if TYPE_CHECKING:
    from ..bench import Result

SUMMARY = "Measure what a delivery costs on this machine, next to a bare loop of socket.send."
DESCRIPTION = SUMMARY

_BAR = "{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much is measured, and how often."""
    for name, default, text in [
        ("--subscribers", 1000, "connections that listen"),
        ("--events", 100, "events published, one after the other"),
        ("--size", 100, "bytes of data in each event"),
        ("--publishers", 1, "connections that publish at the same time"),
        ("--rounds", 5, "runs of each; the table shows the medians"),
    ]:
        parser.add_argument(name, type=count, default=default, metavar="N", help=f"{text} (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Measure by turns, and print a table."""
    with needs("bench", "the command bench"):
        from tqdm import tqdm

        from ..bench import BARE_LOOP, SSE_DEMO, measure, table
    targets = [SSE_DEMO, BARE_LOOP]
    steps = options.rounds * len(targets) * (options.subscribers - 1 + options.events)
    results: dict[str, list[Result]] = {target.name: [] for target in targets}
    with tqdm(total=steps, bar_format=_BAR, leave=False, disable=sys.stderr is None) as bar:
        for number in range(options.rounds):
            for target in targets:
                bar.set_description(f"round {number + 1} of {options.rounds}, {target.name}")
                result = measure(
                    target,
                    options.subscribers,
                    options.events,
                    options.size,
                    publishers=options.publishers,
                    progress=bar.update,
                )
                results[target.name].append(result)
    output.say(
        f"{options.subscribers:,} subscribers, {options.events} events of {options.size} bytes, "
        f"median of {options.rounds} rounds\n\n{table(results)}"
    )
    return 0
