import pytest

from sse_demo.hub.topics import TopicKinds, require_topic


def test_a_kind_is_a_name_or_a_pattern():
    topics = TopicKinds(coalesce=["prices/*"], state=["order", "order/[0-9]"], urgent=["*alarm*"])
    assert topics.coalesces("prices/a")
    assert not topics.coalesces("prices")
    assert not topics.coalesces("Prices/a")
    assert topics.is_state("order")
    assert topics.is_state("order/7")
    assert not topics.is_state("order/77")
    assert topics.is_urgent("fire-alarm-1")
    assert not topics.is_urgent("news")


def test_by_default_no_topic_is_special():
    topics = TopicKinds()
    assert [topics.coalesces("a"), topics.is_state("a"), topics.is_urgent("a")] == [False, False, False]


@pytest.mark.parametrize("topic", ["a", "A.b_c:d/e~f-9", "x" * 128])
def test_a_topic_name(topic):
    require_topic(topic)


@pytest.mark.parametrize("topic", ["", "a b", "a\n", "é", "a?b", "#a", "*", "x" * 129, None, 7])
def test_what_is_no_topic_name(topic):
    with pytest.raises(ValueError, match="not a topic name"):
        require_topic(topic)
