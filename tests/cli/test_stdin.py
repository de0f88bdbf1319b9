"""What is read from standard input."""

import io
import subprocess
import sys
import threading

import pytest

from sse_demo.cli import stdin


@pytest.fixture
def given(monkeypatch):
    """``given("text")`` has standard input be that text."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.fixture
def piped(monkeypatch):
    """Standard input is a pipe; the fixture is its other end."""
    import os

    end, other = os.pipe()
    with open(end, encoding="utf-8") as source, open(other, "wb", buffering=0) as writer:
        monkeypatch.setattr(sys, "stdin", source)
        yield writer


def reading():
    return [thread for thread in threading.enumerate() if thread.name == "standard input"]


@pytest.mark.parametrize("wait", [0.01, None])
def test_lines_come_in_batches(given, wait):
    given("a\nb\r\n\nc\rd")
    assert list(stdin.batches(wait)) == [stdin.Batch(1, ["a", "b", "", "c\rd"], 9)]


def test_a_batch_has_so_many_lines_and_bytes(given, monkeypatch):
    monkeypatch.setattr(stdin, "BATCH_LINES", 3)
    monkeypatch.setattr(stdin, "BATCH_BYTES", 8)
    given("1\n2\n3\n4\nlong\nmuch longer\n5\n")
    batches = list(stdin.batches(None))
    assert [batch.lines for batch in batches] == [["1", "2", "3"], ["4", "long"], ["much longer"], ["5"]]
    assert [(batch.first, batch.last) for batch in batches] == [(1, 3), (4, 5), (6, 6), (7, 7)]
    assert sum(batch.size for batch in batches) == 27


def test_a_line_waits_for_others_only_so_long(piped):
    batches = stdin.batches(0.01)
    piped.write(b"one\ntw")
    assert next(batches).lines == ["one"]
    piped.write(b"o\nthree\n")
    assert next(batches).lines[0] == "two"
    batches.close()


def test_whoever_stops_reading_leaves_no_thread(given, eventually):
    given("a\n" * 10 * stdin.BATCH_LINES)
    batches = stdin.batches(None)
    next(batches)
    batches.close()
    eventually(lambda: not reading())


def test_what_is_too_long_comes_after_the_lines_before_it(given, monkeypatch):
    monkeypatch.setattr(stdin, "MAX_INPUT", 10)
    given("a\nb\n" + "x" * 11)
    batches = stdin.batches(None)
    assert next(batches).lines == ["a", "b"]
    with pytest.raises(ValueError, match=r"^line 3 of standard input has more than 10 bytes$"):
        next(batches)


def test_all_of_it_is_one_text(given, monkeypatch):
    given("größe\n")
    assert stdin.whole_text() == "größe\n"
    given("größe\n")
    assert stdin.whole() == "größe\n".encode()
    monkeypatch.setattr(stdin, "MAX_INPUT", 7)
    given("größe\n")
    with pytest.raises(ValueError, match=r"^standard input has more than 7 bytes$"):
        stdin.whole()


def test_bytes_that_are_no_text_are_told(piped):
    piped.write(b"a\xff")
    piped.close()
    with pytest.raises(ValueError, match=r"^standard input is no text in utf-8: invalid start byte$"):
        stdin.whole_text()


def test_the_size_of_a_file_is_known_and_that_of_a_pipe_is_not(piped, monkeypatch, tmp_path):
    assert stdin.size() is None
    file = tmp_path / "lines"
    file.write_bytes(b"12345")
    with file.open() as source:
        monkeypatch.setattr(sys, "stdin", source)
        assert stdin.size() == 5
    monkeypatch.setattr(sys, "stdin", None)
    assert stdin.size() is None


@pytest.mark.parametrize(
    "arguments",
    [["publish", "http://x/", "-"], ["publish", "http://x/", "-", "--whole"], ["listen", "http://x/", "--data", "@-"]],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell that closes a stream")
def test_a_closed_standard_input_is_one_line(arguments):
    command = ["sh", "-c", '"$@" <&-', "sh", sys.executable, "-m", "sse_demo", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sse_demo: standard input is closed, so there is nothing to be read")
    assert done.stderr.count("\n") == 1
