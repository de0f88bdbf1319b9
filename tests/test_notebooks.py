"""What can be counted in the notebooks. That their outputs are right is nbval's part."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LESSONS = NOTEBOOKS[1:]
LONGEST_CELL = 25
LIVE = re.compile(r"^(?:Live\w+|Browser\w+|CutSlider|SideBySide|[HV]Box)\(", flags=re.MULTILINE)


def cells(path, kind=None):
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if kind in (None, cell["cell_type"])]


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return set(cell["metadata"].get("tags", []))


def text_of(path):
    return "\n".join(source(cell) for cell in cells(path, "markdown"))


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


@each(NOTEBOOKS)
def test_the_kernel_is_the_one_everybody_has(path):
    assert json.loads(path.read_text("utf-8"))["metadata"]["kernelspec"]["name"] == "python3"


@each(NOTEBOOKS)
def test_every_code_cell_has_run_in_order_and_without_errors(path):
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]


@each(NOTEBOOKS)
def test_nothing_is_skipped_and_little_is_ignored(path):
    code = cells(path, "code")
    assert not [cell for cell in code if "nbval-skip" in tags(cell) or "NBVAL" in source(cell)]
    ignored = [cell for cell in code if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= max(2, len(code) // 6)


@each(NOTEBOOKS)
def test_a_measured_cell_is_followed_by_its_conclusion(path):
    code = cells(path, "code")
    for cell, following in zip(code, [*code[1:], {"outputs": []}], strict=True):
        if "nbval-ignore-output" in tags(cell):
            assert following["outputs"]
            assert "nbval-ignore-output" not in tags(following)


@each(NOTEBOOKS)
def test_cells_are_short(path):
    lines = {source(cell): len(source(cell).splitlines()) for cell in cells(path, "code")}
    assert max(lines.values()) <= LONGEST_CELL


@each(NOTEBOOKS)
def test_links_and_pictures_resolve(path):
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(path))
    assert targets
    missing = [target for target in targets if "://" not in target and not (FOLDER / target.partition("#")[0]).exists()]
    assert not missing


@each(NOTEBOOKS)
def test_the_frame_is_complete(path):
    texts = cells(path, "markdown")
    assert source(texts[0]).startswith("# ")
    assert "**You will**" in source(texts[0])
    assert "**You can now**" in text_of(path) or "## You can now" in text_of(path)
    assert source(texts[0]).count("<!-- navigation -->") == source(texts[-1]).count("<!-- navigation -->") == 1


@each(NOTEBOOKS)
def test_the_last_cell_stops_what_the_lesson_started(path):
    assert "StopButton()" in source(cells(path, "code")[-1])


@each(NOTEBOOKS)
def test_nothing_in_it_is_of_one_machine(path):
    found = re.findall(r"/(?:home|root|tmp|Users|work)/\w+|model_id|[A-Z]:\\\\", path.read_text("utf-8"))
    assert not found


@each(LESSONS)
def test_the_index_and_the_neighbours_are_linked(path):
    assert path.name in text_of(NOTEBOOKS[0])
    number = NOTEBOOKS.index(path)
    neighbours = [NOTEBOOKS[0], *NOTEBOOKS[number - 1 : number], *NOTEBOOKS[number + 1 : number + 2]]
    for navigation in (source(cells(path, "markdown")[0]), source(cells(path, "markdown")[-1])):
        assert all(neighbour.name in navigation for neighbour in neighbours)


@each(LESSONS)
def test_the_index_tells_the_minutes_that_the_lesson_tells(path):
    minutes = re.search(r"\*\*(\d+) minutes", text_of(path))[1]
    assert re.search(rf"\({path.name}\) \|[^|]*\| {minutes} \|", text_of(NOTEBOOKS[0]))


@each(LESSONS)
def test_each_exercise_says_what_is_missing_and_has_a_folded_solution_that_passes(path):
    code = cells(path, "code")
    exercises = [number for number, cell in enumerate(code) if "exercise" in tags(cell)]
    assert len(exercises) >= 2
    for number in exercises:
        exercise, solution = code[number], code[number + 1]
        assert "solution" in tags(solution)
        assert solution["metadata"]["jupyter"]["source_hidden"]
        assert "still missing" in printed(exercise)
        assert ": passed (" in printed(solution)


@each(LESSONS)
def test_a_solution_leaves_the_work_of_the_learner_as_it_is(path):
    for cell in cells(path, "code"):
        if "exercise" in tags(cell):
            started = names_bound_by(cell)
        elif "solution" in tags(cell):
            assert not started & names_bound_by(cell)
            assert re.search(r"\bcheck\.\w+\.solution\(", source(cell))


@each(LESSONS)
def test_the_answer_to_a_prediction_is_closed_until_its_cell_is_run(path):
    asked = False
    for cell in cells(path):
        if cell["cell_type"] == "markdown":
            asked = asked or "*Predict" in source(cell)
        else:
            assert ("prediction" in tags(cell)) == bool(cell["metadata"].get("jupyter", {}).get("outputs_hidden"))
            if asked and cell["outputs"]:
                assert "prediction" in tags(cell), source(cell)
            asked = asked and not cell["outputs"]


@each(LESSONS)
def test_readers_get_conclusions_and_no_test_log(path):
    shown = [line for cell in cells(path, "code") for line in printed(cell).splitlines() + said(cell).splitlines()]
    assert not [line for line in shown if re.search(r"(?:^|: )(?:True|False)$", line)]


@each(NOTEBOOKS)
def test_what_lives_has_a_still_for_those_who_only_read(path):
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            if LIVE.match("".join(output.get("data", {}).get("text/plain", ""))):
                assert "image/png" in output["data"], source(cell)


@each(LESSONS)
def test_a_lesson_has_a_hint_a_quiz_a_picture_and_a_live_widget(path):
    text = text_of(path)
    assert text.count("<details>") >= 5
    assert re.search(r"!\[[^\]]{20,}\]\(figures/", text), "a picture needs a description"
    shown = "\n".join(printed(cell) for cell in cells(path, "code"))
    assert LIVE.search(shown)


def names_bound_by(cell):
    """The names that a cell gives to functions, classes and values, at its top."""
    bound = set()
    for node in ast.parse(source(cell)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Assign):
            bound |= {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return bound


def said(cell):
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def printed(cell):
    return "".join("".join(output.get("data", {}).get("text/plain", [])) for output in cell["outputs"])
