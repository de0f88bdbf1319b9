"""Tokens: which count, which do not, and which are remembered."""

import base64
import json
import logging
import math
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokens import (
    ABSENT,
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    OTHER_RSA,
    RSA,
    SECRET,
    claims,
    encoded,
    issuer,
    jwk,
    public_pem,
    signed,
    token,
)

from sse_demo import Jwks, pem_key, secret_key
from sse_demo.web.access import tokens as module
from sse_demo.web.access.keys import FixedKeys, jwks_keys
from sse_demo.web.access.tokens import MAX_TOKEN_SIZE, TokenRefused, Tokens, TokenUnchecked

SAME = "the token is not valid here"  # what strangers are told, whatever is wrong


def tokens(*keys, **options):
    return Tokens([issuer(list(keys) or None, **options)])


def refused(checker, bad):
    """What the bearer is told, and what the log is told."""
    with pytest.raises(TokenRefused) as refusal:
        checker.identify(bad)
    told = f"{refusal.value} {refusal.value.detail}"
    assert not any(part in told for part in bad.split(".") if len(part) > 8)
    assert refusal.value.__cause__ is None
    return refusal.value.detail, refusal.value.reason


# What counts


@pytest.mark.parametrize(
    ("key", "algorithm", "checked_with"),
    [
        (SECRET, "HS256", secret_key(SECRET)),
        (SECRET * 2, "HS512", secret_key(SECRET * 2, algorithm="HS512")),
        (RSA, "RS256", pem_key(public_pem(RSA))),
        (RSA, "PS384", pem_key(public_pem(RSA), algorithm="PS384")),
        (RSA, "RS512", jwks_keys(json.dumps({"keys": [jwk(RSA)]}))[0]),
        (EC, "ES256", pem_key(public_pem(EC))),
        (ED, "EdDSA", pem_key(public_pem(ED))),
    ],
)
def test_a_token_of_each_kind_of_key_counts(key, algorithm, checked_with):
    good = claims(jti="t1", scope="subscribe:prices/* publish:news")
    identity = tokens(checked_with).identify(token(key, algorithm, **good))
    assert (identity.subject, identity.issuer, identity.token_id, identity.kind) == ("ann", ISSUER, "t1", "token")
    assert (identity.expires, identity.issued) == (good["exp"], good["iat"])
    assert identity.may_subscribe("prices/a")
    assert identity.may_publish("news")


@pytest.mark.parametrize(
    "changed",
    [
        lambda now: {"aud": ["https://other.test", AUDIENCE]},
        lambda now: {"jti": ABSENT},
        lambda now: {"nbf": now - 5},
        lambda now: {"sub": "x" * 256},
        lambda now: {"sub": "Ann Müller"},
        lambda now: {"exp": int(now) + 60, "iat": int(now)},
        lambda now: {"unknown": {"a": [1, None]}},
        lambda now: {"iat": now + 5, "nbf": now + 5},  # the issuer's clock is ahead
    ],
)
def test_these_claims_count(changed):
    assert tokens().identify(token(**changed(time.time()))).issuer == ISSUER


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_type_is_a_media_type(typ):
    assert tokens().identify(token(header={"typ": typ}))
    assert tokens(type="application/AT+jwt").identify(token(header={"typ": typ}))


@pytest.mark.parametrize(
    "typ", [ABSENT, "JWT", "at+jwt", None, "x", 5, ["at+jwt"]], ids=lambda typ: "absent" if typ is ABSENT else repr(typ)
)
def test_an_issuer_that_says_no_type_need_not(typ):
    assert tokens(type=None).identify(token(header={"typ": typ}))


def test_a_token_that_names_no_key_is_tried_with_each():
    keys = [pem_key(public_pem(key), id=id) for key, id in ((OTHER_RSA, "a"), (RSA, "b"))]
    assert tokens(*keys).identify(token(RSA, "RS256"))
    assert tokens(*keys).identify(token(RSA, "RS256", {"kid": "b"}))
    assert refused(tokens(*keys), token(RSA, "RS256", {"kid": "a"})) == (
        SAME,
        "the token has a signature that is not its key's",
    )


