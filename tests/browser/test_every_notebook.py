"""The notebooks as a person has them: in JupyterLab, in a browser, run whole, and once more, saved, and shut down."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from lab_page import NOTEBOOKS, LabPage, NotebookTab, is_alive, kill, listening_ports, tags, troubles, wait_until
from refresh_notebooks import PICTURE, clean, code_cells, is_measured, joined, sanitizers

ROOT = NOTEBOOKS.parent
SOME_SECONDS = 15  # in which what lives has to move

# What is at rest when all cells have run: the notebook, the last line of the cell, what it shows then, and why.
AT_REST = {
    ("01_ten_messages", "live"): ("closed events 10", "ten messages are all, which is 20 seconds after it began"),
    ("01_ten_messages", "both"): ("closed events 3", "the right list ends, the left one never does"),
    ("01_ten_messages", "machine"): (
        "This machine, percent: processor 100 .*",
        "a line at the top, on a machine that is wholly busy",
    ),
    ("01_ten_messages", "news"): ("open events 1", "the lesson publishes one message"),
    ("07_when_the_line_drops", "patient"): (r"open events [1-9]\d*", "its line is silent, and it has no timeout"),
    ("07_when_the_line_drops", "VBox([line_buttons(cable), speed_chart(both), SideBySide(both)])"): (
        r"open events [1-9]\d*",
        "the same one",
    ),
    ("07_when_the_line_drops", "VBox([OrdersChart(publisher, survivor), survivor])"): (
        r"open events 122|orders: published 120 received 120, drawn at .*",
        "a hundred and twenty-two orders are all, and the chart stops before the last two",
    ),
    ("07_when_the_line_drops", "VBox([Buttons(actions, lambda: process.state), survivor])"): (
        "open events 122",
        "a hundred and twenty-two orders are all",
    ),
    ("07_when_the_line_drops", 'SideBySide({"orders": sent, "acknowledged": told})'): (
        "open events [24]",
        "four orders are all, and two are done when the worker crashes",
    ),
    ("10_who_may_listen", "SideBySide(devices)"): ("failed events 2", "somebody has logged out everywhere"),
}


def each(later, only="*"):
    """For each notebook, when so many others have been opened after it."""

    def decorate(function):
        function.later = later
        paths = sorted(NOTEBOOKS.glob(f"{only}.ipynb"))
        return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)(function)

    return decorate


@each(later=0)
def test_no_cell_fails(path, runs):
    run = runs(path)
    assert not troubles(run.first)
    assert [cell["execution_count"] for cell in run.first] == list(range(1, len(run.first) + 1))
    assert not run.page.errors


@each(later=0)
def test_live_widgets_go_on_when_all_cells_are_done(path, runs):
    run = runs(path)
    for cell in run.first:
        shown = re.findall(r"\bLive(?:Events|Chart)\(", plain_text(cell))
        line = cell["source"].strip().splitlines()[-1]
        seen = [key for key in run.views if key[0] == line]
        assert len(seen) >= len(shown), f"not to be seen: {cell['source']}"
    assert not run.still, f"does not move within {SOME_SECONDS} s"


@each(later=0)
def test_exercises_say_what_is_missing_and_solutions_pass(path, runs):
    for cell in runs(path).first:
        for tag, words in {"exercise": ": still missing (", "solution": ": passed ("}.items():
            if tag in tags(cell):
                assert words in cell["shown"], cell["source"]


@each(later=1)
def test_all_cells_run_again_in_the_same_kernel(path, runs):
    run = runs(path)
    count = len(run.first)
    second = run.again()
    assert not troubles(second)
    assert [cell["execution_count"] for cell in second] == list(range(count + 1, 2 * count + 1))
    assert not watch(run.page, path.stem), f"does not move within {SOME_SECONDS} s, after the second run"
    assert not run.page.errors


@each(later=1)
def test_shutting_down_leaves_no_process_and_no_open_port(path, runs):
    run = runs(path)
    run.again()
    processes = run.page.processes()
    ports = listening_ports(processes)
    if re.search(r"\bserve\(", "".join(cell["source"] for cell in run.first)):
        assert ports - run.ports_of_kernel, "the servers of the notebook are not among them"
    run.page.command("kernelmenu:shutdown")
    try:
        wait_until(
            lambda: not [one for one in processes if is_alive(one)], "its processes have ended", show=lambda: processes
        )
        wait_until(lambda: not [one for one in ports if is_open(one)], "its ports are closed", show=lambda: ports)
    finally:
        kill(processes)
        run.page.close()


@each(later=0)
def test_what_jupyterlab_has_saved_is_what_is_stored(path, runs):
    saved, stored = (nbformat.read(one, as_version=4) for one in (runs(path).saved, path))
    rules = sanitizers()
    for number, cells in enumerate(zip(code_cells(saved), code_cells(stored), strict=True), start=1):
        if not is_measured(cells[1]):
            shown, wanted = ([clean(output, number, rules) for output in joined(cell.outputs)] for cell in cells)
            for output in (*shown, *wanted):
                output.get("data", {}).pop(PICTURE, None)  # a still, or a chart: what is stored is of another run
                output.pop("metadata", None)
            assert shown == wanted, cells[1].source


@each(later=2, only="02_wire_format")  # it prints what JupyterLab does not save as it is
def test_what_jupyterlab_has_saved_passes_nbval(path, runs):
    command = [sys.executable, "-m", "pytest", "--nbval", runs(path).saved, "-c", ROOT / "pyproject.toml"]
    done = subprocess.run(
        [*command, f"--rootdir={ROOT}", "-p", "no:cacheprovider", "-n", "0", "--color=no"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(runs(path).first)} passed" in done.stdout


class Run:
    """One notebook, opened and run whole; and what goes on in the meantime, which is most of the time."""

    def __init__(self, page: NotebookTab, folder: Path):
        self.page = page
        self._second = None
        self.ports_of_kernel = listening_ports(page.processes())
        page.start_all_cells()
        page.wait_for_all_cells()
        self.first = page.cells()
        self.views = page.views()
        self.still = watch(page, page.file.stem)
        page.save()
        self.saved = shutil.copy(page.file, folder)  # it may be saved again
        page.start_all_cells()

    def again(self) -> list[dict]:
        if self._second is None:
            self.page.wait_for_all_cells()
            self._second = self.page.cells()
        return self._second


@pytest.fixture(scope="module")
def runs(lab, browser, tmp_path_factory):
    """``runs(path)`` is the run of that notebook, which begins when it is first asked for."""
    folder = tmp_path_factory.mktemp("saved")
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    lab_page = LabPage(lab, context)
    started = {}

    def run(path):
        if path not in started:
            started[path] = None
            started[path] = Run(lab_page.open(path), folder)
        if started[path] is None:
            pytest.fail("it could not be run whole: its first test says why")
        return started[path]

    yield run
    context.close()


def watch(page, name):
    """What does not move, though it should: the last lines of the cells, and what they show."""
    started = page.views()
    deadline = time.monotonic() + SOME_SECONDS
    still = started
    while still and time.monotonic() < deadline:
        now = page.views()
        still = {
            key: now[key]
            for key in still
            if any(part == before for part, before in zip(now[key], started[key], strict=True))
            and not is_at_rest(name, key[0], now[key][0])
        }
        page.wait()
    return still


def is_at_rest(name, line, shown):
    pattern, _ = AT_REST.get((name, line), (None, None))
    return pattern is not None and re.fullmatch(pattern, shown) is not None


def plain_text(cell):
    return "".join("".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"])


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
