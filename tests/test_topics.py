import pytest

from sse_demo import Settings
from sse_demo.topics import Topics, check_topic


def test_a_kind_is_a_name_or_a_pattern():
    topics = Topics(Settings(coalesce=["prices/*"], state=["order", "order/[0-9]"], urgent=["*alarm*"]))
    assert topics.coalesces("prices/a")
    assert not topics.coalesces("prices")
    assert not topics.coalesces("Prices/a")
    assert topics.is_state("order")
    assert topics.is_state("order/7")
    assert not topics.is_state("order/77")
    assert topics.is_urgent("fire-alarm-1")
    assert not topics.is_urgent("news")


def test_by_default_no_topic_is_special():
    topics = Topics(Settings())
    assert [topics.coalesces("a"), topics.is_state("a"), topics.is_urgent("a")] == [False, False, False]


@pytest.mark.parametrize("topic", ["a", "A.b_c:d/e~f-9", "x" * 128])
def test_a_topic_name(topic):
    check_topic(topic)


@pytest.mark.parametrize("topic", ["", "a b", "a\n", "é", "a?b", "#a", "*", "x" * 129, None, 7])
def test_what_is_no_topic_name(topic):
    with pytest.raises(ValueError, match="not a topic name"):
        check_topic(topic)
