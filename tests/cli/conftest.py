"""The command line in this process, and as a process of its own where that is what a test is about."""

import io
import re
import signal
import sys
from typing import NamedTuple

import pytest
from support import running

from sse_demo.cli.main import main


class Outcome(NamedTuple):
    """What has become of a command."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture(autouse=True)
def signals():
    """A command sets signals; and a shell that runs us in the background makes us, and our processes, ignore Ctrl-C."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(capsys, monkeypatch):
    """``run("publish", url, "-", stdin="hello")`` runs a command in this process."""

    def run_here(*arguments, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            status = main(list(arguments))
        except SystemExit as end:
            status = end.code or 0
        return Outcome(status, *capsys.readouterr())

    return run_here


@pytest.fixture
def start():
    """``start("listen", url)`` runs a command as a process, in a ``with`` block that ends it."""

    def start_process(*arguments, **options):
        return running([sys.executable, "-m", "sse_demo", *arguments], **options)

    return start_process


@pytest.fixture
def served(start):
    """A running ``serve``: the process and its address."""
    with start("serve", "--port", "0", "--live", "--drain", "1") as process:
        yield process, re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
