"""Each section of a lesson runs alone after the first code cell: in a real kernel, from nothing, one by one."""

import json
import re
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("0[1-9]_*.ipynb")) + sorted(
    (Path(__file__).parents[1] / "notebooks").glob("[1-9][0-9]_*.ipynb")
)
DEADLINE = 60  # seconds for a cell
FROM_NOTHING = "import sse_demo.notebook; sse_demo.notebook.stop_everything()\n%reset -f"


def sections(path):
    """The first code cell; and by its heading, the code cells of each section."""
    first, found, heading = "", {}, ""
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = (re.findall(r"^## (.+)$", source, flags=re.MULTILINE) or [heading])[-1]
        elif not first:
            first = source
        else:
            found.setdefault(heading, []).append(source)
    return first, found


def run(client, code):
    """Run a cell. Returns its traceback, ``""`` where all is well."""
    said = []
    reply = client.execute_interactive(code, timeout=DEADLINE, output_hook=said.append, allow_stdin=False)["content"]
    return "" if reply["status"] == "ok" else "\n".join(reply["traceback"][-3:])


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_each_section_runs_alone(path):
    first, found = sections(path)
    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(path.parent), extra_arguments=["--log-level=ERROR"]
    )
    failed = {}
    try:
        for heading, cells in found.items():
            run(client, FROM_NOTHING)
            for code in (first, *cells):
                if error := run(client, code):
                    failed[heading] = f"{code[:100]}\n{error}"
                    break
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not failed, "\n\n".join(f"## {heading}\n{error}" for heading, error in failed.items())
