import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sse_demo.wire.patch import check_no_null, difference, merge_patch

# RFC 7396, appendix A: the target, the patch, and the result.
EXAMPLES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]

names = st.sampled_from("abcd")
values = st.recursive(
    st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", 0.5]),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
states = st.dictionaries(names, values, max_size=4)


@pytest.mark.parametrize(("target", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_rfc(target, patch, result):
    assert merge_patch(json.loads(target), json.loads(patch)) == json.loads(result)


@settings(deadline=None)
@given(states, states)
def test_a_difference_makes_one_state_of_another(before, after):
    patch = difference(before, after)
    assert json.dumps(merge_patch(before, patch), sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (patch == {}) == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))


@settings(deadline=None)
@given(states, states)
def test_nothing_is_changed_in_place(before, patch):
    copies = json.dumps([before, patch])
    merge_patch(before, patch)
    difference(before, patch)
    assert json.dumps([before, patch]) == copies


def test_a_difference_says_only_what_has_changed():
    before = {"price": 7, "size": {"x": 1, "y": 2}, "tags": ["a", "b"], "gone": True}
    after = {"price": 7, "size": {"x": 1, "y": 3}, "tags": ["a"], "new": {"z": 1}}
    assert difference(before, after) == {"size": {"y": 3}, "tags": ["a"], "gone": None, "new": {"z": 1}}


def test_true_is_not_one():
    assert difference({"a": 1, "b": [0]}, {"a": True, "b": [False]}) == {"a": True, "b": [False]}
    assert difference({"a": 1}, {"a": 1.0}) == {}


@pytest.mark.parametrize("state", [{"a": None}, {"a": {"b": None}}])
def test_null_is_refused_where_a_patch_cannot_say_it(state):
    with pytest.raises(ValueError, match="null, which a merge patch cannot say"):
        difference({}, state)
    with pytest.raises(ValueError, match=r"a.* is null"):
        check_no_null(state)
    check_no_null({"a": [None]})
