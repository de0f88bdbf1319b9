import pytest

from sse_demo.wire.strict_json import read_json


@pytest.mark.parametrize(("text", "value"), [("1", 1), (' {"a": [null, 1e3]} ', {"a": [None, 1000.0]}), ('"é"', "é")])
def test_what_is_json(text, value):
    assert read_json(text) == value


@pytest.mark.parametrize("text", ["", "no", "{", "[1,]", "NaN", '{"a": Infinity}', "-Infinity", "[" * 100_000])
def test_what_is_none(text):
    with pytest.raises(ValueError, match=r"Expecting|Invalid|Illegal|is no JSON number|nested too deeply"):
        read_json(text)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '{"a": 1, "b": 2, "\\u0061": 3}', '[{"b": {"a": 1, "a": 2}}]'])
def test_a_member_that_is_there_twice_is_an_error_where_that_is_asked_for(text):
    read_json(text)
    with pytest.raises(ValueError, match="a member twice"):
        read_json(text, unique=True)


def test_a_member_of_one_object_may_be_one_of_another_too():
    assert read_json('{"a": {"a": 1}, "b": [{"a": 2}]}', unique=True) == {"a": {"a": 1}, "b": [{"a": 2}]}
