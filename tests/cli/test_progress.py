"""How far a command is, on a terminal and only there."""

import io
import re
import sys

import pytest

from sse_demo.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def as_a_terminal(monkeypatch):
    """``as_a_terminal()`` has stderr be a terminal, and returns it. Before a test begins, pytest replaces stderr."""

    def replace():
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return replace


def test_a_bar_shows_how_much_of_the_input_is_done(as_a_terminal):
    terminal = as_a_terminal()
    progress = Progress(total=200)
    progress.advance(1000, 100)
    progress.advance(1, 150)  # the file has grown meanwhile
    progress.close()
    half, whole = terminal.getvalue().removesuffix("\n").split("\r")[1:]
    assert re.fullmatch(r" 50% \|#{15} {15}\| 1,000 published, [\d,]+ a second", half)
    assert re.fullmatch(r"100% \|#{30}\| 1,001 published, [\d,]+ a second *", whole)
    assert len(whole) >= len(half), "nothing of the longer line is left"


@pytest.mark.parametrize("total", [None, 0])
def test_a_count_where_the_end_is_not_known(as_a_terminal, total):
    terminal = as_a_terminal()
    progress = Progress(total)
    progress.advance(2, 10)
    assert re.fullmatch(r"\r2 published, [\d,]+ a second", terminal.getvalue())


def test_it_makes_room_for_another_line(as_a_terminal):
    terminal = as_a_terminal()
    progress = Progress(None)
    progress.advance(2, 10)
    shown = len(terminal.getvalue()) - 1
    progress.clear()
    progress.close()
    assert terminal.getvalue().endswith(f"\r{' ' * shown}\r")


@pytest.mark.parametrize("stderr", [io.StringIO(), None])
def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    progress = Progress(10)
    progress.advance(1, 1)
    progress.clear()
    progress.close()
    assert not progress.is_shown
    assert stderr is None or stderr.getvalue() == ""
