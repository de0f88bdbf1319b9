"""Runs the notebooks and stores their outputs, and writes the navigation into them.

    python tests/tools/refresh_notebooks.py [--redraw] [NOTEBOOK ...]        (default: all)

What differs from run to run is made the same, with the rules by which the tests compare (sanitize.cfg), so that a
second run writes the same bytes. The output of a cell tagged ``nbval-ignore-output`` (a measured time) is kept as it is
until the source of the cell changes, and so are pictures: those that a cell has drawn, and those that
refresh_pictures.py has taken of what is live. With ``--redraw`` what a cell has drawn and measured is new. The output
of a cell tagged ``prediction`` is closed when the notebook is opened.
"""

import configparser
import hashlib
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
SANITIZE = Path(__file__).parents[1] / "sanitize.cfg"
NAVIGATION = "<!-- navigation -->"
CELL_TIMEOUT = 60  # seconds
REDRAW = "--redraw"
PICTURE = "image/png"
WIDGET = "application/vnd.jupyter.widget-view+json"  # names a widget that is there only while its kernel runs


def main(arguments: list[str]) -> None:
    names = [name for name in arguments if name != REDRAW]
    paths = sorted(FOLDER.glob("*.ipynb"))
    wanted = {Path(name).stem for name in names} or {path.stem for path in paths}
    if unknown := wanted - {path.stem for path in paths}:
        sys.exit(f"no such notebook: {', '.join(sorted(unknown))}")
    for number, path in enumerate(paths):
        if path.stem not in wanted:
            continue
        print(f"{path.name} ...", flush=True)
        notebook = nbformat.read(path, as_version=4)
        navigate(notebook, paths, number)
        run(notebook, redraw=REDRAW in arguments)
        nbformat.write(notebook, path)


def navigate(notebook, paths: list[Path], number: int) -> None:
    links = [f"[index]({paths[0].name})"] if number else []
    if number > 1:
        links.insert(0, f"[← {title(paths[number - 1])}]({paths[number - 1].name})")
    if number + 1 < len(paths):
        links.append(f"[{title(paths[number + 1])} →]({paths[number + 1].name})")
    line = f"{' · '.join(links)} {NAVIGATION}"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(rf"^.*{NAVIGATION}$", lambda _: line, cell.source, flags=re.MULTILINE)


def title(path: Path) -> str:
    first = nbformat.read(path, as_version=4).cells[0].source
    return first.splitlines()[0].removeprefix("# ")


def run(notebook, redraw: bool = False) -> None:
    kept = {cell.id: cell.outputs for cell in code_cells(notebook) if is_unchanged(cell)}
    settings = {"timeout": CELL_TIMEOUT, "kernel_name": "python3", "store_widget_state": False}
    settings["extra_arguments"] = ["--log-level=ERROR"]  # it warns of its own sockets
    NotebookClient(notebook, resources={"metadata": {"path": str(FOLDER)}}, **settings).execute()
    rules = sanitizers()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(code_cells(notebook), start=1):
        cell.execution_count = number
        cell.metadata.pop("execution", None)  # when it ran
        cell.outputs = [clean(output, number, rules) for output in joined(cell.outputs)]
        if is_measured(cell) and not redraw:
            cell.outputs = kept.get(cell.id, cell.outputs)
        else:
            keep_pictures(kept.get(cell.id, []), cell.outputs, redraw)
        cell.metadata.pop("measured_source", None)
        cell.metadata.pop("source_of_output", None)
        if is_measured(cell) or any(PICTURE in output.get("data", {}) for output in cell.outputs):
            cell.metadata["source_of_output"] = digest(cell)
        close_prediction(cell)


def keep_pictures(before: list, outputs: list, redraw: bool) -> None:
    """The same text has the same picture, whatever version draws it. A widget has none in this run."""
    for output in outputs:
        if redraw and PICTURE in output.get("data", {}):
            continue
        for old in before:
            if PICTURE in old.get("data", {}) and old.data.get("text/plain") == output.get("data", {}).get(
                "text/plain"
            ):
                output.data[PICTURE] = old.data[PICTURE]
                output.metadata = old.metadata


def close_prediction(cell) -> None:
    """Have the output of a cell that answers a prediction closed, until the cell is run."""
    hidden = cell.metadata.get("jupyter", {})
    hidden.pop("outputs_hidden", None)
    if "prediction" in cell.metadata.get("tags", []):
        hidden["outputs_hidden"] = True
    if hidden:
        cell.metadata["jupyter"] = hidden
    else:
        cell.metadata.pop("jupyter", None)


def joined(outputs: list) -> list:
    """What is printed with a pause comes as two outputs, or as one, as it happens."""
    together: list = []
    for output in outputs:
        if together and output.output_type == together[-1].output_type == "stream" and output.name == together[-1].name:
            together[-1].text += output.text
        else:
            together.append(output)
    return together


def clean(output, number: int, rules: list[tuple[str, str]]):
    if "execution_count" in output:
        output["execution_count"] = number
    if output.output_type == "error":
        sys.exit(f"cell {number} failed: {output.ename}: {output.evalue}")
    if output.get("name") == "stderr":
        sys.exit(f"cell {number} writes to stderr: {output.text}")
    data = output.get("data", {})
    data.pop(WIDGET, None)
    for holder, key in [(data, key) for key in data] + ([(output, "text")] if "text" in output else []):
        if isinstance(holder[key], str):
            for regex, replacement in rules:
                holder[key] = re.sub(regex, replacement, holder[key])
    return output


def sanitizers() -> list[tuple[str, str]]:
    config = configparser.RawConfigParser()
    config.read(SANITIZE)
    return [(config[section]["regex"], config[section]["replace"]) for section in config.sections()]


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_measured(cell) -> bool:
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def is_unchanged(cell) -> bool:
    return bool(cell.outputs) and cell.metadata.get("source_of_output") == digest(cell)


def digest(cell) -> str:
    return hashlib.sha256(cell.source.encode()).hexdigest()[:12]


if __name__ == "__main__":
    main(sys.argv[1:])