def test_each_issuer_has_its_keys_and_its_audience():
    checker = Tokens(
        [
            issuer(pem_key(public_pem(RSA))),
            issuer(secret_key(SECRET), name="https://b", audience="b", type=None),
        ]
    )
    assert checker.identify(token(RSA, "RS256")).issuer == ISSUER
    assert checker.identify(token(iss="https://b", aud="b")).issuer == "https://b"
    for crossed in (token(), token(RSA, "RS256", iss="https://b", aud="b"), token(iss="https://b"), token(aud="b")):
        assert refused(checker, crossed)[0] == SAME


def test_what_the_issuer_allows_narrows_what_a_key_can():
    key = jwks_keys(json.dumps({"keys": [jwk(RSA)]}))[0]
    checker = tokens(key, algorithms=("PS256",))
    assert checker.identify(token(RSA, "PS256"))
    assert refused(checker, token(RSA, "RS256"))[1] == "the token has an algorithm that its key does not have"


# What does not


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda: token(iss="https://other.test"), "an issuer that is not known"),
        (lambda: token(aud="https://other.test"), "for another audience"),
        (lambda: token(aud=ABSENT), "lacks aud"),
        (lambda: token(exp=ABSENT), "lacks exp"),
        (lambda: token(iat=ABSENT), "lacks iat"),
        (lambda: token(sub=ABSENT), "lacks sub"),
        (lambda: token(sub=None), "lacks sub"),
        (lambda: token(exp=str(time.time() + 60)), "an exp that is no number|DecodeError"),
        (lambda: token(exp=str(int(time.time() + 60))), "an exp that is no number"),
        (lambda: token(exp=True), "the token has expired"),
        (lambda: token(exp=2**53), "an exp that is no number"),
        (lambda: token(iat=str(int(time.time()))), "an iat that is no number"),
        (lambda: token(iat=-1), "an iat that is no number"),
        (lambda: token(nbf=str(int(time.time()))), "an nbf that is no number"),
        (lambda: token(nbf=False), "an nbf that is no number"),
        (lambda: token(nbf=None), "DecodeError|an nbf that is no number"),
        (lambda: token(exp=time.time() + 86_500), "valid for more than 86,400 seconds"),
        (lambda: token(iat=time.time() - 86_000), "valid for more than 86,400 seconds"),
        (lambda: token(sub=""), "a sub that is no text"),
        (lambda: token(sub=5), "InvalidSubjectError"),
        (lambda: token(sub="a\r\nb"), "a sub that is no text"),
        (lambda: token(sub="a\u202eb"), "a sub that is no text"),
        (lambda: token(sub="\ud800"), "a sub that is no text"),
        (lambda: token(sub="x" * 257), "a sub that is no text"),
        (lambda: token(jti=""), "a jti that is no text"),
        (lambda: token(jti=5), "InvalidJTIError"),
        (lambda: token(jti="x" * 257), "a jti that is no text"),
        (lambda: token(scope=["subscribe:*"]), "rights that cannot be read: scope must be a text"),
        (lambda: token(header={"crit": ["exp"], "exp": 1}), "a critical extension"),
        (lambda: token(header={"typ": "JWT"}), "none of type at.jwt"),
        (lambda: token(header={"kid": 5}), "a kid that is no text"),
        (lambda: token(b"x" * 32), "a signature that is not its key's"),
        (lambda: token()[:-4] + "AAAA", "a signature that is not its key's"),
        (lambda: token() + "=", "not three parts"),
        (lambda: token() + ".x", "not three parts"),
        (lambda: token().rsplit(".", 1)[0] + ".", "not three parts"),
        (lambda: "", "not three parts"),
        (lambda: "a.b.c", "no JSON"),
        (lambda: signed('{"alg":"HS256"}', "[]"), "no JSON object"),
        (lambda: signed("[]", "{}"), "no JSON object"),
        (lambda: signed('{"alg":"HS256"}', "[" * 3000), "no JSON"),
        (lambda: signed('{"alg":"HS256"}', '{"exp":NaN}'), "no JSON"),
        (lambda: signed('{"alg":"HS256"}', '{"exp":' + "9" * 5000 + "}"), "no JSON"),
        (lambda: signed('{"alg":"HS256"}', b'{"iss":"\xff"}'), "no JSON"),
        (lambda: signed('{"alg":"HS256","alg":"none"}', json.dumps(claims())), "no JSON in which each member"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_token_is_refused_and_only_the_log_is_told_why(bad, reason):
    detail, why = refused(tokens(), bad())
    assert re.search(reason, why), why
    assert detail in (SAME, "the token has expired")


def test_two_things_are_told_to_the_bearer_once_the_signature_is_right():
    now = time.time()
    assert refused(tokens(), token(exp=now - 1, iat=now - 60))[0] == "the token has expired"
    assert refused(tokens(), token(nbf=now + 60))[0] == "the token is not valid yet"
    assert refused(tokens(), token(iat=now + 60))[0] == "the token is not valid yet"
    for wrong in ({"exp": now - 1}, {"nbf": now + 60}, {"aud": "x"}):
        assert refused(tokens(), token(b"x" * 32, **wrong))[0] == SAME


def test_a_token_that_is_too_large_is_not_even_looked_at():
    checker = tokens()
    large = token(unknown="x" * MAX_TOKEN_SIZE)
    detail, reason = refused(checker, large)
    assert (detail, reason) == ("a token has at most 8,192 characters", "the token is too large")
    assert checker.prepare(large) is None


def test_the_end_is_exact_whatever_the_leeway(monkeypatch):
    now = time.time()
    good = token(exp=now + 50, iat=now)
    checker = tokens(leeway=30)
    monkeypatch.setattr(module.time, "time", lambda: now + 49.9)
    assert checker.identify(good)
    monkeypatch.setattr(module.time, "time", lambda: now + 50)
    assert refused(checker, good)[0] == "the token has expired", "although it was remembered"
    assert refused(tokens(leeway=30), good)[0] == "the token has expired"


def test_a_clock_that_is_ahead_issues_nothing_that_outlives_a_revocation():
    ahead = tokens().identify(token(iat=time.time() + 8))
    assert ahead.issued <= time.time()


def test_the_life_of_a_token_counts_from_its_issue(monkeypatch):
    """Or one that is refused now would count later, when nobody remembers that it was revoked."""
    now = time.time()
    long = token(iat=now, exp=now + 2 * 86_400)
    monkeypatch.setattr(module.time, "time", lambda: now + 1.5 * 86_400)
    assert "valid for more than" in refused(tokens(), long)[1]


# Remembering


class CountingKeys(FixedKeys):
    """Keys that count how often they are looked for, and may be changed."""

    looked = 0

    def find(self, id):
        self.looked += 1
        return super().find(id)


def test_a_token_is_checked_once():
    keys = CountingKeys([secret_key(SECRET)])
    checker = Tokens([issuer(keys)])
    good = token()
    assert len({id(checker.identify(good)) for _ in range(10)}) == 1
    assert keys.looked == 1


def test_a_remembered_token_is_no_other_that_differs_in_one_character():
    checker = tokens()
    good = token()
    checker.identify(good)
    for place in range(0, len(good), 7):
        other = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        refused(checker, other)


def test_what_is_refused_is_not_remembered():
    checker = tokens()
    for number in range(50):
        refused(checker, token(b"x" * 32, sub=f"s{number}"))
    assert not checker._known


def test_other_keys_let_each_token_be_checked_again():
    keys = CountingKeys([secret_key(SECRET)])
    checker = Tokens([issuer(keys)])
    good = token()
    checker.identify(good)
    keys._keys = (secret_key(b"x" * 32),)
    assert checker.identify(good), "nobody has said that they are others"
    keys.version += 1
    refused(checker, good)
    assert not checker._known


def test_what_was_seen_before_the_keys_changed_was_issued_before(monkeypatch):
    """Or a token of a clock that is ahead would be newer than its own revocation."""
    keys = CountingKeys([secret_key(SECRET)])
    checker = Tokens([issuer(keys)])
    now = time.time()
    ahead = token(iat=now + 8, exp=now + 600)
    seen = checker.identify(ahead).issued
    keys.version += 1
    monkeypatch.setattr(module.time, "time", lambda: now + 20)
    assert checker.identify(ahead).issued == seen


def test_so_many_are_remembered_and_the_oldest_makes_room(monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    keys = CountingKeys([secret_key(SECRET)])
    checker = Tokens([issuer(keys)])
    good = [token(sub=f"s{number}") for number in range(5)]
    for one in good:
        checker.identify(one)
    assert len(checker._known) == 3
    checker.identify(good[-1])
    assert keys.looked == 5
    checker.identify(good[0])
    assert keys.looked == 6


def test_nothing_that_is_remembered_is_a_token():
    checker = tokens()
    good = token()
    checker.identify(good)
    assert not any(part in repr(checker._known) for part in good.split("."))


def test_nobody_waits_for_a_token_that_is_remembered_or_cannot_count(tmp_path):
    checker = Tokens([issuer(Jwks(tmp_path / "none"))])
    for bad in ("", "a.b.c", token(iss="https://other.test"), "x" * (MAX_TOKEN_SIZE + 1), token(header={"kid": 5})):
        assert checker.prepare(bad) is None
    with pytest.raises(TokenUnchecked) as unchecked:
        checker.identify(token())
    assert unchecked.value.detail == "the token cannot be checked for now"


# The configuration


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"name": ""}, "a name and an audience"),
        ({"audience": ""}, "a name and an audience"),
        ({"audience": ["a", "b"]}, "a name and an audience"),
        ({"name": None}, "a name and an audience"),
        ({"algorithms": ("none",)}, "algorithms is a list"),
        ({"algorithms": ("RS256", "NONE")}, "algorithms is a list"),
        ({"algorithms": "RS256"}, "algorithms is a list"),
        ({"algorithms": ("rs256",)}, "algorithms is a list"),
        ({"leeway": -1}, "leeway is less"),
        ({"leeway": math.nan}, "leeway is less"),
        ({"max_life": math.inf}, "leeway is less"),
        ({"leeway": 60, "max_life": 30}, "leeway is less"),
        ({"keys": [secret_key(SECRET)] * 101}, "1 to 100 keys"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, why):
    with pytest.raises(ValueError, match=why):
        issuer(**options)


