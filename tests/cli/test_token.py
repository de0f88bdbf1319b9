"""``token``: what it signs, what it shows of a token, which keys it makes."""

import base64
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sse_demo import Issuer, Rights, secret_key, sign_token
from sse_demo.cli.token_show import _in_words
from sse_demo.web.access.key_files import make_key_file, read_key_file
from sse_demo.web.access.tokens import Tokens

PLANTED = "planted-secret-" * 5
SOME = ["--subscribe", "prices/*"]


@pytest.fixture
def key(tmp_path):
    """The path of a file with a secret."""
    path = tmp_path / "access.key"
    path.write_text(PLANTED)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def token(run, key):
    """``token("--subscribe", "a")`` signs a token."""

    def sign(*arguments):
        done = run("token", "--key-file", key, *arguments)
        assert (done.status, done.stderr, done.stdout.count("\n")) == (0, "", 1)
        return done.stdout.strip()

    return sign


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")
def test_whoever_types_is_told_what_is_waited_for(token):
    import pty

    master, slave = pty.openpty()
    with open(master, "wb", buffering=0) as keyboard, open(slave, "rb", buffering=0) as terminal:
        keyboard.write(f"{token(*SOME)}\n\x04".encode())
        command = [sys.executable, "-m", "sse_demo", "token", "show"]
        done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert done.stderr.startswith("sse_demo: paste a token, and then a line with Ctrl-D")
    assert "\nends in 59 minutes\n" in done.stdout


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def forged(header, claims, signature="AAAA"):
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*encoded, signature])


def test_a_token_says_what_the_options_say(token):
    header, claims = parts(
        token(
            *["--subscribe", "prices/*,stocks", "--subscribe", "news", "--publish", "news", "--operate", "admin"],
            *["--operate", "metrics", "--subject", "ann", "--issuer", "shop", "--audience", "tea", "--expires", "15m"],
            *["--key-id", "2026", "--algorithm", "HS512"],
        )
    )
    assert header == {"alg": "HS512", "typ": "at+jwt", "kid": "2026"}
    assert claims["exp"] - claims["iat"] == pytest.approx(900)
    assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == ("shop", "tea", "ann", "ann")
    assert claims["authorization_details"] == [
        {"type": "event-stream", "actions": ["subscribe"], "topics": ["prices/*", "stocks", "news"]},
        {"type": "event-stream", "actions": ["publish"], "topics": ["news"]},
        {"type": "event-stream", "actions": ["admin", "metrics"]},
    ]


def test_what_is_not_said_is_what_serve_expects(token):
    header, claims = parts(token(*SOME))
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("sse-demo", "event-streams", "command-line")
    assert claims["exp"] - claims["iat"] == pytest.approx(3600)
    assert "kid" not in header


