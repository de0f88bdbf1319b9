"""What the README and the docstrings show is true."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import running

import sse_demo
from sse_demo.cli.main import DESCRIPTION
from sse_demo.lab import VECTORS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MODULES = [
    module.name for module in pkgutil.walk_packages(sse_demo.__path__, "sse_demo.") if "__main__" not in module.name
]


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
HERE = "http://127.0.0.1:8000"


def run(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=20)
    assert done.stderr == ""
    return done.stdout


def test_a_server_of_your_own_ticks_and_the_client_hears_it(tmp_path):
    server, client, *_ = EXAMPLES
    server = server.replace("port=8000", "port=0").replace("    while", "    print(server.url, flush=True)\n    while")
    with running([sys.executable, "-c", server]) as process:
        url = process.stdout.readline().strip()
        first, second = run(client.replace(HERE, url), tmp_path).splitlines()
    assert re.fullmatch(r"message \w{3} \w{3} [ \d:]+ [0-9a-f]+-\d+", first)
    assert second == "[Event(data='one')]"


def test_the_other_examples_run(tmp_path):
    routes, service, client = EXAMPLES[2:]
    assert run(routes, tmp_path) == '{"room": "tea"}\n'
    assert run(service, tmp_path) == ""
    assert {path.name for path in tmp_path.iterdir()} == {"events.db", "events.db-owner"}
    assert run(client, tmp_path) == "OPEN connected\nhello\nCLOSED close() was called\n"


def test_the_readme_gives_the_commands_of_the_help():
    shown = re.findall(r"^ *(python -m sse_demo (?:serve|listen|publish).*)$", DESCRIPTION, re.MULTILINE)
    assert len(shown) == 3
    assert "\n".join(shown) in README
    assert DESCRIPTION.count(HERE) == 3


def test_the_readme_counts_the_vectors():
    assert f"tested with {len(VECTORS)} vectors" in README


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
