"""Is a text JSON? As ``json.loads`` says, but for its leniency; and the event loop goes on meanwhile."""

import asyncio
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_demo.web.json_text import MAX_DEPTH, check_json

LARGE = {
    "one text": json.dumps("x" * 2**20),
    "numbers": json.dumps([1e15] * 100_000),
    "empty arrays": json.dumps([[]] * 100_000),
    "small objects": json.dumps([{"id": n, "name": "a name"} for n in range(20_000)]),
    "one object": json.dumps({f"name {n}": [n, None] for n in range(20_000)}),
    "nested": json.dumps([[[[n]]] for n in range(20_000)]),
}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
layouts = st.fixed_dictionaries({"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 0, "\t"])})


def error_of(text):
    """What is said against the text, or None."""
    try:
        asyncio.run(check_json(text))
    except ValueError as error:
        return str(error)


def no_number(name):
    raise ValueError(name)


def is_json(text):
    try:
        json.loads(text, parse_constant=no_number)
        return True
    except ValueError:
        return False


@given(value=values, layout=layouts)
def test_what_is_written_as_json_is_json(value, layout):
    assert error_of(json.dumps(value, **layout)) is None


@given(value=values, data=st.data())
def test_what_is_damaged_is_judged_as_python_judges_it(value, data):
    text = json.dumps(value)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    damaged = text[:start] + data.draw(st.text('{}[]",:\\u 01.eE+-tn\n\x00', max_size=3)) + text[end:]
    assert (error_of(damaged) is None) == is_json(damaged), damaged


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-0", "1.5e+3", "-1E-9", '""', "null", "true", "false", "[]", "{}", " [ ] ", "\r\n\t{ }\n"),
        *('"\\ud800"', '"\\u00e9\\n\\/\\""', '"é\u2028\x7f"', '[{"a":[]},{"b":{}},[[]]]', '{"a" : 1 , "a" : 2 }'),
        "9" * 5000,
        "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH,
        "[" + ",".join(map(str, range(1000))) + "]",
        "[[" + ",".join(map(str, range(1000))) + "]]",
    ],
)
def test_what_is_json(text):
    assert error_of(text) is None


@pytest.mark.parametrize(
    ("text", "expected", "place"),
    [
        ("", "a value", "character 1, not the end"),
        (" ", "a value", "character 2, not the end"),
        ("[", "a value", "character 2, not the end"),
        ("[1", "a comma or ]", "character 3, not the end"),
        ("[1,]", "a value", "character 4, not ']'"),
        ("[1 2]", "a comma or ]", "character 4, not '2]'"),
        ("[1}", "a comma or ]", "character 3, not '}'"),
        ("]", "a value", "character 1, not ']'"),
        ("1 2", "the end", "character 3, not '2'"),
        ("[]]", "the end", "character 3, not ']'"),
        ('{"a" 1}', "a name in quotes and a colon", "character 2"),
        ("{1:1}", "a name in quotes and a colon", "character 2"),
        ('{"a":1,}', "a name in quotes and a colon", "character 8, not '}'"),
        ('{"a":}', "a value", "character 6, not '}'"),
        ("[NaN]", "a value", "character 2, not 'NaN]'"),
        ("-Infinity", "a value", "character 1, not '-Infinity'"),
        ("[01]", "a comma or ]", "character 3, not '1]'"),
        ("1.", "the end", "character 2, not '.'"),
        (".5", "a value", "character 1"),
        ("+1", "a value", "character 1"),
        ('"a\nb"', "a value", "character 1"),
        ('"a\\x"', "a value", "character 1"),
        ("'a'", "a value", "character 1"),
        ("\u00a01", "a value", "character 1"),
        ("\ufeff1", "a value", "character 1"),
        ("None", "a value", "character 1"),
    ],
)
def test_what_is_not_json_is_told_with_its_place(text, expected, place):
    assert error_of(text).startswith(f"JSON has {expected} at {place}")


def test_only_so_deep():
    deep = MAX_DEPTH * "[", "[1]", MAX_DEPTH * "]"
    assert error_of("".join(deep)) is None
    said = error_of(f"[{''.join(deep)}]")
    assert said == f"JSON is nested more than {MAX_DEPTH} deep at character {MAX_DEPTH + 1}"
    assert "nested" in error_of("[" * 1_000_000)
    assert "nested" in error_of('{"a":' * 1_000_000)


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_the_event_loop_goes_on_while_a_large_text_is_read(text):
    async def main():
        longest, last = 0.0, time.thread_time()
        checking = asyncio.create_task(check_json(text))
        while not checking.done():
            await asyncio.sleep(0)
            now = time.thread_time()  # other processes do not count
            longest, last = max(longest, now - last), now
        await checking
        return longest

    assert asyncio.run(main()) < 0.03


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_text_that_is_cut_off_is_refused(text):
    assert error_of(text[:-1]) is not None
