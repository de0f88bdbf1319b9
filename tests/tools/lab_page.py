"""A real JupyterLab in a process of its own, in a page of a browser, with a tab for each notebook."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
DEADLINE = 60  # seconds; a machine may be slow, a fact is not
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW_TO_GET_ONE = (
    "no Chromium found; install one with `playwright install chromium`, or with the system's packages "
    "(Debian, Ubuntu: apt-get install chromium)"
)
QUIET = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",  # it would look up addresses outside of this machine
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example 127.0.0.1",  # this machine, under a name that does not say so
)

LOOK = 0.2  # seconds between two looks at a fact

# In the page, each with the path of the notebook.
SHOWN = "window.jupyterapp?.shell.currentWidget"
SHOW = """path => {
    const {shell} = window.jupyterapp;
    const tab = [...shell.widgets("main")].find(one => one.context?.path === path);
    if (shell.currentWidget !== tab) shell.activateById(tab.id);
}"""
IS_SHOWN = f"path => {SHOWN}?.context?.path === path"
OPEN = """path => { window.jupyterapp.commands.execute("docmanager:open", {path}); }"""
KERNEL = f"{SHOWN}?.context?.sessionContext?.session?.kernel"
READY = f"""path => {{
    const kernel = {KERNEL};
    return {SHOWN}?.context?.path === path && kernel?.connectionStatus === "connected" && kernel.status === "idle";
}}"""
RUN = """path => {
    window.finished ??= {};
    window.finished[path] = window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""
# Nobody is there to wait for a promise that is never kept.
FINISHED = """([path, seconds]) => Promise.race([
    window.finished[path], new Promise(resolve => setTimeout(resolve, seconds * 1000, "late"))])"""

# In the page, of the notebook that is shown.
EXECUTE = f"code => {KERNEL}.requestExecute({{code}}).done.then(() => null)"
RESTART = f"() => {KERNEL}.restart()"
THEME = "theme => document.body.dataset.jpThemeLight === String(theme === 'Light')"
SAVE = """() => { window.jupyterapp.commands.execute("docmanager:save"); }"""
DIRTY = f"() => {SHOWN}.context.model.dirty"
MODEL = f"() => {SHOWN}.content.model.toJSON()"
CLOSE = f"() => {SHOWN}.dispose()"  # JupyterLab's own command would ask whether to save
# What is to be read in each output. In `textContent`: cells out of sight have no `innerText`, and a page as high
# as a notebook takes half a machine.
TEXTS = f"""() => {SHOWN}.content.widgets.map(
    cell => cell.node.querySelector(".jp-OutputArea")?.textContent ?? "")"""
# The live views of each output: their parts, all of which change while it lives.
VIEWS = (
    f"() => {SHOWN}.content.widgets"
    + """.map(cell => {
    const views = [];
    for (const view of cell.node.querySelectorAll(".jp-OutputArea .sse-view > div:last-child")) {
        const lines = [...view.querySelectorAll("polyline")];
        if (lines.length) {
            const ends = lines.map(line => (line.getAttribute("points") || "").split(",").at(-1));
            views.push([view.firstElementChild.textContent + ", drawn at " + ends.join(", ")]);
        } else if (view.textContent.includes("last id")) {
            const newest = view.lastElementChild.firstElementChild;
            const events = view.firstElementChild.textContent.match(/.* events +\\d+/s)[0];
            views.push([events, newest ? newest.textContent : "no event"]);
        }
    }
    const plain = views.map(parts => parts.map(part => part.replace(/\\s+/g, " ").trim()));
    return {line: cell.model.sharedModel.source.trim().split("\\n").at(-1), views: plain};
})"""
)


class NoChromium(Exception):
    """There is none on this machine. The error says how to get one."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A real browser, without a window.

    Raises:
        NoChromium: None was found.
    """
    with sync_playwright() as playwright:
        executable = find_chromium(playwright)
        if executable is None:
            raise NoChromium(HOW_TO_GET_ONE)
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET, timeout=DEADLINE * 1000)
        yield browser
        browser.close()


