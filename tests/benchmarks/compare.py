"""What a delivery costs, next to what people would otherwise choose.

    pip install -r tests/benchmarks/requirements.txt
    python tests/benchmarks/compare.py [--rounds 5] [--subscribers 1000] [--write]

Each server is a process on one core, with all the subscribers on another one. In each round every server has its
turn, and the table has the medians. Gin and nchan are measured where Debian's packages golang-go,
golang-github-gin-gonic-gin-dev, nginx and libnginx-mod-nchan are installed. ``--write`` puts the table and the chart
into sse_demo/README.md, and needs matplotlib.
"""

import argparse
import datetime
import platform
import tempfile
from pathlib import Path

import psutil
from peers import PEERS
from tqdm import tqdm

from sse_demo.bench import BARE_LOOP, SSE_DEMO, Result, Target, measure, median_of, paired_ratio

ROOT = Path(__file__).parents[2]
README, CHART = ROOT / "sse_demo" / "README.md", ROOT / "notebooks" / "figures" / "cost.svg"
TOGETHER = 10  # publishers at the same time
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"


def targets(folder: Path) -> list[Target]:
    found = [BARE_LOOP, SSE_DEMO]
    for peer in PEERS.values():
        if peer.command(0, folder) is None:
            print(f"{peer.name} is not installed, and is left out")
            continue
        found.append(
            Target(
                peer.name,
                lambda port, peer=peer: peer.command(port, folder),
                peer.subscribe_path,
                peer.publish_path,
            )
        )
    return found


def markdown(results: dict[str, list[Result]], together: dict[str, list[Result]], options: argparse.Namespace) -> str:
    medians = {name: median_of(rounds) for name, rounds in results.items()}
    lines = [
        "| server | CPU µs a delivery | of the bare loop | ten publishers at once "
        "| KB a connection | p50 ms | p99 ms | lost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, result in sorted(medians.items(), key=lambda item: item[1].cpu_us_per_delivery):
        ratio = paired_ratio("cpu_us_per_delivery", results[name], results[BARE_LOOP.name])
        memory = "-" if name == BARE_LOOP.name else f"{result.memory_kb_per_connection:.1f}"
        lost = sum(one.lost + one.disordered for one in results[name] + together[name])
        lines.append(
            f"| {f'**{name}**' if name == SSE_DEMO.name else name} | {result.cpu_us_per_delivery:.1f} | {ratio:.2f} "
            f"| {median_of(together[name]).cpu_us_per_delivery:.1f} | {memory} "
            f"| {result.p50_ms:.1f} | {result.p99_ms:.1f} | {lost} |"
        )
    lines += [
        "",
        f"{options.subscribers:,} subscribers, {options.events} events of {options.size} bytes published over HTTP, "
        f"each when the one before has reached everybody; in the fourth column {TOGETHER} at the same time, which "
        f"`sse_demo` sends together. Medians of {options.rounds} rounds, each server on one core of a machine with "
        f"{psutil.cpu_count()} cores, Python {platform.python_version()}, {datetime.date.today()}. "
        "The bare loop only calls `socket.send`.",
    ]
    return "\n".join(lines)


def draw(results: dict[str, list[Result]], path: Path) -> None:
    import matplotlib
    from matplotlib import pyplot

    medians = {name: median_of(rounds) for name, rounds in results.items()}
    matplotlib.rcParams["svg.hashsalt"] = "cost"  # the same figures give the same file
    ordered = sorted(medians.items(), key=lambda item: -item[1].cpu_us_per_delivery)
    names = [name for name, _ in ordered]
    figure, axes = pyplot.subplots(figsize=(7, 0.42 * len(names) + 0.8))
    figure.patch.set_facecolor("white")
    colors = ["#1e88e5" if name == SSE_DEMO.name else "#b0bec5" for name in names]
    bars = axes.barh(names, [result.cpu_us_per_delivery for _, result in ordered], color=colors)
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xlabel("CPU of the server, µs a delivery (less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def put_into_readme(table: str, begin: str, end: str) -> None:
    """Replace what stands in sse_demo/README.md between these two comments."""
    before, _, rest = README.read_text().partition(begin)
    README.write_text(f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in [("--rounds", 5), ("--subscribers", 1000), ("--events", 100), ("--size", 100)]:
        parser.add_argument(name, type=int, default=default, help=f"default: {default}")
    parser.add_argument("--write", action="store_true", help="put the table and the chart into sse_demo/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = targets(Path(folder))
        results: dict[str, list[Result]] = {target.name: [] for target in measured}
        together: dict[str, list[Result]] = {target.name: [] for target in measured}
        load = options.subscribers, options.events, options.size
        steps = 2 * options.rounds * len(measured) * (options.subscribers - 1 + options.events)
        with tqdm(total=steps, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left") as bar:
            for number in range(options.rounds):
                for target in measured:
                    bar.set_description(f"round {number + 1} of {options.rounds}, {target.name}")
                    results[target.name].append(measure(target, *load, progress=bar.update))
                    together[target.name].append(measure(target, *load, publishers=TOGETHER, progress=bar.update))
    table = markdown(results, together, options)
    print(table)
    if options.write:
        draw(results, CHART)
        put_into_readme(table, BEGIN, END)


if __name__ == "__main__":
    main()