def test_a_longer_time_than_servers_take_is_told(run, key):
    done = run("token", *SOME, "--key-file", key, "--expires", "7d")
    assert done.status == 0
    assert done.stderr == (
        "sse_demo: a server takes no token that is valid for more than 24 hours, "
        "unless the max_life of its issuer says so\n"
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (SOME, "a token is signed with a key: give --key-file; `python -m sse_demo token key FILE` makes one"),
        (
            ["--key-file", "{key}"],
            "this token would let its bearer do nothing: give --subscribe, --publish or --operate",
        ),
        ([*SOME, "--key-file", "{key}/no"], "'{key}/no': Not a directory"),
        ([*SOME, "--key-file", "{key}.no"], "'{key}.no': No such file or directory"),
        ([*SOME, "--key-file", "{key}", "--algorithm", "RS256"], "a secret is used with HS256, HS384, HS512"),
        ([*SOME, "--key-file", "{key}", "--algorithm", "none"], "a secret is used with HS256, HS384, HS512"),
        ([*SOME, "--key-file", "{key}", "--subject", ""], "sub must be a text of 1 to 256 printable characters"),
        ([*SOME, "--key-file", "{key}", "--issuer", ""], "iss must be a text"),
        ([*SOME, "--key-file", "{key}", "show"], "`token show` signs nothing, and so takes no --subscribe"),
        (["--subscribe", ",".join(["a"] * 101), "--key-file", "{key}"], "101 topics are more than 100"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line_that_says_how_to_go_on(run, key, arguments, why):
    done = run("token", *[argument.format(key=key) for argument in arguments])
    assert (done.status, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert why.format(key=key) in done.stderr
    assert "planted" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--expires", "1y"], "must be a time greater than zero, such as 90s, 15m, 1h or 7d, not '1y'"),
        (["--expires", "0s"], "must be a time greater than zero"),
        (["--subscribe", "a b"], "must be a topic, or a pattern such as 'prices/*', not 'a b'"),
        (["--publish", "a,"], "must be a topic"),
        (["--operate", "root"], "invalid choice: 'root'"),
        (["shown"], "invalid choice: 'shown'"),
        (["key"], "FILE"),
        (["show", "--key-file", "a", "--jwks", "b"], "not allowed with argument"),
    ],
)
def test_an_argument_that_is_none_shows_the_usage(run, arguments, why):
    done = run("token", *arguments)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m sse_demo token")
    assert re.search(rf"^sse_demo: .*{re.escape(why)}", done.stderr, re.MULTILINE)


@pytest.mark.parametrize("part", ["show", "key"])
def test_each_part_explains_itself(run, part):
    done = run("token", part, "--help")
    assert done.status == 0
    assert f"usage: python -m sse_demo token {part}" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_a_key_that_everybody_may_read_is_told(run, key, tmp_path):
    warning = f"sse_demo: everybody on this machine may read the key in {key}; chmod 600 would change that\n"
    (tmp_path / "access.key").chmod(0o644)
    done = run("token", *SOME, "--key-file", key)
    assert (done.status, done.stderr) == (0, warning)
    assert run("token", "show", "--key-file", key, stdin=done.stdout).stderr == warning
    assert run("serve", "--port", "70000", "--access-key-file", key).stderr.startswith(warning)
    make_key_file(tmp_path / "pair", "ec")
    public = str(tmp_path / "pair.jwks")
    assert "may read" not in run("token", "show", "--jwks", public, stdin=done.stdout).stderr


# --- token show


def test_a_token_is_shown_in_plain_words(run, token):
    done = run("token", "show", stdin=token(*SOME, "--publish", "news,tea", "--subject", "ann") + "\n")
    assert (done.status, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:4] == ["header", '  alg  "HS256"', '  typ  "at+jwt"', "claims"]
    assert re.search(r'^  sub +"ann"$', done.stdout, re.MULTILINE)
    assert re.search(r"^  exp +\d+\.\d+  \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)$", done.stdout, re.MULTILINE)
    assert lines[-6:] == [
        "rights",
        "  subscribe  prices/*",
        "  publish    news tea",
        "  operate    nothing",
        "ends in 59 minutes",
        "nothing of this is proven: --key-file or --jwks says with which key it must be signed",
    ]


def test_the_signature_is_not_shown(run, token):
    signed = token(*SOME)
    done = run("token", "show", stdin=signed)
    assert signed not in done.stdout
    assert signed.rpartition(".")[2] not in done.stdout


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (3599, "59 minutes"),
     (7199, "119 minutes"), (7200, "2 hours"), (172_800, "2 days"), (1e9, "11,574 days")],
)  # fmt: skip
def test_a_time_is_told_in_one_unit(seconds, words):
    assert _in_words(seconds) == words


def test_a_token_is_checked_with_the_key(run, token, key, tmp_path):
    signed = token(*SOME)
    done = run("token", "show", "--key-file", key, stdin=signed)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == [
        "it counts: the key has signed it, and it has not ended",
        "its issuer and its audience are as it says: --issuer and --audience say who they must be",
    ]
    done = run("token", "show", "--key-file", key, "--issuer", "sse-demo", "--audience", "event-streams", stdin=signed)
    assert done.stdout.splitlines()[-1] == "it counts: the key has signed it, and it has not ended"
    other = tmp_path / "other.key"
    make_key_file(other)
    done = run("token", "show", "--key-file", str(other), stdin=signed)
    assert done.status == 1
    assert done.stderr == "sse_demo: it does not count: the token has a signature that is not its key's\n"
    assert "it counts" not in done.stdout


def test_what_stands_before_the_word_show_counts_as_well(run, token, key):
    signed = token(*SOME)
    done = run("token", "--issuer", "other", "--key-file", key, "show", stdin=signed)
    assert done.status == 1
    assert "issuer" in done.stderr


