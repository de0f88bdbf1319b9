"""The command line, as real processes."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from importlib import metadata

import pytest
from support import HOLD, NO_MORE, RETRY, STREAM, Script, running

COMMAND = [sys.executable, "-m", "sse_demo"]
COUNT_0 = ["listen", "http://127.0.0.1/stream", "--count", "0"]


def run(*arguments, stdin=None):
    return subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=20)


@pytest.fixture(autouse=True)
def interruptible():
    """A shell that runs us in the background makes us ignore Ctrl-C, and our processes would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def served():
    """A running ``serve``: the process and its address."""
    with running([*COMMAND, "serve", "--port", "0", "--live"]) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        yield process, url


def test_help_says_how_to_start():
    answer = run("--help")
    assert answer.returncode == 0
    for word in ("serve", "listen", "publish", "three terminals", "http://127.0.0.1:8000/"):
        assert word in answer.stdout


def test_the_three_commands_of_the_help_fit_together(served):
    _, url = served
    serve, listen, publish = re.findall(r"^ +python -m sse_demo (.*)$", run("--help").stdout, re.MULTILINE)
    assert serve == "serve"
    listen, publish = (shlex.split(line.replace("http://127.0.0.1:8000", url)) for line in (listen, publish))
    assert run(*publish).returncode == 0
    assert run(listen[0], f"{listen[1]}&recent=1", "--count", "1").stdout.endswith("  hello\n")


def test_it_tells_its_version():
    answer = run("--version")
    assert (answer.returncode, answer.stdout) == (0, f"sse_demo {metadata.version('sse-demo')}\n")


@pytest.mark.parametrize("command", ["serve", "listen", "publish", "bench"])
def test_each_command_explains_itself(command):
    answer = run(command, "--help")
    assert answer.returncode == 0
    assert f"python -m sse_demo {command}" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "required"),
        (["nonsense"], "'nonsense'"),
        (["listen"], "URL"),
        (["listen", "http://x", "--count", "0"], "must be a whole number from 1 on, not '0'"),
        (["listen", "http://x", "--count", "x"], "must be a whole number from 1 on, not 'x'"),
        (["serve", "--port", "x"], "'x'"),
        (["serve", "--drain", "-1"], "must be a number of seconds that is not negative, not '-1'"),
        (["serve", "--drain", "long"], "must be a number of seconds that is not negative, not 'long'"),
        (["serve", "--set", "log_age"], "must be NAME=VALUE, not 'log_age'"),
        (["serve", "--set", "log_agee=3"], "'log_agee' is no setting; there are max_connections, "),
        (["serve", "--set", "log_age=long"], "log_age must be a number, not 'long'"),
        (["bench", "--rounds", "0"], "must be a whole number from 1 on, not '0'"),
        (["publish", "http://x"], "DATA"),
    ],
)
def test_a_wrong_call_shows_the_usage(arguments, why):
    answer = run(*arguments)
    assert answer.returncode == 2
    assert "usage: python -m sse_demo" in answer.stderr
    assert why in answer.stderr


def test_serve_shows_what_to_try(served):
    process, url = served
    text = "".join(process.stdout.readline() for _ in range(5))
    assert f"curl -N {url}/stream" in text
    assert f'curl -N "{url}/events?topic=news"' in text
    assert f'curl -d "hello" "{url}/events?topic=news"' in text
    assert f'curl -N "{url}/events?topic=machine"' in text


def test_serve_shows_an_address_that_a_browser_opens():
    command = [*COMMAND, "serve", "--host", "0.0.0.0", "--port", "0"]
    with running(command) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        assert urllib.request.urlopen(f"{url}/ping").status == 200


