"""May this one? What is refused, and how much is told."""

import math

import pytest

from sse_demo.web.access.identity import EVERYBODY, Identity, Rights
from sse_demo.web.access.rights import (
    require_known,
    require_publish,
    require_publisher,
    require_right,
    require_subscribe,
)
from sse_demo.web.problems import Problem


def identity(kind="token", **rights):
    return Identity(subject="ann", rights=Rights(**rights), kind=kind, expires=math.inf)


READER = identity(subscribe=("news", "prices/*"), publish=("orders", "news"))
STRANGER = identity("anonymous", subscribe=("news",))


@pytest.mark.parametrize(
    ("who", "topics"),
    [(READER, ["news"]), (READER, ["news", "prices/oil"]), (STRANGER, ["news"]), (EVERYBODY, ["any", "topic"])],
)
def test_who_may_read_is_let_in(who, topics):
    require_subscribe(who, topics)


@pytest.mark.parametrize(
    ("topics", "unnamed"),
    [
        (["secret"], "this topic"),
        (["news", "secret"], "one or more of these topics"),
        (["secret", "news"], "one or more of these topics"),
        (["prices"], "this topic"),
        (["newsletter"], "this topic"),
        (["*"], "this topic"),
    ],
)
def test_all_topics_or_none(topics, unnamed):
    with pytest.raises(Problem) as refused:
        require_subscribe(READER, topics)
    assert refused.value.status_code == 403
    assert refused.value.log_message == f"you may not read {unnamed}"
    assert 'error="insufficient_scope"' in refused.value.headers["WWW-Authenticate"]


def test_a_topic_is_named_to_those_who_know_of_it():
    with pytest.raises(Problem, match=r"you may not read orders\)$"):
        require_subscribe(READER, ["orders", "secret", "news"])
    with pytest.raises(Problem, match=r"you may not publish to prices/oil\)$"):
        require_publish(READER, ["prices/oil", "secret"])


def test_to_publish_is_another_right():
    require_publish(READER, ["orders"])
    with pytest.raises(Problem) as refused:
        require_publish(READER, ["orders", "secret"])
    assert refused.value.log_message == "you may not publish to one or more of these topics"


@pytest.mark.parametrize("ask", [require_subscribe, require_publish])
def test_a_stranger_is_asked_who_they_are(ask):
    with pytest.raises(Problem) as refused:
        ask(STRANGER, ["secret"])
    assert refused.value.status_code == 401
    assert "secret" not in refused.value.log_message
    assert refused.value.headers["WWW-Authenticate"] == 'Bearer realm="sse_demo"'  # without an error: RFC 6750, 3.1


def test_whoever_may_publish_anything_is_a_publisher():
    require_publisher(READER)
    for who, status in [(identity(subscribe=("*",)), 403), (STRANGER, 401)]:
        with pytest.raises(Problem) as refused:
            require_publisher(who)
        assert refused.value.status_code == status


def test_the_rights_of_operators():
    require_right(identity(operate=frozenset({"metrics"})), "metrics")
    for who, status in [(identity(operate=frozenset({"metrics"})), 403), (STRANGER, 401)]:
        with pytest.raises(Problem) as refused:
            require_right(who, "admin")
        assert refused.value.status_code == status


def test_whoever_has_told_who_they_are_is_known():
    for kind in ("token", "session", "ticket"):
        require_known(identity(kind))
    with pytest.raises(Problem):
        require_known(STRANGER)