@contextlib.contextmanager
def chromium_for_tests() -> Iterator[Browser]:
    """As :func:`chromium`. Where there is none, a test is skipped; where ``CI`` is set, that is a failure."""
    try:
        with chromium() as browser:
            yield browser
    except NoChromium as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


def find_chromium(playwright: Playwright) -> str | None:
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class JupyterLab:
    """``jupyter lab`` with nothing of this machine's: its own folders, a free port, a token, a copy of the notebooks.

    Kernels find the package as this process does.
    """

    def __init__(self, folder: Path, *options: str):
        self.notebooks = folder / "notebooks"
        self._log = folder / "jupyterlab.log"
        self._runtime = folder / "runtime"
        shutil.copytree(NOTEBOOKS, self.notebooks, ignore=shutil.ignore_patterns(".*"))
        news = folder / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        news.parent.mkdir(parents=True)
        news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), "utf-8")
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={self.notebooks}"),
            *(f"--IdentityProvider.token={secrets.token_hex()}", "--LabApp.expose_app_in_browser=True", *options),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {name: str(folder / value) for name, value in own.items()},
            )

    def __enter__(self):
        try:
            wait_until(self._started, "JupyterLab has started")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _started(self) -> bool:
        assert self._process.poll() is None, f"JupyterLab has ended:\n{self.said()}"
        for file in self._runtime.glob("jpserver-*.json"):
            try:
                about = json.loads(file.read_text("utf-8"))
            except ValueError:  # half of it is written
                return False
            self.url, self.token = about["url"], about["token"]
            return True
        return False

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")[-3000:]

    def stop(self) -> None:
        """End it, and whatever it has started."""
        if self._process.poll() is not None:
            return
        everything = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        kill(everything)

    def write(self, name: str, *sources: str) -> Path:
        """A notebook of this name, with these cells."""
        path = self.notebooks / name
        kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources], metadata=kernel), path)
        return path

    def processes_of(self, kernel_id: str) -> list[psutil.Process]:
        """The process of a kernel, and those that it has started."""
        for process in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.Error):  # another one, which has just ended
                if f"kernel-{kernel_id}.json" in " ".join(process.cmdline()):
                    return [process, *process.children(recursive=True)]
        raise AssertionError(f"no process of kernel {kernel_id}")