@pytest.mark.parametrize("setting", ["coalesce=bad topic!", "allow_origins=shop.example", "retry_jitter=inf"])
def test_a_bad_setting_is_one_line_on_stderr(setting):
    answer = run("serve", "--port", "0", "--set", setting)
    assert answer.returncode == 1
    assert re.fullmatch(rf"sse_demo: {setting.split('=')[0]}.*\n", answer.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for another process")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_serve_ends_quietly(served, name):
    process, url = served
    with running([*COMMAND, "listen", f"{url}/events?topic=machine"]) as listener:
        listener.stdout.readline()
        process.send_signal(getattr(signal, name))
        assert process.wait(timeout=5) == 0
        listener.terminate()
        assert listener.wait(timeout=5) == 0


def test_serve_on_a_port_in_use(served):
    _, url = served
    answer = run("serve", "--port", url.rpartition(":")[2])
    assert answer.returncode == 1
    assert re.fullmatch(
        r"sse_demo: port \d+ on 127\.0\.0\.1 is in use; .*--port 0 for any that is free\n", answer.stderr
    )


def test_listen_prints_each_event(served):
    _, url = served
    answer = run("listen", f"{url}/stream?interval=0", "--count", "2")
    assert answer.returncode == 0
    assert re.fullmatch(r'message  id=0  \{"seq": 0, .*\}\nmessage  id=1  \{"seq": 1, .*\}\n', answer.stdout)
    answer = run("listen", f"{url}/stream?interval=0", "--count", "1", "--json", "--last-event-id", "4")
    event = json.loads(answer.stdout)
    assert (event["event"], event["id"], json.loads(event["data"])["seq"]) == ("message", "5", 5)


def test_listen_prints_as_it_comes(served):
    _, url = served
    with running([*COMMAND, "listen", f"{url}/events?topic=machine"]) as listener:
        assert '"cpu"' in listener.stdout.readline()
        assert '"cpu"' in listener.stdout.readline()


def test_listen_into_a_pipe_that_closes(served):
    _, url = served
    command = [*COMMAND, "listen", f"{url}/stream?interval=0.05"]
    with running(command, stderr=subprocess.PIPE) as listener:
        listener.stdout.readline()
        listener.stdout.close()
        assert listener.stderr.read() == ""
        assert listener.wait(timeout=5) == 0


def test_listen_to_what_is_no_stream(served):
    _, url = served
    answer = run("listen", f"{url}/ping")
    assert answer.returncode == 1
    assert (
        answer.stderr
        == f"sse_demo: {url}/ping sends application/json, not text/event-stream: this is no event stream (try 1)\n"
    )
    assert "http or https" in run("listen", "nowhere").stderr


def test_verbose_tells_what_is_going_on(served):
    _, url = served
    answer = run("listen", f"{url}/stream?interval=0", "--count", "1", "-v")
    assert f"{url}/stream?interval=0 is open: connected" in answer.stderr


def test_listen_on_a_bad_line():
    unavailable = b"HTTP/1.1 503 Full\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
    with Script(unavailable, [STREAM + b"retry: 1\n\ndata: a\n\n", HOLD], unavailable) as script:
        options = ["--patient", "--read-timeout", "1", "--max-tries", "2", "--header", "X-Lesson: 4"]
        answer = run("listen", script.url, *options)
        assert answer.stdout == "message  a\n"
        again = "trying again each time after a longer wait (Ctrl-C stops)"
        assert answer.stderr.splitlines() == [
            f"sse_demo: {script.url}: answered 503 Full, not 200; {again}",
            f"sse_demo: the connection to {script.url} was lost; {again}",
            f"sse_demo: {script.url} was given up, answered 503 Full, not 200 (try 2)",
        ]
        assert script.headers()["x-lesson"] == "4"
    assert "must be NAME:VALUE" in run("listen", script.url, "--header", "X").stderr


def test_listen_tells_once_that_nothing_answers():
    with Script([STREAM + RETRY + b"data: a\n\n", HOLD]) as script:
        listener = subprocess.Popen(
            [*COMMAND, "listen", script.url, "--max-tries", "5"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert listener.stdout.readline() == "message  a\n"
    _, errors = listener.communicate(timeout=20)
    assert listener.returncode == 1
    assert errors.splitlines() == [
        f"sse_demo: nothing answers at {script.url}; trying again every 0.01 s (Ctrl-C stops)",
        f"sse_demo: nothing answers at {script.url}; is the server running? (try 5)",
    ]


def test_listen_tells_of_each_outage_and_not_of_an_end_in_order():
    chunked = STREAM.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    cut_off = chunked + b"%x\r\n%b\r\n" % (len(RETRY), RETRY)
    with Script(cut_off, STREAM, cut_off, NO_MORE) as script:
        answer = run("listen", script.url)
    assert answer.returncode == 0
    assert (
        answer.stderr
        == f"sse_demo: the connection to {script.url} was lost; trying again every 0.01 s (Ctrl-C stops)\n" * 2
    )


def test_listen_marks_the_lines_of_one_event():
    with Script(STREAM + b"data: one\ndata: two\ndata:\n\ndata: next\n\n") as script:
        answer = run("listen", script.url, "--count", "2")
    assert answer.stdout == "message  one\n  | two\n  | \nmessage  next\n"


def test_publish_prints_the_id(served):
    _, url = served
    topic = f"{url}/events?topic=news"
    id = run("publish", topic, "hello", "--event", "a greeting").stdout.strip()
    run("publish", topic, "-", stdin="from\nstdin")
    answer = run("listen", f"{topic}&recent=2", "--count", "2", "--json")
    first, second = map(json.loads, answer.stdout.splitlines())
    assert first == {"event": "a greeting", "id": id, "data": "hello"}
    assert second["data"] == "from\nstdin"


def test_publish_explains_a_refusal(served):
    _, url = served
    answer = run("publish", f"{url}/events", "hello")
    assert answer.returncode == 1
    assert answer.stderr == (
        f"sse_demo: {url}/events answered 400 Bad Request: the query names no topic; use /events?topic=news\n"
    )
    with Script(b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\noops") as script:  # a proxy explains nothing
        assert run("publish", script.url, "hello").stderr == f"sse_demo: {script.url} answered 502 Bad: oops\n"


def test_publish_to_nobody(served):
    process, url = served
    process.terminate()
    process.wait()
    answer = run("publish", f"{url}/events?topic=a", "hello")
    assert answer.returncode == 1
    assert "is the server running?" in answer.stderr
    assert "http or https" in run("publish", "nowhere", "hello").stderr


def test_a_port_that_is_none_is_one_line_on_stderr():
    done = run("serve", "--port", "70000")
    assert (done.returncode, done.stderr) == (1, "sse_demo: port must be a whole number from 0 to 65535, not 70000\n")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/events?topic=a b",
        "http://127.0.0.1:x/events",
        "http://127.0.0.1:99999/events",
        "http://127.0.0.1:1/events?topic=é",
    ],
)
def test_publish_to_a_malformed_address_is_one_line_on_stderr(url):
    done = run("publish", url, "hello")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "nothing answers" not in done.stderr


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.0 200 OK\r\n\r\n{}", b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{"],
    ids=["not HTTP", "no id", "cut off"],
)
def test_publish_to_something_else_is_one_line_on_stderr(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        done = run("publish", f"http://127.0.0.1:{listener.getsockname()[1]}/", "hello")
        thread.join(5)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_bench_shows_a_table():
    answer = run("bench", "--subscribers", "20", "--events", "5", "--rounds", "1")
    assert answer.returncode == 0
    assert "20 subscribers, 5 events of 100 bytes, median of 1 rounds" in answer.stdout
    for word in ("sse_demo", "bare send loop", "deliveries a second", "CPU", "p99", "memory", "ratio"):
        assert word in answer.stdout
    assert "round 1 of 1" in answer.stderr


def test_any_setting_can_be_set(tmp_path):
    command = [*COMMAND, "serve", "--port", "0", "--log", str(tmp_path / "e.db")]
    command += ["--set", "coalesce=prices,stocks/*", "--set", "max_lag=inf", "--set", "log_events=5"]
    with running(command) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        for n in range(3):
            assert run("publish", f"{url}/events?topic=stocks/a&key=k", str(n)).returncode == 0
        listened = run("listen", f"{url}/events?topic=stocks/a&recent=5", "--count", "1")
        assert listened.stdout.endswith("  2\n")
        process.terminate()
        assert process.wait(10) == 0
    assert (tmp_path / "e.db").exists()


def test_a_log_that_cannot_be_used_is_explained(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at " * 100)
    answer = run("serve", "--port", "0", "--log", str(tmp_path / "notes.txt"))
    assert answer.returncode == 1
    assert re.fullmatch(r"sse_demo: .*notes\.txt cannot be used as a log: file is not a database\n", answer.stderr)


def test_sigterm_drains():
    with running([*COMMAND, "serve", "--port", "0", "--drain", "1"]) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        streams = [urllib.request.urlopen(f"{url}/events?topic=a") for _ in range(5)]
        start = time.monotonic()
        process.terminate()
        for stream in streams:
            stream.read()
            stream.close()
        assert process.wait(10) == 0
        assert 0.8 < time.monotonic() - start < 5
