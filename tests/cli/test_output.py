"""What is printed: strangers' characters are shown and not obeyed, and no stream that takes nothing is a traceback."""

import ast
import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import STREAM, Script

from sse_demo.cli import output
from sse_demo.cli.output import log_to_stderr, say, tell, visible, visible_json

OBEYED = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0)]),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ud800\udfff",
]
ANSWER = '{{"{}": "a\\u001b[31m\\u009b\\u202e\\u2028b\\u00e9"}}'


def answer(status, body):
    headers = f"Content-Length: {len(body)}\r\nContent-Type: application/problem+json\r\n"
    return f"HTTP/1.1 {status}\r\n{headers}\r\n{body}".encode()


def test_one_module_prints():
    """All others use it, so that nothing is printed in another way."""
    callers = {
        path.name
        for path in Path(output.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name) and node.id == "print"
    }
    assert callers == {"output.py"}


def test_what_would_be_obeyed_is_shown():
    for character in OBEYED:
        assert re.fullmatch(r"a\\(x[0-9a-f]{2}|u[0-9a-f]{4}|[trn])b", visible(f"a{character}b"))
        shown = visible_json({"a": character})
        assert json.loads(shown) == {"a": character}
        assert shown.isprintable()


def test_all_other_text_stays_as_it_is():
    for text in ("größe €😀 שלום \\x1b", "\U0001f3f4\u200d\u2620\ufe0f", "\xa0\u2029"[:1]):
        assert visible(text) == text
        assert visible_json(text) == json.dumps(text, ensure_ascii=False)


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("ascii", rb"message  \xe9\u20ac\U0001f600"),
        ("cp1252", b"message  \xe9\x80\\U0001f600"),
        ("utf-8", "message  é€😀".encode()),
    ],
)
def test_a_character_that_the_encoding_has_not_is_escaped(encoding, line):
    """As a process, which has an encoding of its own."""
    stream = STREAM + "data: é€😀\n\n".encode()
    with Script(stream) as script:
        command = [sys.executable, "-m", "sse_demo", "listen", script.url, "--count", "1"]
        for strict in ("", ":strict"):
            options = {
                "capture_output": True,
                "timeout": 20,
                "env": os.environ | {"PYTHONIOENCODING": encoding + strict},
            }
            done = subprocess.run(command, **options)
            assert (done.returncode, done.stdout.rstrip(b"\r\n"), done.stderr) == (0, line, b"")
            as_json = subprocess.run([*command, "--json"], **options)
            assert json.loads(as_json.stdout.decode(encoding)) == {"event": "message", "id": None, "data": "é€😀"}


def test_an_event_cannot_lead_the_terminal(run):
    stream = "event: a\x1b[31m\x9b\u202eb\nid: \x7f\u2028\ndata: \x07\u0085\u2066\tx\ndata: two\n\n"
    with Script(STREAM + stream.encode()) as script:
        plain = run("listen", script.url, "--count", "1").stdout
        as_json = run("listen", script.url, "--count", "1", "--json").stdout
    assert plain == r"a\x1b[31m\x9b\u202eb  id=\x7f\u2028  \x07\x85\u2066\tx" + "\n  | two\n"
    assert as_json.removesuffix("\n").isprintable()
    assert json.loads(as_json) == {
        "event": "a\x1b[31m\x9b\u202eb",
        "id": "\x7f\u2028",
        "data": "\x07\x85\u2066\tx\ntwo",
    }


@pytest.mark.parametrize("command", [["listen"], ["publish", "hello"]])
def test_an_explanation_cannot_lead_the_terminal(run, command):
    with Script(answer("500 \x9bOops", ANSWER.format("detail"))) as script:
        name, *data = command
        done = run(name, script.url, *data)
    assert done.status == 1
    assert "[31m" in done.stderr
    assert done.stderr.removesuffix("\n").isprintable()


def test_an_id_cannot_lead_the_terminal(run):
    with Script(answer("202 Accepted", ANSWER.format("id"))) as script:
        assert run("publish", script.url, "hello") == (0, r"a\x1b[31m\x9b\u202e\u2028bé" + "\n", "")


