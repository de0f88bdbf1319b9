"""What may stand in a header."""

import pytest

from sse_demo.client.headers import is_sendable, require_header


@pytest.mark.parametrize("value", ["", "Bearer abc", "a\tb", "thé 茶", '{"a": 1}', "\x80"])
def test_text_is_sendable(value):
    assert is_sendable(value)
    require_header("X-Lesson", value)


@pytest.mark.parametrize("value", ["a\n", "a\r\nX: y", "\x00", "\x1f", "\x7f", "\ud800"])
def test_control_characters_are_not_and_the_error_names_the_header_alone(value):
    assert not is_sendable(value)
    with pytest.raises(ValueError, match="the header Authorization has a control character") as caught:
        require_header("Authorization", f"secret{value}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "X\n", "größe"])
def test_a_name_is_a_token(name):
    with pytest.raises(ValueError, match="is no name of a header"):
        require_header(name, "x")


def test_a_value_is_text():
    with pytest.raises(ValueError, match="the header X-Count is no text, but int"):
        require_header("X-Count", 7)
