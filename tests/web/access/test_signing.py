"""``sign_token``: what is in a token, and that a server takes it."""

import base64
import json
import secrets
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from sse_demo import Issuer, Rights, pem_key, secret_key, sign_token
from sse_demo.web.access.signing import authorization_details
from sse_demo.web.access.tokens import Tokens

SECRET = secrets.token_bytes(64)
RIGHTS = Rights(subscribe=("prices/*", "news"), publish=("news",), operate=frozenset({"ready", "metrics"}))
NAMES = {"issuer": "shop", "audience": "events", "subject": "ann"}


def sign(key=None, **changes):
    return sign_token(key or secret_key(SECRET), **NAMES | {"rights": RIGHTS, "expires_in": 60.0} | changes)


def parts(token):
    """The header and the claims, taken apart by hand."""
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def test_a_token_says_what_rfc_9068_has_it_say():
    before = time.time()
    header, claims = parts(sign())
    assert header == {"alg": "HS256", "typ": "at+jwt"}
    assert claims.pop("exp") - claims["iat"] == pytest.approx(60)
    assert before <= claims.pop("iat") <= time.time()
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "iss": "shop",
        "aud": "events",
        "sub": "ann",
        "client_id": "ann",
        "authorization_details": [
            {"type": "event-stream", "actions": ["subscribe"], "topics": ["prices/*", "news"]},
            {"type": "event-stream", "actions": ["publish"], "topics": ["news"]},
            {"type": "event-stream", "actions": ["metrics", "ready"]},
        ],
    }


def test_what_a_token_is_called_can_be_said():
    header, claims = parts(sign(secret_key(SECRET, id="2026"), token_id="t1", client_id="desk"))
    assert (header["kid"], claims["jti"], claims["client_id"]) == ("2026", "t1", "desk")


def test_no_two_tokens_are_the_same():
    (_, one), (_, other) = parts(sign()), parts(sign())
    assert one["jti"] != other["jti"]
    assert one["iat"] < other["iat"] or one["exp"] != other["exp"], "times have fractions"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_server_takes_what_a_secret_has_signed(algorithm):
    key = secret_key(SECRET, algorithm=algorithm)
    identity = Tokens([Issuer(name="shop", audience="events", keys=key)]).identify(sign(key))
    assert (identity.subject, identity.issuer, identity.rights) == ("ann", "shop", RIGHTS)


def test_a_server_that_has_the_public_key_takes_what_the_private_one_has_signed():
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    token = sign(pem_key(pem))
    assert parts(token)[0]["alg"] == "EdDSA"
    assert Tokens([Issuer(name="shop", audience="events", keys=pem_key(public))]).identify(token).rights == RIGHTS
    with pytest.raises(ValueError, match="a public key checks tokens, and signs none"):
        sign(pem_key(public))


def test_rights_are_said_as_they_are_read():
    assert authorization_details(Rights()) == []
    assert authorization_details(Rights(publish=("a",))) == [
        {"type": "event-stream", "actions": ["publish"], "topics": ["a"]}
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"expires_in": 0}, "expires_in must be a number of seconds greater than zero, not 0"),
        ({"expires_in": float("nan")}, "expires_in must be"),
        ({"expires_in": float("inf")}, "expires_in must be"),
        ({"subject": ""}, "sub must be a text of 1 to 256 printable characters"),
        ({"subject": "a\nb"}, "sub must be"),
        ({"subject": "a" * 257}, "sub must be"),
        ({"issuer": ""}, "iss must be"),
        ({"audience": ""}, "aud must be"),
        ({"token_id": ""}, "jti must be"),
        ({"client_id": 7}, "client_id must be"),
        ({"rights": Rights(subscribe=("x" * 120,) * 100)}, "characters, and a server takes 8,192"),
    ],
)
def test_what_no_server_would_take_is_not_signed(changes, why):
    with pytest.raises(ValueError, match=why) as raised:
        sign(**changes)
    assert SECRET.hex() not in str(raised.value)
