"""``serve``: what it serves, how it ends, and what it says when it cannot."""

import argparse
import math
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request

import pytest

from sse_demo import Rights, Settings, sign_token
from sse_demo.cli import certificate
from sse_demo.cli import serve as serve_command
from sse_demo.cli.access import access_of
from sse_demo.web import open_files
from sse_demo.web.access.key_files import make_key_file, read_key_file
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


# --- who may listen and publish


@pytest.fixture
def key(tmp_path):
    """The path of a new secret."""
    assert make_key_file(tmp_path / "access.key") is None
    return str(tmp_path / "access.key")


def signed(path, *, issuer="sse-demo", audience="event-streams"):
    """A token that may read and publish news, signed with the key in a file."""
    rights = Rights(subscribe=("news",), publish=("news",))
    key = read_key_file(path)
    return sign_token(key, issuer=issuer, audience=audience, subject="ann", rights=rights, expires_in=60)


def status(server, path="/events?topic=news", token=None):
    """The status of an answer, whose rest is not waited for."""
    request = urllib.request.Request(server.url + path)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    return get(request)


def test_without_these_options_everybody_may_do_everything(serve):
    seen = []
    serve(look=lambda server: seen.extend([server.hub, get(f"{server.url}/session"), status(server)]))
    assert seen[1:] == [404, 200]


def test_only_who_has_a_token_is_let_in(serve, key, tmp_path):
    seen = []
    make_key_file(tmp_path / "other.key")

    def look(server):
        seen.extend(
            status(server, token=token)
            for token in (
                None,
                signed(key),
                signed(tmp_path / "other.key"),
                signed(key, issuer="shop"),
                signed(key, audience="tea"),
            )
        )

    answer = serve("--access-key-file", key, look=look)
    assert (answer.status, answer.stderr) == (0, "")
    assert seen == [401, 200, 401, 401, 401]


def test_whose_tokens_count_can_be_said(serve, key):
    seen = []
    options = ["--access-key-file", key, "--issuer", "shop", "--audience", "tea"]
    serve(*options, look=lambda server: seen.append(status(server, token=signed(key, issuer="shop", audience="tea"))))
    serve(*options, look=lambda server: seen.append(status(server, token=signed(key))))
    assert seen == [200, 401]


def test_several_keys_count(serve, key, tmp_path):
    seen = []
    other = tmp_path / "pair"
    make_key_file(other, "ed25519")
    options = ["--access-key-file", key, "--access-key-file", str(other)]
    serve(*options, look=lambda server: seen.extend(status(server, token=signed(path)) for path in (key, other)))
    assert seen == [200, 200]


def test_public_keys_are_enough(serve, tmp_path):
    seen = []
    public = make_key_file(tmp_path / "pair", "ec")
    serve("--jwks", public, look=lambda server: seen.append(status(server, token=signed(tmp_path / "pair"))))
    assert seen == [200]


def test_a_renewed_key_is_taken(serve, key, eventually, monkeypatch, tmp_path):
    monkeypatch.setattr(certificate, "LOOK_EVERY", 0.01)
    make_key_file(tmp_path / "new.key")

    def look(server):
        old = signed(key)
        assert status(server, token=old) == 200
        os.replace(tmp_path / "new.key", key)
        eventually(lambda: status(server, token=signed(key)) == 200)
        assert status(server, token=old) == 401
        looked.append(True)

    looked = []
    serve("--access-key-file", key, "--set", "max_failed_tries=inf", look=look)
    assert looked


def test_what_is_open_can_be_said(serve, key):
    seen = []
    paths = ["/metrics", "/events?topic=news/a", "/events?topic=tea", "/events?topic=secret", "/"]

    def look(server):
        seen.append([status(server, path) for path in paths])

    serve("--access-key-file", key, "--anonymous", "news/*,tea", "--open", "metrics", look=look)
    serve("--anonymous", "news/*", look=look)
    assert seen == [[200, 200, 200, 401, 200], [401, 200, 401, 401, 200]]


