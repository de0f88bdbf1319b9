"""How the cost grows with the number of subscribers, up to 10,000 on one server.

python tests/benchmarks/scale.py [--rounds 3] [--chart notebooks/figures/scale.svg]
"""

import argparse
import sys

from tqdm import tqdm

from sse_demo.bench import BARE_LOOP, SSE_DEMO, measure, median_of, paired_ratio

SUBSCRIBERS = (100, 300, 1_000, 3_000, 10_000)
EVENTS, SIZE = 100, 100


def draw(rows: list[tuple], path: str) -> None:
    import matplotlib
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "scale"  # the same figures give the same file
    figure, (cost, memory) = pyplot.subplots(1, 2, figsize=(9, 3))
    figure.patch.set_facecolor("white")
    counts = [row[0] for row in rows]
    cost.plot(counts, [row[1].cpu_us_per_delivery for row in rows], "o-", color="#1e88e5", label="sse_demo")
    cost.plot(counts, [row[2].cpu_us_per_delivery for row in rows], "o-", color="#b0bec5", label="bare send loop")
    cost.set(title="CPU, µs a delivery", ylim=(0, None))
    cost.legend(loc="lower right")
    memory.plot(counts, [row[1].memory_kb_per_connection for row in rows], "o-", color="#1e88e5")
    memory.set(title="memory, KB a connection", ylim=(0, None))
    for axes in (cost, memory):
        axes.set(xscale="log", xlabel="subscribers")
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chart", help="draw it into this file, too (needs matplotlib)")
    options = parser.parse_args()
    rows = []
    print("subscribers  µs a delivery  bare loop  ratio  KB a connection  p99 ms  lost")
    with tqdm(total=2 * options.rounds * (sum(SUBSCRIBERS) + len(SUBSCRIBERS) * (EVENTS - 1)), leave=False) as bar:
        for count in SUBSCRIBERS:
            results = {SSE_DEMO: [], BARE_LOOP: []}
            for _ in range(options.rounds):
                for target, rounds in results.items():
                    rounds.append(measure(target, count, EVENTS, SIZE, progress=bar.update))
            ours, bare = map(median_of, results.values())
            lost = sum(result.lost + result.disordered for result in results[SSE_DEMO])
            rows.append((count, ours, bare))
            cpu, floor = ours.cpu_us_per_delivery, bare.cpu_us_per_delivery
            ratio = paired_ratio("cpu_us_per_delivery", *results.values())
            bar.write(
                f"{count:>11,}  {cpu:>13.2f}  {floor:>9.2f}  {ratio:>5.2f}  "
                f"{ours.memory_kb_per_connection:>15.1f}  {ours.p99_ms:>6.1f}  {lost:>4}",
                file=sys.stdout,
            )
    if options.chart:
        draw(rows, options.chart)


if __name__ == "__main__":
    main()
