import json
import subprocess
import sys

import pytest

from sse_demo import notebook
from sse_demo.lab import check, progress
from sse_demo.lab.check import EXERCISES, Exercise
from sse_demo.lab.views.progress_line import ProgressLine
from sse_demo.lab.views.report import Report


def answer(given):
    """Whether it is right."""
    report = Report("answer")
    report.expect("it is 42", 42, lambda: given)
    return report


@pytest.fixture
def in_a_cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook, "_running_cell", lambda: ("a cell", 1))
    yield tmp_path / ".passed.json"
    notebook.stop_everything()


def test_what_has_passed_is_remembered_and_a_solution_is_not(in_a_cell):
    exercise = Exercise(answer)
    assert not exercise(41).passed
    assert exercise.solution(42).passed
    assert progress.passed() == set()
    assert exercise(42).passed
    assert progress.passed() == {exercise.name} == {"test_exercise.answer"}
    assert [path.name for path in in_a_cell.parent.iterdir()] == [in_a_cell.name]
    in_a_cell.unlink()
    assert progress.passed() == set()


def test_outside_of_a_notebook_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Exercise(answer)(42).passed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", ["", "{", "3", "[1, 2]", '{"a": 1}'])
def test_a_file_that_is_broken_begins_anew(in_a_cell, broken):
    in_a_cell.write_text(broken)
    Exercise(answer)(42)
    assert json.loads(in_a_cell.read_text()) == ["test_exercise.answer"]


def test_where_it_cannot_be_written_the_report_says_so(in_a_cell, monkeypatch):
    monkeypatch.setattr(progress, "FILE", in_a_cell.parent / "missing" / ".passed.json")
    report = Exercise(answer)(42)
    assert report.passed
    assert "the index will not know of it" in repr(report)
    assert "the index will not know of it" in report._repr_html_()


def test_the_line_fills_a_dot(in_a_cell, eventually):
    first = getattr(check, EXERCISES["01_ten_messages"][0])
    line = ProgressLine()
    total = sum(map(len, EXERCISES.values()))
    assert f"0 of {total} exercises passed" in line.html
    progress.remember(first.name)
    eventually(lambda: f"1 of {total} exercises passed" in line.html)
    assert line.html.count("●") == 1
    assert first.__name__ in line.html
    line.stop()


def test_each_exercise_has_a_name_of_its_own_and_says_what_it_is_about():
    for lesson, names in EXERCISES.items():
        for name in names:
            exercise = getattr(check, name)
            assert exercise.name == f"{lesson.partition('_')[2]}.{name}"
            assert exercise.__doc__


def test_what_is_no_check_is_told():
    with pytest.raises(AttributeError, match="there is no check 'encodes'"):
        check.encodes  # noqa: B018


def test_a_check_loads_no_other_lesson():
    code = "from sse_demo.lab import check; check.encode; import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    lessons = {f"sse_demo.lab.check.{lesson.partition('_')[2]}" for lesson in EXERCISES}
    assert lessons.intersection(loaded) == {"sse_demo.lab.check.wire_format"}
