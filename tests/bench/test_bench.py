import subprocess
import sys

import pytest

from sse_demo.bench import BARE_LOOP, SSE_DEMO, Result, Target, measure, median_of, table


@pytest.mark.parametrize("target", [SSE_DEMO, BARE_LOOP], ids=lambda target: target.name)
def test_everything_is_delivered_and_measured(target):
    steps = []
    result = measure(target, subscribers=20, events=10, size=100, progress=steps.append)
    assert (result.delivered, result.lost, result.disordered) == (200, 0, 0)
    assert result.deliveries_per_second > 0
    assert result.cpu_us_per_delivery > 0
    assert 0 < result.p50_ms <= result.p99_ms
    assert sum(steps) == 19 + 10


def test_several_publishers_at_once():
    result = measure(SSE_DEMO, subscribers=5, events=20, size=100, publishers=4)
    assert (result.delivered, result.lost, result.disordered) == (100, 0, 0)


def test_a_server_that_does_not_start_is_told():
    with pytest.raises(RuntimeError, match="nothing does not start: python -c pass"):
        measure(Target("nothing", lambda port: ["python", "-c", "pass"], "/", "/"), 1, 1, 1)


def test_the_bare_loop_loads_no_server():
    code = "import sse_demo.bench.bare_loop, sys; print({'tornado', 'aiohttp', 'sqlite3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_table_has_medians_and_ratios():
    def result(cpu):
        return Result(100, 0, 0, 1000.0, cpu, 5.0, 1.0, 2.0)

    rounds = {"ours": [result(4.0), result(3.0), result(90.0)], "bare": [result(2.0), result(1.0), result(30.0)]}
    assert median_of(rounds["ours"]).cpu_us_per_delivery == 4.0
    lines = table(rounds).splitlines()
    assert lines[0].split() == ["ours", "bare", "ratio"]
    assert lines[2].split()[-3:] == ["4.00", "2.00", "3.00"]
