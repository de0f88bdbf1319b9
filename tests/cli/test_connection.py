"""How ``listen`` and ``publish`` reach a server: headers, a token, certificates, a proxy, redirects, a body."""

import os
import socket
import ssl
import subprocess
import sys

import pytest
import trustme
from support import HOLD, NO_MORE, RETRY, STREAM, Script

from sse_demo import Access, serve

ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\n\r\n{"id": "7"}'
COMMANDS = [("listen", ()), ("publish", ("hello",))]


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A server with TLS, and the file of the authority that has signed its certificate."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("tls") / "größe.pem"
    file.write_bytes("# Größe\n".encode() + authority.cert_pem.bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serve(tls=context) as server:
        server.publish("news", "secret")
        yield f"{server.url}/events?topic=news&recent=1", str(file)


@pytest.fixture
def token(tmp_path):
    """A file with a token, which nobody else may read."""
    file = tmp_path / "token"
    file.write_text("abc.def==\n")
    file.chmod(0o600)
    return file


def arguments_for(name, url):
    return ["listen", url, "--count", "1"] if name == "listen" else ["publish", url, "hello"]


@pytest.fixture(params=["listen", "publish"])
def asked(request, run):
    """``asked(*options)`` runs each command, and returns what it has asked, and its outcome."""

    def ask(*options, change=lambda url: url):
        with Script(ACCEPTED if request.param == "publish" else STREAM + b"data: one\n\n") as script:
            done = run(*arguments_for(request.param, change(script.url)), *options)
            return script.request(), done

    return ask


def test_headers_are_sent(asked):
    (_, headers, _), done = asked("--header", "X-Lesson: 4", "--header", "Authorization: Bearer t")
    assert (done.status, headers["x-lesson"], headers["authorization"]) == (0, "4", "Bearer t")


def test_a_token_is_sent(asked, token):
    (_, headers, _), done = asked("--token-file", str(token))
    assert (done.status, done.stderr, headers["authorization"]) == (0, "", "Bearer abc.def==")


def test_a_token_that_was_renewed_is_sent_with_the_next_connection(start, token, eventually):
    """As a process that is told, by an event, that its first connection has been made."""
    with Script([STREAM + RETRY + b"data: one\n\n", HOLD], NO_MORE) as script:
        with start("listen", script.url, "--token-file", str(token)) as listener:
            assert listener.stdout.readline() == "message  one\n"
            token.write_text("")  # somebody is just writing the file
            token.write_text("renewed")
            eventually(lambda: script.held)  # the script is done with what it sends
            script.held[0].shutdown(2)
            assert script.headers()["authorization"] == "Bearer abc.def=="
            assert script.headers()["authorization"] == "Bearer renewed"
            assert listener.wait(20) == 0


def test_a_file_that_is_empty_for_a_moment_changes_no_token(token, capsys):
    from sse_demo.cli.connection import Token

    kept = Token(str(token))
    token.write_text(" \n")
    assert kept.header() == {"Authorization": "Bearer abc.def=="}
    token.unlink()
    assert kept.header() == {"Authorization": "Bearer abc.def=="}
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_token_from_a_pipe_is_read_once(asked):
    end, other = os.pipe()
    os.write(other, b"from-a-pipe\n")
    os.close(other)
    (_, headers, _), done = asked("--token-file", f"/dev/fd/{end}")
    os.close(end)
    assert (done.status, done.stderr, headers["authorization"]) == (0, "", "Bearer from-a-pipe")


@pytest.mark.parametrize("content", [b"", b"two words", b"a\nb", b"gr\xc3\xb6\xc3\x9fe", b"a\x1bb", b"secret" * 20_000])
@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_what_is_no_token_is_one_line_that_does_not_show_it(run, token, name, more, content):
    token.write_bytes(content)
    done = run(name, "http://127.0.0.1:1/", *more, "--token-file", str(token))
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"sse_demo: {token} h")
    assert done.stderr.count("\n") == 1
    assert not content or content.decode() not in done.stderr


def test_a_token_of_the_environment_is_sent(asked, monkeypatch):
    monkeypatch.setenv("SSE_DEMO_TOKEN", "of-the-environment\n")
    (_, headers, _), done = asked()
    assert (done.status, done.stderr, headers["authorization"]) == (0, "", "Bearer of-the-environment")


