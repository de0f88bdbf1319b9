import pytest

from sse_demo.wire.strict_json import read_json


@pytest.mark.parametrize(("text", "value"), [("1", 1), (' {"a": [null, 1e3]} ', {"a": [None, 1000.0]}), ('"é"', "é")])
def test_what_is_json(text, value):
    assert read_json(text) == value


@pytest.mark.parametrize("text", ["", "no", "{", "[1,]", "NaN", '{"a": Infinity}', "-Infinity", "[" * 100_000])
def test_what_is_none(text):
    with pytest.raises(ValueError, match=r"Expecting|Invalid|Illegal|is no JSON number|nested too deeply"):
        read_json(text)
