"""Where no Chromium is to be found, the tests that need one say so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab_page import HOW_TO_GET_ONE

ROOT = Path(__file__).parents[2]
ONE_THAT_NEEDS_IT = "tests/browser/test_page.py::test_markup_in_data_is_shown_as_text"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """pytest where there is nothing to be found: in CI, and elsewhere. Both at the same time, as each takes seconds."""
    nothing = str(tmp_path_factory.mktemp("nothing"))
    own = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST_")}
    own |= {"PATH": nothing, "PLAYWRIGHT_BROWSERS_PATH": nothing}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-rsE", "-p", "no:cacheprovider", "--color=no"]
    processes = [
        subprocess.Popen([*command, ONE_THAT_NEEDS_IT], cwd=ROOT, env=own | ci, stdout=subprocess.PIPE, text=True)
        for ci in ({}, {"CI": "1"})
    ]
    return [(process.communicate(timeout=60)[0], process.returncode) for process in processes]


@pytest.mark.parametrize(("number", "outcome", "code"), [(0, "1 skipped", 0), (1, "1 error", 1)])
def test_it_is_skipped_with_a_hint_and_under_ci_it_fails(runs, number, outcome, code):
    said, returned = runs[number]
    assert HOW_TO_GET_ONE in " ".join(said.split())
    assert f"= {outcome} in " in said
    assert returned == code
