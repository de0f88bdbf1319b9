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
    command = [sys.executable, str(SCRIPT), *SMALL, "--only", "sse_demo", "--before", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    heading, _, *rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    assert [row[0].strip() for row in rows] == ["bare Tornado", "**sse_demo**", "before"]
    for figure, floor, *cells in list(zip(heading, *rows, strict=True))[2:5]:
        assert float(floor) > 0, figure
        for cell in cells:
            assert re.fullmatch(r" \d+(\.\d)? \(\d+\.\d\d\) ", cell), figure
    assert all(float(row[-1]) > 0 for row in rows[1:]), "many events in one request are taken"


def test_the_table_has_its_place_in_the_readme():
    begin, end = re.search(r"^BEGIN, END = (\".*?\"), (\".*?\")$", SCRIPT.read_text("utf-8"), re.MULTILINE).groups()
    before, _, rest = (ROOT / "sse_demo" / "README.md").read_text("utf-8").partition(json.loads(begin))
    table, _, after = rest.partition(json.loads(end))
    assert all([before, "| **sse_demo** |" in table, after])
