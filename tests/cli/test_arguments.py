"""What the commands read from their arguments."""

import argparse

import pytest

from sse_demo.cli.arguments import count, header, seconds


def test_what_can_be_read():
    assert [count("1"), count("1_000")] == [1, 1000]
    assert [seconds("0"), seconds("1.5")] == [0, 1.5]
    assert header(" Authorization : Bearer a:b ") == ("Authorization", "Bearer a:b")
    assert header("X:") == ("X", "")


@pytest.mark.parametrize(
    ("read", "text"),
    [(count, "0"), (count, "-1"), (count, "1.5"), (seconds, "-1"), (seconds, "inf"), (seconds, "nan"), (seconds, "s"),
     (header, "X"), (header, ":x"), (header, "")],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_must_be(read, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"^must be .*, not {text!r}$"):
        read(text)
