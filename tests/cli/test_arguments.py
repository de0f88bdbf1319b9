"""What the commands read from their arguments."""

import argparse
import re

import pytest

from sse_demo.cli.arguments import count, duration, header, host, lifetime, method, read_file, seconds, topics


def test_what_can_be_read():
    assert [count("1"), count("1_000")] == [1, 1000]
    assert [seconds("0"), seconds("1.5")] == [0, 1.5]
    assert header(" Authorization : Bearer a:b ") == ("Authorization", "Bearer a:b")
    assert header("X:") == ("X", "")
    assert duration("1e-3") == 0.001
    assert [lifetime(text) for text in ("90s", "15m", "1h", "7d", "1.5h", "30")] == [90, 900, 3600, 604_800, 5400, 30]
    assert topics("prices/*,news") == ["prices/*", "news"]
    assert [method("get"), method("M-SEARCH")] == ["GET", "M-SEARCH"]
    assert [host("127.0.0.1"), host("::1"), host("localhost"), host("größe.test")][-1] == "größe.test"


@pytest.mark.parametrize(
    ("read", "text"),
    [(count, "0"), (count, "-1"), (count, "1.5"), (seconds, "-1"), (seconds, "inf"), (seconds, "nan"), (seconds, "s"),
     (duration, "0"), (duration, "-1"), (duration, "inf"), (duration, "1e400"), (duration, "nan"), (duration, ""),
     (lifetime, ""), (lifetime, "0s"), (lifetime, "-1h"), (lifetime, "1y"), (lifetime, "1h30m"), (lifetime, "9" * 400),
     (topics, ""), (topics, "a,"), (topics, "a b"), (topics, "größe"),
     (method, ""), (method, "a b"), (method, "größe"), (host, ""), (host, "a..b"),
     (host, "ä" * 70), (header, "X"), (header, ":x"), (header, "")],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_must_be(read, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"^must be .*, not {text!r}$"):
        read(text)


def test_a_file_is_read_up_to_a_limit(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_file(str(file), 5) == b"12345"
    with pytest.raises(ValueError, match=r"has more than 4 bytes$"):
        read_file(str(file), 4)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Authorization Bearer secret", "Authorization..."), ("X-Key=secret", "X-Key..."), ("A B: secret", "A...")],
)
def test_what_is_no_header_is_not_shown_beyond_what_a_name_can_have(text, shown):
    with pytest.raises(argparse.ArgumentTypeError, match=rf"^must be NAME:VALUE, not '{re.escape(shown)}'$"):
        header(text)
