import hmac
import json
import time

import jwt
import pytest

from sse_demo import Issuer, pem_key, secret_key
from sse_demo.lab import SECRET, TOKEN, decoded, encoded, naive_verify, packed, rsa_pair, signed, why_refused
from sse_demo.lab.lessons.who_may_listen.by_hand import CLAIMS

PRIVATE, PUBLIC = rsa_pair()


@pytest.mark.parametrize("part", [b"", b"a", b"ab", b"abc", b"abcd", bytes(range(256))])
def test_what_is_encoded_can_be_decoded_and_has_no_padding(part):
    assert decoded(encoded(part)) == part
    assert not set(encoded(part)) & set("=+/")


def test_the_token_of_the_lesson_is_one_that_the_library_takes():
    assert jwt.decode(TOKEN, SECRET, algorithms=["HS256"], audience="events") == CLAIMS
    assert jwt.get_unverified_header(TOKEN) == {"typ": "at+jwt", "alg": "HS256"}


def test_the_naive_verifier_takes_what_is_right():
    assert naive_verify(TOKEN, SECRET) == CLAIMS
    assert naive_verify(jwt.encode(CLAIMS, PRIVATE, "RS256"), PUBLIC) == CLAIMS


def test_the_naive_verifier_is_fooled_as_the_lesson_says():
    boss = CLAIMS | {"sub": "boss"}
    assert naive_verify(f"{packed({'alg': 'none'}, boss)}.", PUBLIC) == boss
    assert naive_verify(signed(packed({"alg": "HS256"}, boss), PUBLIC), PUBLIC) == boss


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(f"{packed({'alg': 'none'}, CLAIMS)}.abcd", id="none, and a signature"),
        pytest.param(signed(packed({"alg": "HS256"}, CLAIMS), b"another secret"), id="another secret"),
        pytest.param(jwt.encode(CLAIMS, rsa_pair()[0], "RS256"), id="another pair of keys"),
    ],
)
def test_the_naive_verifier_refuses_a_signature_that_does_not_fit(token):
    with pytest.raises(ValueError, match="does not fit"):
        naive_verify(token, PUBLIC)


def test_it_is_told_why_a_token_is_refused():
    issuer = Issuer(name="login", audience="events", keys=pem_key(PUBLIC))
    now = time.time()
    claims = CLAIMS | {"iat": now, "exp": now + 60}
    good = jwt.encode(claims, PRIVATE, "RS256", headers={"typ": "at+jwt"})
    assert why_refused(issuer, good) == "it counts"
    assert "three parts" in why_refused(issuer, f"{packed({'alg': 'none', 'typ': 'at+jwt'}, claims)}.")
    assert "algorithm" in why_refused(issuer, signed(packed({"alg": "HS256", "typ": "at+jwt"}, claims), PUBLIC))
    assert "signature" in why_refused(
        Issuer(name="login", audience="events", keys=secret_key(b"x" * 32)),
        signed(packed({"alg": "HS256", "typ": "at+jwt"}, claims), SECRET),
    )


def test_what_is_signed_is_the_text_as_it_is():
    text, _, signature = TOKEN.rpartition(".")
    assert decoded(signature) == hmac.digest(SECRET, text.encode(), "sha256")
    assert json.loads(decoded(text.split(".")[1])) == CLAIMS
