"""``serve``: what it serves, how it ends, and what it says when it cannot."""

import math
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request

import pytest

from sse_demo import Settings
from sse_demo.web import open_files
from sse_demo.web.server import Server


@pytest.fixture
def serve(run, monkeypatch):
    """Run ``serve`` in this process, on a free port. Instead of waiting for its end, it looks at the server."""

    def serve_here(*arguments, look=lambda server: None):
        wait = Server.join

        def look_instead_of_waiting(server):
            monkeypatch.setattr(Server, "join", wait)  # for the end
            look(server)

        monkeypatch.setattr(Server, "join", look_instead_of_waiting)
        return run("serve", "--port", "0", *arguments)

    return serve_here


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_shows_what_to_try(serve):
    answer = serve("--live")
    url = re.search(r"http://127\.0\.0\.1:\d+", answer.stdout)[0]
    assert answer == (
        0,
        f"Serving at {url}/ (open it in a browser; Ctrl-C stops it)\n\n"
        f"  ten messages:   curl -N {url}/stream\n"
        f'  follow a topic: curl -N "{url}/events?topic=news"\n'
        f'  publish:        curl -d "hello" "{url}/events?topic=news"\n'
        f'  this machine:   curl -N "{url}/events?topic=machine"\n',
        "",
    )


def test_it_shows_no_demo_that_is_left_out(serve):
    statuses = {}

    def look(server):
        statuses.update({path: get(server.url + path) for path in ("/", "/stream", "/ping", "/health")})

    answer = serve("--no-demo", look=look)
    assert statuses == {"/": 404, "/stream": 404, "/ping": 404, "/health": 200}
    assert answer.stdout.startswith("Serving at http://127.0.0.1:")
    for word in ("browser", "ten messages", "/stream"):
        assert word not in answer.stdout
    assert "follow a topic" in answer.stdout


def test_an_address_that_a_browser_opens_is_shown_for_a_server_that_is_open_to_the_network(serve):
    served = []
    answer = serve("--host", "0.0.0.0", look=lambda server: served.append(get(f"http://127.0.0.1:{server.port}/ping")))
    assert served == [200]
    assert re.match(r"Serving at http://127\.0\.0\.1:\d+/", answer.stdout)


def test_the_settings_are_the_defaults_unless_they_are_given(serve):
    seen = []
    serve(look=lambda server: seen.append(server.hub.settings))
    serve("--heartbeat", "7", look=lambda server: seen.append(server.hub.settings.heartbeat))
    serve("--heartbeat", "7", "--set", "heartbeat=8", look=lambda server: seen.append(server.hub.settings.heartbeat))
    assert seen == [Settings(), 7, 8]


def test_any_setting_can_be_set(serve, tmp_path):
    seen = []

    def look(server):
        for n in range(3):
            server.publish("stocks/a", str(n), key="k")
        seen.append(server.hub.settings)

    arguments = ["coalesce=prices,stocks/*", "max_lag=inf", "log_events=5", "allow_credentials=true", "retry=0.5"]
    options = [option for argument in arguments for option in ("--set", argument)]
    answer = serve("--log", str(tmp_path / "e.db"), *options, look=look)
    assert answer.status == 0
    assert seen == [
        Settings(coalesce=("prices", "stocks/*"), max_lag=math.inf, log_events=5, allow_credentials=True, retry=0.5)
    ]
    assert (tmp_path / "e.db").exists()


def test_a_server_behind_a_proxy_can_be_set_up(serve):
    seen = []
    names = ["--set", "allow_hosts=tea.test,*.shop.test", "--set", "trusted_proxies=10.0.0.0/8,::1"]
    assert serve(*names, look=lambda server: seen.append(server.hub.settings)).status == 0
    assert seen == [Settings(allow_hosts=("tea.test", "*.shop.test"), trusted_proxies=("10.0.0.0/8", "::1"))]


def test_it_asks_for_many_open_files(serve, monkeypatch):
    asked = []
    monkeypatch.setattr(open_files, "allow_files", asked.append)
    serve()
    assert asked == [1 << 20]


@pytest.mark.parametrize(
    "setting",
    [
        "coalesce=bad topic!",
        "allow_origins=shop.example",
        "retry_jitter=inf",
        "allow_hosts=a/b",
        "trusted_proxies=10.0.0.0/99",
    ],
)
def test_a_bad_setting_is_one_line_on_stderr(serve, setting):
    answer = serve("--set", setting)
    assert answer.status == 1
    assert re.fullmatch(rf"sse_demo: {setting.split('=')[0]}.*\n", answer.stderr)


def test_a_port_in_use_is_explained(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run("serve", "--port", str(port))
    assert answer.status == 1
    assert answer.stderr == (
        f"sse_demo: port {port} on 127.0.0.1 is in use; choose another with --port, or --port 0 for any that is free\n"
    )


def test_a_port_that_is_none_is_one_line_on_stderr(run):
    answer = run("serve", "--port", "70000")
    assert answer == (1, "", "sse_demo: port must be a whole number from 0 to 65535, not 70000\n")


def test_a_log_that_cannot_be_used_is_explained(serve, tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at " * 100)
    answer = serve("--log", str(tmp_path / "notes.txt"))
    assert answer.status == 1
    assert re.fullmatch(r"sse_demo: .*cannot be used as a log: file is not a database\n", answer.stderr)


def test_it_serves_where_nobody_reads_what_it_says(serve, monkeypatch):
    """As a service may be started: without stdout."""
    served = []

    def look(server):
        served.append(get(f"{server.url}/ping"))

    monkeypatch.setattr(sys, "stdout", None)
    assert serve(look=look) == (0, "", "")
    assert served == [200]


@pytest.mark.parametrize("heartbeat", ["nan", "-1", "0"])
def test_a_number_that_makes_no_sense_is_one_line_on_stderr(serve, heartbeat):
    answer = serve("--heartbeat", heartbeat)
    assert (answer.status, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
    assert answer.stderr.startswith("sse_demo: heartbeat must be ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for another process")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_drains_it_and_ends_it_quietly(served, name):
    process, url = served
    streams = [urllib.request.urlopen(f"{url}/events?topic=a") for _ in range(5)]
    start = time.monotonic()
    process.send_signal(getattr(signal, name))
    for stream in streams:
        stream.read()
        stream.close()
    assert process.wait(10) == 0
    assert 0.8 < time.monotonic() - start < 5