class LabPage:
    """JupyterLab in a page of a browser. Each notebook that is opened is a tab of it.

    Attributes:
        page: The page of the browser.
        errors: What the page itself has raised.
    """

    def __init__(self, lab: JupyterLab, context: BrowserContext) -> None:
        self.lab = lab
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(DEADLINE * 1000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._is_there = False

    def open(self, path: Path) -> NotebookTab:
        """Open a notebook of JupyterLab's folder, and wait until its kernel is there."""
        if self._is_there:
            self.page.evaluate(OPEN, path.name)
        else:  # in a workspace of its own: one that is known would open its tabs again
            workspace = f"lab/workspaces/{secrets.token_hex(4)}/tree/{path.name}"
            self.page.goto(f"{self.lab.url}{workspace}?token={self.lab.token}")
            self._is_there = True
        self.page.wait_for_function(READY, arg=path.name)
        return NotebookTab(self, path.name)

    def set_theme(self, theme: str) -> None:
        """``Light`` or ``Dark``. It is a setting, and stays."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {theme}"
        )
        self.page.wait_for_function(THEME, arg=theme)


class NotebookTab:
    """A notebook that is open in JupyterLab. Whatever is asked of it brings its tab to the front first.

    Attributes:
        page: The page of the browser, for what is not of one notebook.
        errors: What the page itself has raised, whichever notebook it was.
        panel: The notebook in the page.
        file: The file that it is saved to.
        kernel_id: JupyterLab's name for its kernel.
    """

    def __init__(self, lab_page: LabPage, name: str) -> None:
        self.page, self.errors = lab_page.page, lab_page.errors
        self.file = lab_page.lab.notebooks / name
        self._name = name
        self._lab = lab_page.lab
        self.kernel_id: str = self._evaluate(f"() => {KERNEL}.id")
        self.panel = self.page.locator(f"[id='{self._evaluate(f'() => {SHOWN}.id')}']")

    def _evaluate(self, script: str, argument: object = None) -> Any:
        self.page.evaluate(SHOW, self._name)
        self.page.wait_for_function(IS_SHOWN, arg=self._name)
        return self.page.evaluate(script, argument)

    def processes(self) -> list[psutil.Process]:
        return self._lab.processes_of(self.kernel_id)

    def command(self, name: str) -> None:
        self._evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def execute(self, code: str) -> None:
        """In the kernel, outside of any cell."""
        self._evaluate(EXECUTE, code)

    def restart_kernel(self) -> None:
        self._evaluate(RESTART)

    def start_all_cells(self) -> None:
        """As *Run All Cells* of the menu. They go on in the browser, whatever happens here."""
        self._evaluate(RUN, self._name)

    def wait_for_all_cells(self) -> None:
        """Whichever tab is in front."""
        outcome = self.page.evaluate(FINISHED, [self._name, DEADLINE])
        assert outcome != "late", f"still running after {DEADLINE} s: {self.running()}"

    def running(self) -> list[str]:
        return [cell["source"][:200] for cell in self.cells() if cell["execution_count"] is None]

    def cells(self) -> list[dict]:
        """All code cells, as they would be saved. ``shown`` is what is to be read of their outputs."""
        cells = self._evaluate(MODEL)["cells"]
        for cell, text in zip(cells, self.page.evaluate(TEXTS), strict=True):
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            cell |= {"source": source, "shown": text}
        return [cell for cell in cells if cell["cell_type"] == "code"]

    def views(self) -> dict[tuple[str, int], list[str]]:
        """What the live views show: by the last line of the cell, and a number."""
        return {
            (cell["line"], number): view for cell in self._evaluate(VIEWS) for number, view in enumerate(cell["views"])
        }

    def save(self) -> None:
        before = self.file.stat().st_mtime_ns
        self._evaluate(SAVE)  # and do not wait for its end: where no connection is left there is none
        wait_until(lambda: not self._evaluate(DIRTY) and self.file.stat().st_mtime_ns > before, "it is saved")

    def wait(self, seconds: float = LOOK) -> None:
        self.page.wait_for_timeout(seconds * 1000)

    def close(self) -> None:
        """Close the tab, with whatever has not been saved. The kernel goes on."""
        self._evaluate(CLOSE)


def tags(cell: dict) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def troubles(cells: list[dict]) -> list[str]:
    """What went wrong in the outputs: exceptions, stderr, widgets that cannot be drawn."""
    found = []
    for cell in cells:
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"{output['ename']}: {output['evalue']}\n  in: {cell['source'][:200]}")
            elif output.get("name") == "stderr":
                found.append(f"stderr: {''.join(output['text'])[:500]}\n  in: {cell['source'][:200]}")
        if no_widget := re.search(r"Error displaying widget|Error creating widget|Failed to load model", cell["shown"]):
            found.append(f"{no_widget[0]}\n  in: {cell['source'][:200]}")
    return found


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(processes: list[psutil.Process]) -> None:
    for process in filter(is_alive, processes):
        process.kill()


def listening_ports(processes: list[psutil.Process]) -> set[int]:
    connections = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            connections += process.net_connections("inet")
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}


def wait_until(fact: Callable[[], object], what: str, show: Callable[[], object] = str) -> None:
    """``show`` is called when it was in vain, and says what there is instead."""
    deadline = time.monotonic() + DEADLINE
    while not fact():
        assert time.monotonic() < deadline, f"not within {DEADLINE} s: {what}\n{show()}"
        time.sleep(LOOK)
