"""The fields of settings read what a command line gives them."""

import math
from dataclasses import dataclass, fields

import pytest

from sse_demo.fields import Checked, seconds, share, switch, whole
from sse_demo.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Kettle(Checked):
    cups: float = whole(4)
    delay: float = seconds(3.0, most=60.0)
    milk: float = share(0.1)
    whistles: bool = switch(True)


PARSE = {field.name: field.metadata["parse"] for field in fields(Kettle)}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cups", "12", 12),
        ("cups", "inf", math.inf),
        ("delay", "0.5", 0.5),
        ("delay", "2", 2),
        ("milk", "1", 1),
        ("whistles", "true", True),
        ("whistles", "false", False),
    ],
)
def test_a_value_is_read_from_a_text_and_may_be_kept(name, text, value):
    parsed = PARSE[name](name, text)
    assert (parsed, type(parsed)) == (value, type(getattr(Kettle(**{name: parsed}), name)))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("cups", "many", "cups must be a number, not 'many'"),
        ("delay", "long", "delay must be a number, not 'long'"),
        ("milk", "", "milk must be a number, not ''"),
        ("whistles", "1", "whistles must be true or false, not '1'"),
    ],
)
def test_what_cannot_be_read_is_explained(name, text, why):
    with pytest.raises(ValueError, match=f"^{why}$"):
        PARSE[name](name, text)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("cups", "1.5", "cups must be a whole number, not 1.5"),
        ("cups", "0", "cups must be greater than zero"),
        ("delay", "61", "delay must be 60 seconds at the most, not 61.0"),
        ("delay", "nan", "delay must be a number that is not negative, not nan"),
        ("milk", "1.1", "milk must be from 0 to 1, not 1.1"),
    ],
)
def test_what_can_be_read_may_still_be_no_value(name, text, why):
    with pytest.raises(ValueError, match=f"^{why}$"):
        Kettle(**{name: PARSE[name](name, text)})


def test_each_setting_of_a_server_reads_its_own_default():
    for field in fields(Settings):
        default = field.default
        text = ",".join(default) if isinstance(default, tuple) else str(default).lower()
        if text:
            assert field.metadata["parse"](field.name, text) == default


def test_a_list_is_separated_by_commas():
    (coalesce,) = [field for field in fields(Settings) if field.name == "coalesce"]
    assert Settings(coalesce=coalesce.metadata["parse"]("coalesce", "a,b/*")).coalesce == ("a", "b/*")
