"""A real JupyterLab in a process of its own, and one notebook of it in a browser."""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
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

KERNEL = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel"
READY = f"""() => {{
    const kernel = {KERNEL};
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}}"""
EXECUTE = f"code => {KERNEL}.requestExecute({{code}}).done.then(() => null)"
RESTART = f"() => {KERNEL}.restart()"
THEME = "theme => document.body.dataset.jpThemeLight === String(theme === 'Light')"
SAVE = """() => { window.jupyterapp.commands.execute("docmanager:save"); }"""
RUN = """() => { window.finished = window.jupyterapp.commands.execute("notebook:run-all-cells"); }"""
# Nobody is there to wait for a promise that is never kept.
FINISHED = """(seconds) => Promise.race([
    window.finished, new Promise(resolve => setTimeout(resolve, seconds * 1000, "late"))])"""
DIRTY = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
MODEL = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"
# What is to be read in each output. In `textContent`: cells out of sight have no `innerText`, and a page as high
# as a notebook takes half a machine.
TEXTS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(
    cell => cell.node.querySelector(".jp-OutputArea")?.textContent ?? "")"""
# The live views of each output: their parts, all of which change while it lives.
VIEWS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => {
    const views = [];
    for (const html of cell.node.querySelectorAll(".jp-OutputArea .widget-html-content")) {
        const lines = [...html.querySelectorAll("polyline")];
        if (lines.length) {
            const ends = lines.map(line => (line.getAttribute("points") || "").split(",").at(-1));
            views.push([html.firstElementChild.textContent + ", drawn at " + ends.join(", ")]);
        } else if (html.textContent.includes("last id")) {
            const list = html.closest(".widget-vbox").querySelectorAll(".widget-html-content")[1];
            const newest = list.firstElementChild.firstElementChild;
            const events = html.textContent.match(/.* events +\\d+/s)[0];
            views.push([events, newest ? newest.textContent : "no event"]);
        }
    }
    const plain = views.map(parts => parts.map(part => part.replace(/\\s+/g, " ").trim()));
    return {line: cell.model.sharedModel.source.trim().split("\\n").at(-1), views: plain};
})"""


def find_chromium(playwright) -> str | None:
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


class NotebookPage:
    """A notebook that is open in JupyterLab, in a page of its own."""

    def __init__(self, lab: JupyterLab, context, path: Path):
        self.lab = lab
        self.file = lab.notebooks / path.name
        self.errors: list[str] = []  # of the page itself
        self.page = context.new_page()
        self.page.set_default_timeout(DEADLINE * 1000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{lab.url}lab/workspaces/{path.stem}/tree/{path.name}?token={lab.token}")
        self.page.wait_for_function(READY)
        self.kernel_id = self.page.evaluate(f"() => {KERNEL}.id")

    def processes(self) -> list[psutil.Process]:
        return self.lab.processes_of(self.kernel_id)

    def command(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def execute(self, code: str) -> None:
        """In the kernel, outside of any cell."""
        self.page.evaluate(EXECUTE, code)

    def restart_kernel(self) -> None:
        self.page.evaluate(RESTART)

    def set_theme(self, theme: str) -> None:
        """``Light`` or ``Dark``. It is a setting, and stays."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {theme}"
        )
        self.page.wait_for_function(THEME, arg=theme)

    def start_all_cells(self) -> None:
        """As *Run All Cells* of the menu. They go on in the browser, whatever happens here."""
        self.page.evaluate(RUN)

    def wait_for_all_cells(self) -> None:
        assert self.page.evaluate(FINISHED, DEADLINE) != "late", f"still running after {DEADLINE} s: {self.running()}"

    def running(self) -> list[str]:
        prompts = self.page.locator(".jp-CodeCell", has=self.page.locator(".jp-InputPrompt", has_text="[*]"))
        return [text[:200] for text in prompts.all_inner_texts()]

    def cells(self) -> list[dict]:
        """All code cells, as they would be saved. ``shown`` is what is to be read of their outputs."""
        cells = self.page.evaluate(MODEL)["cells"]
        for cell, text in zip(cells, self.page.evaluate(TEXTS), strict=True):
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            cell |= {"source": source, "shown": text}
        return [cell for cell in cells if cell["cell_type"] == "code"]

    def views(self) -> dict[tuple[str, int], list[str]]:
        """What the live views show: by the last line of the cell, and a number."""
        return {
            (cell["line"], number): view
            for cell in self.page.evaluate(VIEWS)
            for number, view in enumerate(cell["views"])
        }

    def save(self) -> None:
        before = self.file.stat().st_mtime_ns
        self.page.evaluate(SAVE)  # and do not wait for its end: where no connection is left there is none
        wait_until(lambda: not self.page.evaluate(DIRTY) and self.file.stat().st_mtime_ns > before, "it is saved")

    def wait(self, seconds: float = LOOK) -> None:
        self.page.wait_for_timeout(seconds * 1000)

    def close(self) -> None:
        self.page.close()


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