def test_an_argument_cannot_lead_the_terminal(run):
    done = run("publish", "http://127.0.0.1/", "hello", "\x1b[31m")
    assert done.stderr.endswith("sse_demo: unrecognized arguments: \\x1b[31m\n")


def test_a_line_of_the_log_cannot_lead_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    log_to_stderr(verbose=False)
    logger = logging.getLogger("sse_demo.test")
    logger.info("nothing is going on")
    try:
        raise ValueError("bad\x1b[31m")
    except ValueError:
        logger.exception("broken\n\x1b[31m")
    first, *traceback = capsys.readouterr().err.splitlines()
    assert first == r"sse_demo: broken\n\x1b[31m"
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == r"ValueError: bad\x1b[31m"


@contextlib.contextmanager
def served():
    with Script(STREAM + b"data: one\n\n") as stream, Script(answer("202 Accepted", '{"id": "7"}')) as publication:
        yield {
            "listen": ["listen", stream.url, "--count", "1"],
            "publish": ["publish", publication.url, "hello"],
            "help": ["--help"],
            "version": ["--version"],
            "serve": ["serve", "--port", "0"],
        }


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("name", ["listen", "publish", "help", "version", "serve"])
def test_a_full_disk_is_one_line(name, buffered):
    with served() as commands, open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "sse_demo", *commands[name]]
        env = os.environ | {"PYTHONUNBUFFERED": buffered}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, env=env)
    assert done.returncode == 1
    assert done.stderr == "sse_demo: standard output cannot be written: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that closes a stream")
@pytest.mark.parametrize(
    ("name", "closed", "status", "stderr"),
    [
        ("listen", ">&-", 1, "sse_demo: standard output is closed\n"),
        ("publish", ">&-", 1, "sse_demo: standard output is closed\n"),
        ("help", ">&-", 1, "sse_demo: standard output is closed\n"),
        ("listen", "2>&-", 0, ""),
        ("publish", "<&-", 0, ""),
        ("version", "<&- 2>&-", 0, ""),
    ],
)
def test_a_closed_stream_is_no_traceback(name, closed, status, stderr):
    with served() as commands:
        command = ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "sse_demo", *commands[name]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (status, stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a disk that is always full")
@pytest.mark.parametrize(("arguments", "status"), [(["publish", "nowhere", "hello"], 1), (["nonsense"], 2)])
@pytest.mark.parametrize("to", [">/dev/full", ">&-"])
def test_errors_that_nobody_can_be_told_change_no_status(arguments, status, to):
    command = ["sh", "-c", f'"$@" 2{to}', "sh", sys.executable, "-m", "sse_demo", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=20)
    assert (done.returncode, done.stdout) == (status, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_reader_that_leaves_is_no_failure(start):
    """Whether or not the process is told by SIGPIPE: Python ignores that signal, and so do processes it starts."""
    with Script(STREAM + b"data: one\n\n" * 1000) as script:
        with start("listen", script.url, stderr=subprocess.PIPE, restore_signals=True) as listener:
            assert listener.stdout.readline() == "message  one\n"
            listener.stdout.close()
            listener.send_signal(signal.SIGPIPE)
            assert listener.wait(20) == 0
            assert listener.stderr.read() == ""


def test_a_command_that_runs_in_a_notebook_prints_where_the_notebook_prints(monkeypatch):
    """There, stdout is no file, and has no encoding to be told."""

    class Cell:
        text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    cell = Cell()
    monkeypatch.setattr(sys, "stdout", cell)
    monkeypatch.setattr(sys, "stderr", cell)
    output.prepare()
    say(visible_json("é"))
    tell("told")
    assert cell.text == '"é"\nsse_demo: told\n'


def test_nobody_there_is_told_of_an_address_that_cannot_lead_the_terminal(run):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/\u202e"
    for command in (["listen", url, "--max-tries", "1"], ["publish", url, "hello"]):
        done = run(*command)
        assert done.status == 1
        assert done.stderr.removesuffix("\n").isprintable()
