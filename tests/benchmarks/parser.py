"""How fast the parser is next to httpx-sse's decoder, on the same bytes, in turn, in one run.

    python tests/benchmarks/parser.py [--events 20000] [--rounds 9]

Both are given chunks of bytes and hand out events: httpx-sse through httpx's text decoder, as it does behind a
response. Prints the median time for each event and the median of the ratios, round by round.
"""

import argparse
import json
import statistics
import time

from httpx._decoders import TextDecoder
from httpx_sse._decoders import SSEDecoder, SSELineDecoder

from sse_demo import EventStreamParser


def ours(chunks):
    parser = EventStreamParser()
    return sum(len(parser.feed(chunk)) for chunk in chunks)


def httpx_sse(chunks):
    text, lines, events = TextDecoder("utf-8"), SSELineDecoder(), SSEDecoder()
    return sum(
        events.decode(line.rstrip("\n")) is not None for chunk in chunks for line in lines.decode(text.decode(chunk))
    )


def stream(kind, count):
    for seq in range(count):
        small = json.dumps({"seq": seq, "time": "15:04:05", "value": seq * 1.5})
        if kind == "data":
            yield f"data: {small}\n\n"
        elif kind == "id, data":
            yield f"id: {seq}\ndata: {small}\n\n"
        elif kind == "event, id, data":
            yield f"event: price\nid: {seq}\ndata: {small[:-1]}, {json.dumps('x' * 50)}: 1}}\n\n"
        elif kind == "3 lines of data, CRLF":
            yield f"id: {seq}\r\ndata: {{\r\ndata: {small[1:-1]}\r\ndata: }}\r\n\r\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"{'stream':24}{'chunk':>8}{'ours':>12}{'httpx-sse':>12}{'ratio':>8}")
    for kind in ("data", "id, data", "event, id, data", "3 lines of data, CRLF"):
        content = "".join(stream(kind, options.events)).encode()
        for size in (65_536, 130):
            chunks = [content[i : i + size] for i in range(0, len(content), size)]
            times = []
            for _ in range(options.rounds):
                row = []
                for decode in (ours, httpx_sse):
                    start = time.perf_counter()
                    count = decode(chunks)
                    row.append(time.perf_counter() - start)
                    assert count == options.events, (decode.__name__, count)
                times.append(row)
            mine, theirs = (statistics.median(column) / options.events * 1e9 for column in zip(*times, strict=True))
            ratio = statistics.median(b / a for a, b in times)
            print(f"{kind:24}{size:>8}{mine:>9.0f} ns{theirs:>9.0f} ns{ratio:>8.2f}")


if __name__ == "__main__":
    main()
