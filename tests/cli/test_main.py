"""The commands together: help, version, exit statuses, and what is loaded for them."""

import re
import shlex
import signal
import subprocess
import sys
from importlib import metadata

import pytest

from sse_demo.cli.main import COMMANDS, main

HEAVY = {"aiohttp", "tornado", "prometheus_client", "sqlite3", "psutil", "tqdm", "asyncio"}


def test_help_says_how_to_start(run):
    answer = run("--help")
    assert answer.status == 0
    for word in ("serve", "listen", "publish", "bench", "three terminals", "http://127.0.0.1:8000/"):
        assert word in answer.stdout


def test_the_three_commands_of_the_help_fit_together(run, server):
    serve, listen, publish = re.findall(r"^ +python -m sse_demo (.*)$", run("--help").stdout, re.MULTILINE)
    assert serve == "serve"
    listen, publish = (shlex.split(line.replace("http://127.0.0.1:8000", server.url)) for line in (listen, publish))
    assert run(*publish).status == 0
    assert run(listen[0], f"{listen[1]}&recent=1", "--count", "1").stdout.endswith("  hello\n")


def test_python_runs_the_package_and_loads_only_what_a_command_needs():
    """As a process: the module that Python runs, its exit status, and what is loaded by then."""
    code = "import runpy, sys; sys.argv[1:] = ['--version']\n"
    code += "try: runpy.run_module('sse_demo', run_name='__main__')\nexcept SystemExit as end: print(end.code or 0)\n"
    code += f"print({HEAVY!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == (f"sse_demo {metadata.version('sse-demo')}\n0\nset()\n", "")


def test_it_tells_when_it_has_no_version(run, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    answer = run("--version")
    assert (answer.status, answer.stderr) == (1, "sse_demo: it is not installed, so nothing tells its version\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(run, command):
    answer = run(command, "--help")
    assert answer.status == 0
    assert f"usage: python -m sse_demo {command}" in answer.stdout
    assert COMMANDS[command].SUMMARY in " ".join(run("--help").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "required"),
        (["nonsense"], "'nonsense'"),
        (["listen"], "URL"),
        (["listen", "http://x", "--count", "0"], "must be a whole number from 1 on, not '0'"),
        (["listen", "http://x", "--count", "x"], "must be a whole number from 1 on, not 'x'"),
        (["listen", "http://x", "--header", "X"], "must be NAME:VALUE, not 'X'"),
        (["serve", "--port", "x"], "'x'"),
        (["serve", "--drain", "-1"], "must be a number of seconds that is not negative, not '-1'"),
        (["serve", "--drain", "long"], "must be a number of seconds that is not negative, not 'long'"),
        (["serve", "--set", "log_age"], "must be NAME=VALUE, not 'log_age'"),
        (["serve", "--set", "log_agee=3"], "'log_agee' is no setting; there are "),
        (["serve", "--set", "log_age=long"], "log_age must be a number, not 'long'"),
        (["serve", "--set", "allow_credentials=yes"], "allow_credentials must be true or false, not 'yes'"),
        (["bench", "--rounds", "0"], "must be a whole number from 1 on, not '0'"),
        (["serve", "--host", ""], "must be an address or a name of this machine, not ''"),
        (["serve", "--host", "a..b"], "must be an address or a name of this machine, not 'a..b'"),
        (["serve", "--host", "ä" * 70], "must be an address or a name of this machine, not 'ä"),
        (["listen", "http://x", "--read-timeout", "nan"], "must be a number of seconds greater than zero, not 'nan'"),
        (["listen", "http://x", "--read-timeout", "0"], "must be a number of seconds greater than zero, not '0'"),
        (["listen", "http://x", "--method", "GET /"], "must be a method, such as GET or POST, not 'GET /'"),
        (["publish", "http://x", "hello", "--timeout", "1e400"], "must be a number of seconds greater than zero"),
        (["publish", "http://x", "-", "--max-tries", "0"], "must be a whole number from 1 on, not '0'"),
        (["publish", "http://x"], "DATA"),
        (["publish", "http://x", "hello", "--retry", "inf"], "must be a number of seconds that is not negative"),
    ],
)
def test_a_wrong_call_shows_the_usage(run, arguments, why):
    answer = run(*arguments)
    assert (answer.status, answer.stdout) == (2, "")
    assert answer.stderr.startswith("usage: python -m sse_demo")
    assert re.search(rf"^sse_demo: .*{re.escape(why)}", answer.stderr, re.MULTILINE)


def test_an_interrupt_is_no_failure(run, monkeypatch):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMANDS["publish"], "run", interrupt)
    assert run("publish", "http://127.0.0.1:1/", "hello") == (0, "", "")


def test_a_package_that_is_missing_is_one_line_on_stderr(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    answer = run("bench")
    assert (answer.status, answer.stdout) == (1, "")
    assert re.fullmatch(r"sse_demo: the command bench needs tqdm, .*pip install .*\[bench\].*\n", answer.stderr)


def test_a_service_manager_may_end_a_command(monkeypatch):
    def be_told(options):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(COMMANDS["publish"], "run", be_told)
    with pytest.raises(SystemExit) as end:
        main(["publish", "http://127.0.0.1:1/", "hello"])
    assert end.value.code == 0


def test_verbose_tells_what_is_going_on(start, server):
    """As a process: pytest has the log of this one."""
    url = f"{server.url}/stream?interval=0"
    with start("listen", url, "--count", "1", "-v", stderr=subprocess.PIPE) as process:
        assert f"{url} is open: connected" in process.communicate(timeout=20)[1]
