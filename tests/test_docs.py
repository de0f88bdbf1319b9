"""What the README and the docstrings show is true."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sse_demo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MODULES = [
    module.name for module in pkgutil.walk_packages(sse_demo.__path__, "sse_demo.") if "__main__" not in module.name
]


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=20)
    assert done.stderr == ""
    return done.stdout


def test_the_package_in_ten_lines_runs(tmp_path):
    first, second = run(EXAMPLES[0], tmp_path).splitlines()
    assert re.fullmatch(r"greeting hello [0-9a-f]+-1", first)
    assert second == "[Event(data='one')]"


def test_the_other_examples_run(tmp_path):
    assert len(EXAMPLES) == 4
    assert run(EXAMPLES[1], tmp_path) == '{"room": "tea"}\n'
    assert run(EXAMPLES[2], tmp_path) == ""
    assert (tmp_path / "events.db").exists()
    assert run(EXAMPLES[3], tmp_path) == "OPEN connected\nhello\nCLOSED close() was called\n"


def test_what_the_readme_links_to_is_there():
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert len(targets) > 10
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-") for line in README.splitlines()}
    for target in targets:
        assert (ROOT / target).exists() if target[0] != "#" else target[1:] in headings, target


def test_the_readme_names_every_notebook_and_every_module():
    for path in (*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("sse_demo/[a-z]*.py")):
        if path.stem not in ("cells", "machine"):  # details of the server
            assert f"({path.relative_to(ROOT).as_posix()})" in README


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_right(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_the_package_needs_no_notebook():
    code = "import sse_demo, sys; print(*{'ipywidgets', 'IPython', 'jupyterlab', 'psutil', 'httpx'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
