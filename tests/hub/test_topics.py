from fnmatch import fnmatchcase
from itertools import product

import pytest

from sse_demo.hub import topics
from sse_demo.hub.topics import TopicKinds, matches, require_topic


def test_a_kind_is_a_name_or_a_pattern():
    kinds = TopicKinds(coalesce=["prices/*"], state=["order", "order/[0-9]"], urgent=["*alarm*"])
    assert kinds.coalesces("prices/a")
    assert not kinds.coalesces("prices")
    assert not kinds.coalesces("Prices/a")
    assert kinds.is_state("order")
    assert kinds.is_state("order/7")
    assert not kinds.is_state("order/77")
    assert kinds.is_urgent("fire-alarm-1")
    assert not kinds.is_urgent("news")


def test_by_default_no_topic_is_special():
    kinds = TopicKinds()
    assert [kinds.coalesces("a"), kinds.is_state("a"), kinds.is_urgent("a")] == [False, False, False]


@pytest.mark.parametrize("topic", ["a", "A.b_c:d/e~f-9", "x" * 128])
def test_a_topic_name(topic):
    require_topic(topic)


@pytest.mark.parametrize("topic", ["", "a b", "a\n", "é", "a?b", "#a", "*", "x" * 129, None, 7])
def test_what_is_no_topic_name(topic):
    with pytest.raises(ValueError, match="not a topic name"):
        require_topic(topic)


def test_each_pattern_means_what_fnmatch_reads_in_it():
    patterns = ["".join(parts) for size in (1, 2, 3, 4) for parts in product("a-*?[]!", repeat=size)]
    for topic in ("a", "b", "aa", "a-", "ab", "-", "a!", "a]", "aba"):
        assert [matches(topic, (one,)) for one in patterns] == [fnmatchcase(topic, one) for one in patterns]
    assert matches("b", ("a", "a*", "?a", "b"))
    assert matches("ab", ("b", "b*", "a*"))
    assert matches("cb", ("b", "b*", "?b"))
    assert not matches("c", ("b", "b*", "?b", "[!c]"))


def test_names_and_beginnings_need_no_regular_expression(monkeypatch):
    """Each of many tokens has its own, and Python remembers but a few expressions."""
    monkeypatch.setattr(topics, "fnmatchcase", None)
    own = tuple(f"users/{number}/{rest}" for number in range(50) for rest in ("inbox", "*"))
    assert matches("users/49/inbox", own)
    assert matches("users/7/a", own)
    assert not matches("users/50/inbox", own)