@pytest.mark.parametrize("value", ["", " \n"])
def test_an_environment_without_a_token_sends_none(asked, monkeypatch, value):
    monkeypatch.setenv("SSE_DEMO_TOKEN", value)
    (_, headers, _), done = asked()
    assert done.status == 0
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("options", "change", "sent"),
    [
        (["--token-file", "{token}"], "", "Bearer abc.def=="),
        (["--header", "authorization: Bearer named"], "", "Bearer named"),
        ([], "//ada:secret@", "Basic YWRhOnNlY3JldA=="),
    ],
)
def test_what_was_named_counts_before_the_environment(asked, token, monkeypatch, options, change, sent):
    monkeypatch.setenv("SSE_DEMO_TOKEN", "of-the-environment")
    options = [option.format(token=token) for option in options]
    (_, headers, _), done = asked(*options, change=lambda url: url.replace("//", change or "//"))
    assert (done.status, headers["authorization"]) == (0, sent)


@pytest.mark.parametrize("value", ["two words", "a\nb", "grüße-von-ada", "a\x1bb"])
@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_what_is_no_token_in_the_environment_is_not_shown(run, monkeypatch, name, more, value):
    monkeypatch.setenv("SSE_DEMO_TOKEN", value)
    done = run(name, "http://127.0.0.1:1/", *more)
    assert done == (
        1,
        "",
        "sse_demo: SSE_DEMO_TOKEN holds no token, which is one line of ASCII characters without spaces\n",
    )


PLANTED = "eyJhbGciOiJub25lIn0.eyJwbGFudGVkIjoxfQ.cGxhbnRlZA"  # {"alg": "none"}, {"planted": 1}


@pytest.mark.parametrize("arguments", [["--token", PLANTED], [f"--token={PLANTED}"], ["--token-file", PLANTED]])
@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_a_token_as_an_argument_is_refused_and_not_shown(run, name, more, arguments):
    done = run(name, "http://127.0.0.1:1/", *more, *arguments)
    assert done.status == (1 if "--token-file" in arguments else 2)
    assert "--token-file" in done.stderr
    assert PLANTED not in done.stdout + done.stderr


@pytest.mark.parametrize("verbose", [[], ["-v"]])
@pytest.mark.parametrize("source", ["file", "environment"])
@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_a_token_is_shown_nowhere_although_the_server_repeats_it(run, token, monkeypatch, name, more, source, verbose):
    """In the reason of its status line, and in the problem."""
    token.write_text(PLANTED)
    if source == "environment":
        monkeypatch.setenv("SSE_DEMO_TOKEN", PLANTED)
    problem = f'{{"detail": "the token {PLANTED} has expired"}}'.encode()
    head = f"HTTP/1.1 401 No {PLANTED}\r\nContent-Type: application/problem+json\r\nContent-Length: {len(problem)}"
    with Script(head.encode() + b"\r\n\r\n" + problem) as script:
        file = ["--token-file", str(token)] if source == "file" else []
        done = run(name, script.url, *more, *file, *verbose)
        assert script.headers()["authorization"] == f"Bearer {PLANTED}"
    assert (done.status, done.stdout) == (1, "")
    assert "the token [hidden] has expired" in done.stderr
    assert "--token-file" not in done.stderr, "there is one already"
    for part in PLANTED.split("."):
        assert part not in done.stderr


@pytest.mark.parametrize("verbose", [[], ["-v"]])
@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_the_log_of_a_process_does_not_show_a_token(start, token, name, more, verbose):
    """As a process: pytest has the log of this one."""
    token.write_text(PLANTED)
    head = f"HTTP/1.1 503 {PLANTED}\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".encode()
    with Script(head) as script:
        patient = ["--patient", "--max-tries", "2"] if name == "listen" else []
        arguments = [name, script.url, *more, *patient, "--token-file", str(token), *verbose]
        with start(*arguments, stderr=subprocess.PIPE) as process:
            stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (1, "")
    assert "503" in stderr
    for part in PLANTED.split("."):
        assert part not in stderr


@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_who_has_shown_nothing_is_told_how(run, name, more):
    with serve(access=Access(anonymous=["other"])) as server:
        url = f"{server.url}/events?topic=news"
        for arguments, stdin in ((more, ""), (("-",), "a line\n")) if name == "publish" else ((more, ""),):
            done = run(name, url, *arguments, stdin=stdin)
            assert (done.status, done.stdout, done.stderr.count("\n")) == (1, "", 1)
            assert "401 Unauthorized" in done.stderr
            assert "say who you are" in done.stderr, "the problem's own words"
            assert done.stderr.endswith("; --token-file, or SSE_DEMO_TOKEN in the environment, sends a token\n")


