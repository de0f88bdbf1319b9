"""What ``tests/benchmarks/requests.py`` prints, with small numbers.

The script is run, not imported: in this process its name may be that of the well-known library.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "benchmarks" / "requests.py"
SMALL = ["--rounds=2", "--publications=20", "--batches=2", "--streams=10", "--subscribers=20"]


def test_a_row_for_each_server_and_the_ratios_to_bare_tornado():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *SMALL, "--only", "sse_demo"], capture_output=True, text=True, check=True
    )
    heading, _, bare, ours, *_ = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    assert (bare[0].strip(), ours[0].strip()) == ("bare Tornado", "**sse_demo**")
    assert len(heading) == len(bare) == len(ours)
    for figure, floor, cell in list(zip(heading, bare, ours, strict=True))[2:5]:
        assert float(floor) > 0, figure
        assert re.fullmatch(r" \d+(\.\d)? \(\d+\.\d\d\) ", cell), figure


def test_the_table_has_its_place_in_the_readme():
    begin, end = re.search(r"^BEGIN, END = (\".*?\"), (\".*?\")$", SCRIPT.read_text("utf-8"), re.MULTILINE).groups()
    before, _, rest = (ROOT / "sse_demo" / "README.md").read_text("utf-8").partition(json.loads(begin))
    table, _, after = rest.partition(json.loads(end))
    assert all([before, "| **sse_demo** |" in table, after])
