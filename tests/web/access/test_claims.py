"""What a token says that its bearer may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_demo.web.access.claims import TYPE, rights_of
from sse_demo.web.access.identity import Rights

US = "https://events.test"


def entry(**members):
    return {"type": TYPE, "actions": ["subscribe"], "topics": ["prices/*"]} | members


def rights(*entries):
    return rights_of({"authorization_details": list(entries)}, US)


def test_an_entry_gives_each_of_its_actions_for_each_of_its_topics():
    got = rights(entry(actions=["subscribe", "publish"], topics=["a", "b/*"]))
    assert got == Rights(subscribe=("a", "b/*"), publish=("a", "b/*"))


def test_entries_add_up():
    got = rights(entry(topics=["a"]), entry(actions=["publish"], topics=["b"]), entry(topics=["c"]))
    assert got == Rights(subscribe=("a", "c"), publish=("b",))


def test_the_rights_of_an_operator_are_actions_without_topics():
    got = rights({"type": TYPE, "actions": ["metrics", "ready"]}, entry(actions=["subscribe", "admin"], topics=["a"]))
    assert got == Rights(subscribe=("a",), operate=frozenset({"metrics", "ready", "admin"}))


def test_entries_for_other_services_are_passed_over():
    got = rights(
        {"type": "payment", "anything": [1, {"a": None}]},
        entry(locations=["https://other.test"], topics=["secret"]),
        entry(locations=[US, "x"], topics=["a"]),
    )
    assert got == Rights(subscribe=("a",))


@pytest.mark.parametrize(
    "type", ["Event-Stream", "event-stream ", "event_stream", "eventstream", "", "event-stream/v2"]
)
def test_a_type_that_only_looks_alike_gives_nothing(type):
    assert rights(entry(type=type)) == Rights()


@pytest.mark.parametrize("location", [US + "/", US.upper(), US[:-1], "*", ""])
def test_a_location_that_only_looks_alike_is_another_one(location):
    assert rights(entry(locations=[location])) == Rights()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        pytest.param(entry(unknown=1), "member 'unknown'", id="unknown member"),
        pytest.param(entry(Topics=["*"]), "member 'Topics'", id="member in other case"),
        pytest.param(entry(privileges=["x"]), "member 'privileges'", id="RFC 9396 privileges"),
        pytest.param(entry(locations=["https://x"], unknown=1), "member 'unknown'", id="unknown, for others"),
        pytest.param(entry(actions=["delete"]), "topics where it has", id="unknown action with topics"),
        pytest.param(entry(actions=["subscribe", "delete"]), "action 'delete'", id="one unknown action"),
        pytest.param(entry(actions=["Subscribe"]), "topics where it has", id="action in other case"),
        pytest.param({"type": TYPE, "actions": ["root"]}, "action 'root'", id="unknown operator"),
        pytest.param(entry(actions=[]), "actions must be a list", id="no actions"),
        pytest.param(entry(actions="subscribe"), "actions must be a list", id="actions as text"),
        pytest.param(entry(actions=None), "actions must be a list", id="actions null"),
        pytest.param({"type": TYPE, "topics": ["a"]}, "actions must be a list", id="actions missing"),
        pytest.param(entry(actions=["subscribe", 1]), "actions must be a list", id="a number as action"),
        pytest.param({"type": TYPE, "actions": ["subscribe"]}, "topics where it has", id="topics missing"),
        pytest.param(entry(topics=[]), "topics must be a list", id="no topics"),
        pytest.param(entry(topics="prices/*"), "topics must be a list", id="topics as text"),
        pytest.param(entry(topics=None), "topics must be a list", id="topics null"),
        pytest.param(entry(topics={"a": 1}), "topics must be a list", id="topics as object"),
        pytest.param(entry(topics=[["a"]]), "topics must be a list", id="topics in topics"),
        pytest.param(entry(actions=["admin"]), "topics where it has", id="operator with topics"),
        pytest.param(entry(topics=["fine", "a b"]), "neither a topic name", id="bad pattern"),
        pytest.param(entry(topics=[""]), "neither a topic name", id="empty pattern"),
        pytest.param(entry(topics=["{a}"]), "neither a topic name", id="URI template"),
        pytest.param(entry(topics=["é"]), "neither a topic name", id="pattern outside ASCII"),
        pytest.param(entry(topics=[f"t{n}" for n in range(101)]), "topics are more than 100", id="101 patterns"),
        pytest.param(entry(locations=[]), "locations must be a list", id="no locations"),
        pytest.param(entry(locations=US), "locations must be a list", id="locations as text"),
        pytest.param({"actions": ["subscribe"], "topics": ["a"]}, "object with a type", id="no type"),
        pytest.param(entry(type=None), "object with a type", id="type null"),
        pytest.param(entry(type=[TYPE]), "object with a type", id="type as list"),
        pytest.param("event-stream", "object with a type", id="entry as text"),
        pytest.param(None, "object with a type", id="entry null"),
        pytest.param([entry()], "object with a type", id="entry in a list"),
    ],
)
def test_one_bad_entry_spoils_all(bad, why):
    with pytest.raises(ValueError, match=why):
        rights(entry(), bad)
    with pytest.raises(ValueError, match=why):
        rights(bad, entry())


def test_patterns_of_all_entries_count_together():
    with pytest.raises(ValueError, match="102 topics"):
        rights(*[entry(topics=[f"{one}{n}" for n in range(51)]) for one in "ab"])


@pytest.mark.parametrize("details", [None, {}, entry(), "x", 1, True])
def test_details_that_are_no_list_are_an_error_and_the_scope_does_not_stand_in(details):
    with pytest.raises(ValueError, match="must be a list"):
        rights_of({"authorization_details": details, "scope": "subscribe:*"}, US)


def test_the_scope_counts_for_nothing_beside_details():
    assert rights_of({"authorization_details": [], "scope": "subscribe:*"}, US) == Rights()


def test_a_scope_says_the_same_in_short():
    got = rights_of({"scope": "openid subscribe:prices/* publish:news operate:metrics  subscribe:a:b profile:x"}, US)
    assert got == Rights(subscribe=("prices/*", "a:b"), publish=("news",), operate=frozenset({"metrics"}))


@pytest.mark.parametrize("scope", ["", "openid", "subscribe", "Subscribe:a", "publish", "operate", "admin", "*", ":a"])
def test_a_scope_of_others_gives_nothing(scope):
    assert rights_of({"scope": scope}, US) == Rights()


@pytest.mark.parametrize(
    "scope",
    [
        *["subscribe:", "publish:", "operate:", "operate:root", "operate:Admin", "subscribe:a,b", "subscribe:{x}"],
        *["subscribe:a\tpublish:b", "subscribe:a\npublish:b", "subscribe:a\u00a0publish:b", "subscribe:é"],
        " ".join(f"subscribe:t{n}" for n in range(101)),
    ],
)
def test_a_bad_scope_spoils_all(scope):
    with pytest.raises(ValueError, match=r"neither a topic name|no right of an operator|more than 100"):
        rights_of({"scope": f"subscribe:fine {scope}"}, US)


@pytest.mark.parametrize("scope", [["subscribe:*"], None, 1, {"subscribe": "*"}, True])
def test_a_scope_that_is_no_text_is_an_error(scope):
    with pytest.raises(ValueError, match="scope must be a text"):
        rights_of({"scope": scope}, US)


@pytest.mark.parametrize("name", ["scp", "scopes", "permissions", "roles", "Scope", "authorization_detail", "mercure"])
def test_no_other_claim_gives_rights(name):
    assert rights_of({name: ["subscribe:*", entry()]}, US) == Rights()


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([TYPE, "subscribe", "publish", "*", US, ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "actions", "topics", "locations", "x"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(_json, _json)
def test_whatever_the_claims_are_they_give_rights_or_one_kind_of_error(details, scope):
    for claims in ({"authorization_details": details}, {"scope": scope}, {"authorization_details": [entry(), details]}):
        try:
            got = rights_of(claims, US)
        except ValueError:
            continue
        assert isinstance(got, Rights)