@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_a_token_that_goes_unencrypted_over_the_network_is_told(run, token, monkeypatch, name, more):
    def unknown(host, *_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    tries = ["--max-tries", "1"] if name == "listen" else []
    warning = "sse_demo: the token goes unencrypted to tea.test; an address with https would protect it"
    for scheme, told in (("http", True), ("https", False)):
        done = run(name, f"{scheme}://tea.test/", *more, *tries, "--token-file", str(token))
        assert (warning in done.stderr.splitlines()) is told


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_token_that_everybody_may_read_is_told(asked, token):
    token.chmod(0o644)
    _, done = asked("--token-file", str(token))
    assert done.status == 0
    assert done.stderr == (
        f"sse_demo: everybody on this machine may read the token in {token}; chmod 600 would change that\n"
    )


@pytest.mark.parametrize("option", ["--token-file", "--ca-file", "--data=@"])
@pytest.mark.parametrize("what", ["folder", "nothing"])
def test_a_file_that_cannot_be_read_is_one_line(run, tmp_path, option, what):
    path = str(tmp_path if what == "folder" else tmp_path / "nothing")
    arguments = [option + path] if option.endswith("@") else [option, path]
    done = run("listen", "http://127.0.0.1:1/", *arguments)
    assert (done.status, done.stdout) == (1, "")
    why = "Is a directory" if what == "folder" else "No such file or directory"
    assert done.stderr == f"sse_demo: {path!r}: {why}\n"


@pytest.mark.parametrize("name", ["listen", "publish"])
def test_an_authority_in_a_file_is_trusted(run, secure, name):
    url, file = secure
    assert run(*arguments_for(name, url), "--ca-file", file)[::2] == (0, "")
    unknown = run(*arguments_for(name, url), *(["--max-tries", "1"] if name == "listen" else []))
    assert unknown.status == 1
    assert "certificate verify failed" in unknown.stderr


@pytest.mark.parametrize("name", ["listen", "publish"])
def test_a_certificate_that_is_not_checked_is_told(run, secure, name):
    done = run(*arguments_for(name, secure[0]), "--insecure")
    assert done[::2] == (0, "sse_demo: the certificate of the server is not checked (--insecure)\n")


def test_what_is_no_certificate_is_one_line(run, token):
    done = run("publish", "https://127.0.0.1:1/", "hello", "--ca-file", str(token))
    assert done == (1, "", f"sse_demo: {token} has no certificate in PEM format\n")


def test_a_file_and_no_check_contradict_each_other(run):
    done = run("publish", "https://127.0.0.1:1/", "hello", "--ca-file", "x", "--insecure")
    assert done.status == 2
    assert done.stderr.endswith("sse_demo: argument --insecure: not allowed with argument --ca-file\n")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", ["listen", "publish"])
def test_a_proxy_is_asked_where_it_is_named(run, monkeypatch, name, named):
    with Script(ACCEPTED if name == "publish" else STREAM + b"data: one\n\n") as proxy:
        address = proxy.url.removesuffix("/events").replace("http://", "http://ada:secret@")
        if not named:
            monkeypatch.setenv("http_proxy", address)
        done = run(*arguments_for(name, "http://nobody.test/events"), "--proxy", address if named else "environment")
        first, headers, _ = proxy.request()
    assert done[::2] == (0, "")
    assert first.split()[1] == "http://nobody.test/events"
    assert headers["proxy-authorization"] == "Basic YWRhOnNlY3JldA=="


def test_a_proxy_of_the_environment_is_not_asked_unless_it_is_named(asked, monkeypatch):
    for variable in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1/")
    (first, _, _), done = asked()
    assert (done.status, first.split()[1]) == (0, "/events")
    (first, _, _), done = asked("--proxy", "environment")
    assert (done.status, first.split()[1]) == (0, "/events"), "an address on this machine needs none"


@pytest.mark.parametrize(("name", "more"), COMMANDS)
def test_what_is_no_proxy_is_one_line_that_shows_no_password(run, name, more):
    done = run(name, "http://127.0.0.1:1/", *more, "--proxy", "ftp://ada:secret@proxy.test/")
    assert (done.status, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "proxy" in done.stderr
    assert "secret" not in done.stderr


def test_an_address_is_sent_as_it_was_written(asked):
    (first, headers, _), done = asked(change=lambda url: f"{url.replace('//', '//ada:sec%40ret@')}?a=größe&b=x y%2B")
    assert done.status == 0
    assert first.split()[1].startswith("/events?a=gr%C3%B6%C3%9Fe&b=x")
    assert first.split()[1].endswith("y%2B")
    assert headers["authorization"] == "Basic YWRhOnNlY0ByZXQ="


@pytest.mark.parametrize(("name", "more"), COMMANDS)
@pytest.mark.parametrize("host", ["größe.invalid", "ä" * 70 + ".invalid", "a..b", ""])
def test_a_name_that_nobody_has_is_one_line(run, monkeypatch, name, more, host):
    def unknown(host, *_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    tries = ["--max-tries", "1"] if name == "listen" else []
    done = run(name, f"http://ada:secret@{host}/", *more, *tries)
    assert (done.status, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "secret" not in done.stderr


@pytest.mark.parametrize(("name", "more"), COMMANDS)
@pytest.mark.parametrize(
    "url", ["", "nowhere", "http://\udcff/", "http://127.0.0.1:1/\udcff", "http://\x1b/", "http://[/"]
)
def test_what_is_no_address_is_one_line(run, name, more, url):
    done = run(name, url, *more, *(["--max-tries", "1"] if name == "listen" else []))
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.removesuffix("\n").isprintable()


def test_a_redirect_into_a_stream_is_not_followed_by_a_publisher(run):
    with Script([STREAM, HOLD]) as stream:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {stream.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with Script(redirect) as script:
            done = run("publish", script.url, "hello")
        assert stream.requests.empty()
    assert done == (1, "", f"sse_demo: {script.url} answered 302 Found: a redirect is not followed\n")


@pytest.mark.parametrize(
    ("options", "method", "kind", "body"),
    [
        (["--data", '{"model": "tea"}'], "POST", "application/json", '{"model": "tea"}'),
        (["--data", "NaN"], "POST", "text/plain; charset=utf-8", "NaN"),
        (["--data", "[" * 9000], "POST", "text/plain; charset=utf-8", "[" * 9000),
        (["--data", "größe"], "POST", "text/plain; charset=utf-8", "größe"),
        (["--data", "{}", "--method", "put", "--header", "content-type: x/y"], "PUT", "x/y", "{}"),
        (["--data", "@-"], "POST", "text/plain; charset=utf-8", "from stdin"),
        (["--data", "@{file}"], "POST", "application/json", '["from a file"]'),
        (["--method", "POST"], "POST", "application/octet-stream", ""),
        ([], "GET", None, ""),
    ],
)
def test_a_stream_is_asked_for_with_a_method_and_a_body(run, tmp_path, options, method, kind, body):
    file = tmp_path / "body"
    file.write_text('["from a file"]')
    with Script(STREAM + b"data: one\n\n") as script:
        arguments = [option.format(file=file) if option.startswith("@") else option for option in options]
        done = run("listen", script.url, "--no-reconnect", *arguments, stdin="from stdin")
        first, headers, sent = script.request()
        assert script.requests.empty()
    assert done == (0, "message  one\n", "")
    assert (first, headers.get("content-type", kind), sent) == (f"{method} /events HTTP/1.1", kind, body)


def test_bytes_that_are_no_text_are_sent_from_a_file(run, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(b"\xff\0")
    with Script(NO_MORE) as script:
        assert run("listen", script.url, "--data", f"@{file}").status == 0
        head, _, body = script.requests.get(timeout=5).partition(b"\r\n\r\n")
    assert body == b"\xff\0"
    assert b"application/octet-stream" in head


def test_an_argument_that_is_no_text_is_no_body(run):
    done = run("listen", "http://127.0.0.1:1/", "--data", "\udcff")
    assert done == (1, "", "sse_demo: --data is no text in UTF-8; @FILE sends any bytes\n")


def test_a_stream_that_is_cut_is_not_asked_for_again(run):
    cut = STREAM.replace(b"\r\n\r\n", b"\r\nContent-Length: 100\r\n\r\n") + b"data: one\n\n"
    with Script(cut) as script:
        done = run("listen", script.url, "--no-reconnect")
        script.request()
        assert script.requests.empty()
    assert (done.status, done.stdout, done.stderr.count("\n")) == (1, "message  one\n", 1)
