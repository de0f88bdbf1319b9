import json
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sse_demo import InvalidInput
from sse_demo.wire.patch import MAX_DEPTH, difference, merge_patch, require_state

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


@pytest.mark.parametrize(
    ("state", "where"), [({"a": None}, "a"), ({"a": {"b": None}}, "a.b"), ({"a": {"b": {"c": None}, "d": 1}}, "a.b.c")]
)
def test_null_is_refused_where_a_patch_cannot_say_it(state, where):
    with pytest.raises(InvalidInput, match=f"^the state.{where} is null, which a merge patch cannot say"):
        require_state(state)
    with pytest.raises(InvalidInput, match=f"^{where} is null, which a merge patch cannot say"):
        difference({}, state)


def test_null_is_allowed_in_lists_and_in_their_objects():
    state = {"a": [None, {"b": None}]}
    require_state(state)
    assert difference({}, state) == state


def nested(depth, innermost):
    """Objects and lists by turns, ``depth`` of them around the innermost."""
    for n in range(depth):
        innermost = {"a": innermost} if n % 2 else [innermost]
    return innermost


def test_a_state_is_nested_only_so_deeply():
    require_state({"a": nested(MAX_DEPTH - 1, 1)})
    require_state({"a": nested(MAX_DEPTH - 1, {})})
    for too_deep in (nested(MAX_DEPTH, 1), nested(MAX_DEPTH, []), nested(MAX_DEPTH - 1, {"a": 1})):
        with pytest.raises(InvalidInput, match=f"{MAX_DEPTH} deep at most"):
            require_state({"a": too_deep})


def test_a_patch_may_be_nested_as_deeply_as_it_likes():
    patch = {"a": 1}
    for _ in range(3 * sys.getrecursionlimit()):
        patch = {"a": patch, "gone": None}
    merged = merge_patch({"gone": 1, "a": {"kept": 2}}, patch)
    assert merged.keys() == {"a"}
    assert merged["a"].keys() == {"kept", "a"}
    for _ in range(3 * sys.getrecursionlimit()):
        merged = merged["a"]
    assert merged == {"a": 1}


@pytest.mark.parametrize("kind", ["objects", "lists", "new"])
def test_a_difference_that_is_too_deep_says_so(kind):
    deep = 3 * sys.getrecursionlimit()
    before, after = {"a": 1}, {"a": 2}
    for _ in range(deep):
        before, after = ({"a": [before]}, {"a": [after]}) if kind == "lists" else ({"a": before}, {"a": after})
    with pytest.raises(InvalidInput, match=f"{MAX_DEPTH} deep at most"):
        difference({} if kind == "new" else before, after)


def test_the_names_that_lead_to_a_member_are_put_together_only_for_an_error():
    """They are long here: putting them together for each of 90,000 members would copy 80 GB."""
    state = {}
    for n in range(90):
        state = {"long name " * 1000: state} | {f"{n} {m}": m for m in range(1000)}
    started = time.process_time()
    require_state(state)
    assert difference({}, state) == state
    assert difference(state, state) == {}
    assert time.process_time() - started < 5