@pytest.mark.parametrize("type", ["ed25519", "ec", "rsa"])
def test_a_token_is_checked_with_public_keys(run, tmp_path, type):
    path = tmp_path / "key"
    assert run("token", "key", str(path), "--type", type).status == 0
    signed = run("token", *SOME, "--key-file", str(path)).stdout
    for option in (["--jwks", f"{path}.jwks"], ["--key-file", str(path)]):
        done = run("token", "show", *option, stdin=signed)
        assert (done.status, done.stderr) == (0, "")
    make_key_file(tmp_path / "other", type)
    done = run("token", "show", "--jwks", str(tmp_path / "other.jwks"), stdin=signed)
    assert (done.status, done.stderr) == (1, "sse_demo: it does not count: the token has no key that is known here\n")


@pytest.mark.parametrize(
    ("option", "status", "why"),
    [
        (["--issuer", "sse-demo"], 0, ""),
        (["--audience", "event-streams"], 0, ""),
        (["--issuer", "shop"], 1, "its issuer is not 'shop'"),
        (["--issuer", "shop", "--audience", "tea"], 1, "its issuer is not 'shop' and its audience is not 'tea'"),
    ],
)
@pytest.mark.parametrize("with_key", [True, False])
def test_the_names_are_compared_with_a_key_and_without(run, token, key, option, status, why, with_key):
    signed = token(*SOME)
    done = run("token", "show", *option, *(["--key-file", key] if with_key else []), stdin=signed)
    assert done.status == status
    assert done.stderr.startswith("sse_demo: it does not count: " if status else "")
    if not with_key:
        assert why in done.stderr
        assert "nothing of this is proven" in done.stdout


def test_a_token_that_has_ended_does_not_count(run, key, monkeypatch):
    names = {"issuer": "a", "audience": "b", "subject": "c", "rights": Rights(), "expires_in": 1}
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    signed = sign_token(secret_key(PLANTED), **names)
    monkeypatch.undo()
    done = run("token", "show", stdin=signed)
    assert done.status == 0
    assert re.search(r"^ended [\d,]+ days ago$", done.stdout, re.MULTILINE)
    assert re.search(r"^  exp +1000000001\.0  \(2001-09-09 01:46:41 UTC\)$", done.stdout, re.MULTILINE)
    done = run("token", "show", "--key-file", key, stdin=signed)
    assert (done.status, done.stderr) == (1, "sse_demo: it does not count: the token has expired\n")


def test_nobody_is_let_in_by_what_a_token_says_of_itself(run, key, tmp_path):
    claims = {"iss": "sse-demo", "aud": "event-streams", "sub": "eve", "iat": 1, "exp": 2**40}
    make_key_file(tmp_path / "pair", "rsa")
    for header in ({"alg": "none", "typ": "at+jwt"}, {"alg": "HS256", "typ": "at+jwt", "jwk": {"kty": "oct"}}):
        for option in (["--key-file", key], ["--jwks", str(tmp_path / "pair.jwks")]):
            done = run("token", "show", *option, stdin=forged(header, claims))
            assert done.status == 1
            assert "it does not count: " in done.stderr
            assert "it counts" not in done.stdout


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e308, "iat": -1e308, "nbf": 10**30},
        {"exp": 10**400, "iat": 10**400, "nbf": -(10**400)},
        {"exp": -(10**400), "iss": "sse-demo", "aud": "event-streams"},
        {"iss": 7, "aud": [], "sub": None},
        {"iss": ["a"], "aud": [7]},
        {"authorization_details": "all"},
        {"authorization_details": [{"type": "event-stream", "actions": ["\x1b[2J"], "topics": ["a"]}]},
        {"scope": "subscribe:\x1b[31m"},
        {"\x1b]0;evil\x07\u202e": "\x1b[31mred\n\u202e"},
    ],
)
@pytest.mark.parametrize("with_key", [True, False])
def test_what_a_stranger_has_written_is_shown_and_not_obeyed(run, key, claims, with_key):
    option = ["--key-file", key] if with_key else []
    done = run("token", "show", *option, stdin=forged({"alg": "HS256", "\x1b": "\x1b"}, claims))
    assert done.status == int(with_key)
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text", ["a", "a.b", "a.b.c", "a.b.c.d.e", "!!.!!.!!", forged([], {}), forged({"alg": "x"}, [])]
)
def test_what_is_no_token_is_one_line_that_does_not_show_it(run, text):
    done = run("token", "show", stdin=text)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == (
        "sse_demo: this is no token: one has three parts of base64url with dots between them, "
        "and the first two are JSON\n"
    )