def test_an_issuer_has_keys():
    with pytest.raises(ValueError, match="1 to 100 keys, not 0"):
        module.Issuer(name="a", audience="b", keys=[])


def test_two_issuers_have_two_names():
    with pytest.raises(ValueError, match="the same name"):
        Tokens([issuer(), issuer(audience="other")])


def test_no_issuer_shows_its_keys():
    shown = repr([issuer(), issuer(pem_key(public_pem(RSA))), issuer([secret_key(SECRET)])])
    assert "planted" not in shown
    assert base64.b64encode(SECRET).decode() not in shown


# Anything


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_header_name = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jku", "jwk", "x5u", "x5c", "cty", "zip"])
_claim_name = st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "scope", "authorization_details"])
_checker = tokens()


@given(st.dictionaries(_header_name, _json, max_size=3), st.dictionaries(_claim_name, _json, max_size=4))
def test_whatever_its_header_and_claims_are_a_token_counts_or_is_refused(header, changed):
    text = json.dumps({"alg": "HS256", "typ": "at+jwt"} | header), json.dumps(claims(**changed))
    try:
        identity = _checker.identify(signed(*text))
    except TokenRefused:
        return
    assert identity.subject.isprintable()
    assert time.time() < identity.expires < time.time() + 90_000


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60) | st.binary(max_size=40).map(encoded))
def test_whatever_a_token_is_it_is_refused(text):
    refused(_checker, text)
    refused(_checker, f"{text}.{text}.{text}")
    assert _checker.prepare(text) is None


def test_the_library_warns_of_nothing(recwarn, caplog):
    for key, algorithm in ((SECRET, "HS256"), (RSA, "RS256")):
        tokens(secret_key(SECRET), pem_key(public_pem(RSA))).identify(token(key, algorithm))
    assert not recwarn.list
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
