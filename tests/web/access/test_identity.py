"""Who asks, and the two questions that an identity answers."""

import dataclasses
import math

import pytest

from sse_demo.web.access.identity import EVERYBODY, MAX_PATTERN, MAX_PATTERNS, Identity, Rights, require_patterns


def somebody(subject="ann", issuer="https://a", **rights):
    return Identity(subject=subject, kind="token", issuer=issuer, rights=Rights(**rights))


@pytest.mark.parametrize(
    ("pattern", "topic"),
    [
        *[("news", "news"), ("prices/*", "prices/a"), ("prices/*", "prices/a/b"), ("*", "a"), ("a?c", "abc")],
        *[("[ab]x", "bx"), ("[!a]x", "bx"), ("prices/*", "prices/../news"), ("~ann/*", "~ann/x")],
    ],
)
def test_a_topic_that_fits_may_be_read_and_published_to_where_the_right_is_for_that(pattern, topic):
    reader, writer = somebody(subscribe=(pattern,)), somebody(publish=(pattern,))
    assert (reader.may_subscribe(topic), reader.may_publish(topic)) == (True, False)
    assert (writer.may_subscribe(topic), writer.may_publish(topic)) == (False, True)


@pytest.mark.parametrize(
    ("pattern", "topic"),
    [
        *[
            ("news", "News"),
            ("news", "news/"),
            ("news", "/news"),
            ("news", "new"),
            ("news", "newsx"),
            ("news", "xnews"),
        ],
        *[("prices/*", "prices"), ("prices/*", "Prices/a"), ("prices/*", "xprices/a"), ("prices/*", "prices:a")],
        *[("prices/a", "prices//a"), ("prices/a", "prices/./a"), ("prices/a", "prices/b/../a"), ("a.c", "abc")],
        *[("[a-c]", "[a-c]"), ("[", "a"), ("[z-a]", "m"), ("[!a]", "a"), ("?", "ab"), ("news", "news\n"), ("a", "")],
    ],
)
def test_a_topic_that_only_looks_alike_may_not(pattern, topic):
    identity = somebody(subscribe=(pattern,), publish=(pattern,))
    assert not identity.may_subscribe(topic)
    assert not identity.may_publish(topic)


def test_nobody_may_anything_by_default():
    identity = somebody()
    assert not identity.may_subscribe("a")
    assert not identity.may_publish("a")
    assert not any(identity.may(right) for right in ("admin", "metrics", "ready"))


def test_one_right_of_an_operator_is_not_another():
    identity = somebody(operate=frozenset({"metrics"}))
    assert [identity.may(right) for right in ("admin", "metrics", "ready")] == [False, True, False]


def test_without_access_control_everybody_may_everything():
    assert EVERYBODY.may_subscribe("any/topic")
    assert EVERYBODY.may_publish("any/topic")
    assert all(EVERYBODY.may(right) for right in ("admin", "metrics", "ready"))
    assert not EVERYBODY.is_known
    assert EVERYBODY.expires == math.inf


@pytest.mark.parametrize("kind", ["token", "session", "ticket"])
def test_whoever_has_shown_something_is_known(kind):
    assert dataclasses.replace(somebody(), kind=kind).is_known


@pytest.mark.parametrize(
    "pattern", ["", " ", "a b", "a\nb", "é", "a,b", "a#", "{a}", "a\0", "x" * (MAX_PATTERN + 1), 5]
)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match="neither a topic name nor a pattern"):
        Rights(subscribe=("fine", pattern))
    with pytest.raises(ValueError, match="neither a topic name nor a pattern"):
        Rights(publish=(pattern,))


def test_an_error_repeats_a_long_pattern_in_part():
    with pytest.raises(ValueError, match="neither a topic name") as refused:
        require_patterns(["é" * 5000])
    assert len(str(refused.value)) < 400


def test_there_are_so_many_patterns_and_no_more():
    names = tuple(f"t{number}" for number in range(MAX_PATTERNS))
    assert Rights(subscribe=names, publish=names).subscribe == names
    with pytest.raises(ValueError, match="101 topics are more than 100"):
        Rights(publish=(*names, "one"))


def test_an_unknown_right_of_an_operator_is_refused():
    with pytest.raises(ValueError, match="'root' is no right of an operator"):
        Rights(operate=frozenset({"admin", "root"}))


def test_a_publisher_is_the_same_for_the_same_subject_of_the_same_issuer_and_for_nobody_else():
    same = {somebody().publisher, somebody(subscribe=("a",)).publisher}
    others = [somebody(subject="ann "), somebody(subject="Ann"), somebody(issuer="https://b")]
    # Where one name ends and the other begins makes a difference, too.
    split = [somebody(subject="ab", issuer="c"), somebody(subject="b", issuer="ca"), somebody(subject="a", issuer="cb")]
    assert len(same) == 1
    assert len(same | {one.publisher for one in [*others, *split]}) == 1 + len(others) + len(split)


def test_a_publisher_tells_nothing_of_the_subject():
    assert "ann" not in somebody().publisher
    assert len(somebody(subject="x" * 256).publisher) == 32


def test_an_identity_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        somebody().subject = "root"
    with pytest.raises(dataclasses.FrozenInstanceError):
        somebody().rights.subscribe = ("*",)
