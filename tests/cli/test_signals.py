"""Ctrl-C, and SIGTERM, at each moment of a command's life."""

import signal
import subprocess
import sys
from importlib import metadata

import pytest
from support import HOLD, STREAM, Script

from sse_demo.cli.main import COMMANDS, main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for another process")

WHILE_IT_LOADS = """
import importlib.abc, runpy, signal, sys
class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "sse_demo.cli.publish":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
runpy.run_module("sse_demo", run_name="__main__")
"""
AFTER_ITS_END = """
import atexit, runpy, signal, sys
atexit.register(signal.raise_signal, signal.SIGINT)
sys.argv[1:] = ["--version"]
runpy.run_module("sse_demo", run_name="__main__")
"""


@pytest.mark.parametrize("code", [WHILE_IT_LOADS, AFTER_ITS_END], ids=["while it loads", "after its end"])
def test_an_interrupt_before_and_after_the_command_is_quiet(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("options", [["--count", "5"], ["--json"], ["--no-reconnect"], ["--patient"]])
def test_a_listener_that_is_told_to_stop_is_quiet(start, name, options):
    with Script([STREAM + b"data: one\n\n", HOLD]) as script:
        with start("listen", script.url, *options, stderr=subprocess.PIPE) as listener:
            assert "one" in listener.stdout.readline()
            listener.send_signal(getattr(signal, name))
            assert listener.communicate(timeout=20) == ("", "")
            assert listener.returncode == 0


@pytest.mark.parametrize("data", [["hello"], ["-"]])
def test_a_publisher_that_waits_for_an_answer_or_for_lines_is_quiet(start, data):
    with Script([HOLD]) as script:
        options = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        with start("publish", script.url, *data, **options) as publisher:
            publisher.stdin.write("a line\n")
            publisher.stdin.flush()
            script.requests.get(timeout=20)
            publisher.send_signal(signal.SIGINT)
            assert publisher.stderr.read() == ""
            assert publisher.wait(20) == 0


def test_a_publisher_whose_input_stays_open_ends_at_once(start):
    """Python, at its end, must not wait for the thread that reads."""
    answer = b'HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\n\r\n{"ids": ["7"]}'
    with Script(answer) as script:
        options = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        with start("publish", script.url, "-", **options) as publisher:
            publisher.stdin.write("a line\n")
            publisher.stdin.flush()
            assert publisher.stdout.readline() == "7\n"
            publisher.send_signal(signal.SIGINT)
            assert publisher.stderr.read() == ""
            assert publisher.wait(20) == 0


def test_an_interrupt_is_ignored_where_it_was_ignored_before(start, server):
    """As a shell has it for what runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.publish("news", "one")
    url = f"{server.url}/events?topic=news&recent=1"
    with start("listen", url, "--count", "2", stderr=subprocess.PIPE) as listener:
        assert listener.stdout.readline().endswith("  one\n")
        listener.send_signal(signal.SIGINT)
        server.publish("news", "two")
        printed, errors = listener.communicate(timeout=20)
    assert (listener.returncode, errors) == (0, "")
    assert printed.endswith("  two\n")


def test_the_handlers_of_the_process_are_as_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(SystemExit):
        main(["--version"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_installed_command_is_the_one_that_python_runs():
    (script,) = [each for each in metadata.entry_points(group="console_scripts") if each.name == "sse-demo"]
    assert script.load() is main
    assert set(COMMANDS) == {"serve", "listen", "publish", "token", "bench"}