@pytest.mark.parametrize("text", ["", " \n", "two words", "größe", "x" * 70_000])
@pytest.mark.parametrize("in_file", [True, False])
def test_what_is_no_line_is_none_either(run, tmp_path, text, in_file):
    file = tmp_path / "token"
    file.write_text(text)
    file.chmod(0o600)
    done = run("token", "show", *(["--token-file", str(file)] if in_file else []), stdin=text)
    assert (done.status, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert not text.strip() or text not in done.stderr


def test_a_token_is_read_from_a_file(run, token, tmp_path):
    file = tmp_path / "token"
    file.write_text(token(*SOME) + "\n")
    file.chmod(0o600)
    done = run("token", "show", "--token-file", str(file))
    assert (done.status, done.stderr) == (0, "")
    assert "ends in 59 minutes" in done.stdout


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (["--key-file", "nothing"], "'nothing': No such file or directory"),
        (["--jwks", "nothing"], "'nothing': No such file or directory"),
        (["--jwks", "{key}"], "{key} is no JSON Web Key Set that can be used: "),
        (["--jwks", "http://keys.example/jwks"], "keys are asked for with https"),
        (["--jwks", "http://127.0.0.1:1/jwks"], "no keys of sse-demo are known yet"),
    ],
)
def test_a_check_that_cannot_be_made_is_no_answer(run, token, key, option, why):
    done = run("token", "show", *[part.format(key=key) for part in option], stdin=token(*SOME))
    assert done.status == 2
    assert why.format(key=key) in done.stderr
    assert "it counts" not in done.stdout
    assert "planted" not in done.stderr


# --- token key


def test_a_new_secret_is_nobody_elses(run, tmp_path):
    path = tmp_path / "a key"
    done = run("token", "key", str(path))
    assert done == (
        0,
        f"'{path}': the key, for python -m sse_demo token --key-file '{path}'\n"
        f"a server takes what it signs: python -m sse_demo serve --access-key-file '{path}'\n",
        "",
    )
    assert len(base64.urlsafe_b64decode(path.read_text().strip() + "==")) == 64
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_private_key_has_its_public_one_beside_it(run, tmp_path):
    path = tmp_path / "key"
    done = run("token", "key", str(path), "--type", "ed25519")
    assert done.stdout.splitlines()[1:] == [
        f"{path}.jwks: the public key, which may be read by everybody",
        f"a server takes what it signs: python -m sse_demo serve --jwks {path}.jwks",
    ]
    assert json.loads(path.read_text())["d"] not in (tmp_path / "key.jwks").read_text()
    assert read_key_file(path).private


@pytest.mark.parametrize("type", ["secret", "ec"])
def test_a_key_that_is_there_stays(run, key, type):
    done = run("token", "key", key, "--type", type)
    assert done == (2, "", f"sse_demo: there is a file {key} already, and it stays; choose another name\n")
    assert Path(key).read_text() == PLANTED


def test_no_secret_is_ever_an_argument(run):
    for command in (["token"], ["token", "show"], ["token", "key"], ["serve"], ["listen"], ["publish"]):
        options = re.findall(r"--[a-z-]+", run(*command, "--help").stdout)
        assert not [one for one in options if re.search("(secret|token|password|access-key)$", one)]


def test_as_processes_they_fit_together(start, tmp_path):
    """``token key``, ``serve``, ``token``, ``publish`` and ``listen``, with nothing but the key."""
    key = str(tmp_path / "access.key")
    with start("token", "key", key) as making:
        assert making.wait(20) == 0
    with start("token", "--subscribe", "news", "--publish", "news", "--key-file", key) as signing:
        signed = signing.communicate(timeout=20)[0].strip()
    environment = {**os.environ, "SSE_DEMO_TOKEN": signed}
    with start("serve", "--port", "0", "--access-key-file", key) as server:
        url = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())[0] + "/events?topic=news"
        with start("publish", url, "hello", env=environment) as publisher:
            assert publisher.wait(20) == 0
        with start("listen", f"{url}&recent=1", "--count", "1", env=environment) as listener:
            assert listener.communicate(timeout=20)[0].endswith("  hello\n")


def test_a_server_takes_what_was_signed(token):
    issuer = Issuer(name="sse-demo", audience="event-streams", keys=secret_key(PLANTED))
    assert Tokens([issuer]).identify(token(*SOME)).rights == Rights(subscribe=("prices/*",))