def test_a_server_with_access_control_tells_how_it_is_asked(serve, key):
    answer = serve("--access-key-file", key, "--issuer", "my shop")
    url = re.search(r"http://127\.0\.0\.1:\d+", answer.stdout)[0]
    assert answer.stdout == (
        f"Serving at {url}/ (open it in a browser; Ctrl-C stops it)\n\n"
        "  a token:        export SSE_DEMO_TOKEN=$(python -m sse_demo token "
        f"--subscribe news --publish news --key-file {key} --issuer 'my shop')\n"
        f'  follow a topic: python -m sse_demo listen "{url}/events?topic=news"\n'
        f'  publish:        python -m sse_demo publish "{url}/events?topic=news" "hello"\n'
    )


def test_secrets_of_sessions_are_read_from_a_file(key, tmp_path, capsys):
    file = tmp_path / "secrets"
    file.write_text("new-" * 10 + "\n\n" + "old-" * 10 + "\n")
    file.chmod(0o600)
    parser = argparse.ArgumentParser()
    serve_command.add_arguments(parser)
    options = parser.parse_args(["--access-key-file", key, "--session-secret-file", str(file)])
    who_may = access_of(options)
    assert who_may.access.session_secrets == (b"new-" * 10, b"old-" * 10)
    assert "new-" not in repr(who_may)
    assert capsys.readouterr() == ("", "")
    if sys.platform != "win32":
        file.chmod(0o644)
        access_of(options)
        assert f"may read the secrets in {file}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--issuer", "shop"], "give the key of the tokens, too, with --access-key-file or --jwks"),
        (
            ["--audience", "tea", "--anonymous", "news"],
            "give the key of the tokens, too, with --access-key-file or --jwks",
        ),
        (["--open", "metrics"], "--open makes sense where not all is open to everybody; give --access-key-file"),
        (["--session-secret-file", "x"], "--session-secret-file makes sense where not all is open"),
        (["--access-key-file", "no"], "there is no key file no; `python -m sse_demo token key no` makes it"),
        (["--access-key-file", "."], "Is a directory"),
        (
            ["--access-key-file", "{short}"],
            "{short} has no key that can be used: a secret for HS256 has at least 32 bytes",
        ),
        (["--access-key-file", "{key}", "--issuer", ""], "--issuer is a name, and not empty"),
        (
            ["--access-key-file", "{key}", "--session-secret-file", "{short}"],
            "{short} must have lines of at least 32 bytes",
        ),
        (["--access-key-file", "{key}", "--session-secret-file", "no"], "'no': No such file or directory"),
        (["--jwks", "no"], "'no': No such file or directory"),
        (["--jwks", "{key}"], "{key} is no JSON Web Key Set that can be used: "),
        (["--jwks", "https://id.example/jwks"], "give --issuer and --audience"),
        (["--jwks", "http://id.example/jwks", "--issuer", "a", "--audience", "b"], "keys are asked for with https"),
        (["--jwks", "https://u:planted@id.example/", "--issuer", "a", "--audience", "b"], "no user and no password"),
        (["--anonymous", ",".join(["a"] * 101)], "101 topics are more than 100"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line_that_says_how_to_go_on(serve, key, tmp_path, options, why):
    short = tmp_path / "short"
    short.write_text("planted")
    done = serve(*[option.format(key=key, short=short) for option in options])
    assert (done.status, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert why.format(key=key, short=short) in done.stderr
    assert "planted" not in done.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--anonymous", "a b"], "must be a topic"),
        (["--open", "admin"], "invalid choice: 'admin'"),
        (["--jwks", "a", "--access-key-file", "b"], "not allowed with argument"),
    ],
)
def test_an_option_that_is_none_shows_the_usage(serve, options, why):
    done = serve(*options)
    assert (done.status, done.stdout) == (2, "")
    assert re.search(rf"^sse_demo: .*{re.escape(why)}", done.stderr, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "told"), [([], True), (["--set", "trusted_proxies=10.0.0.1"], False), (["--host", "127.0.0.1"], False)]
)
def test_tokens_that_come_unencrypted_are_told(serve, key, options, told):
    answer = serve("--host", "0.0.0.0", "--access-key-file", key, *options)
    assert answer.status == 0
    assert ("tokens come unencrypted to 0.0.0.0; --tls-cert" in answer.stderr) is told
