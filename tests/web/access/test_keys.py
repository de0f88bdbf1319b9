"""Keys with which tokens are checked: what is one, and for which algorithms."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tokens import EC, ED, OTHER_RSA, RSA, jwk, private_pem, public_pem

from sse_demo import pem_key, secret_key
from sse_demo.web.access.keys import MAX_KEYS, MAX_TRIED, FixedKeys, jwks_keys

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


def jwks(*entries):
    return json.dumps({"keys": entries})


# Secrets


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_has_as_many_bytes_as_its_hash(algorithm, least):
    key = secret_key(b"x" * least, algorithm=algorithm)
    assert (key.algorithms, key.private) == ((algorithm,), True)
    with pytest.raises(ValueError, match=f"at least {least} bytes, not {least - 1}"):
        secret_key(b"x" * (least - 1), algorithm=algorithm)


def test_a_secret_may_be_text():
    assert secret_key("é" * 16).material == ("é" * 16).encode()


@pytest.mark.parametrize("algorithm", ["RS256", "none", "None", "hs256", "", "EdDSA"])
def test_a_secret_is_for_no_other_algorithm(algorithm):
    with pytest.raises(ValueError, match="a secret is used with HS256, HS384, HS512"):
        secret_key(b"x" * 64, algorithm=algorithm)


@pytest.mark.parametrize("key", [RSA, EC, ED])
def test_a_public_key_is_no_secret(key):
    ssh = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    for published in (public_pem(key), public_pem(key).strip(), b" \n" + public_pem(key), ssh):
        with pytest.raises(ValueError, match="no secret: use pem_key"):
            secret_key(published + b" " * 64)


# PEM


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, _RSA),
        (ED, ("EdDSA",)),
        (EC, ("ES256",)),
        (ec.generate_private_key(ec.SECP384R1()), ("ES384",)),
        (ec.generate_private_key(ec.SECP521R1()), ("ES512",)),
    ],
)
def test_a_key_in_pem_has_one_algorithm_the_first_that_fits_it(key, algorithms):
    private, public = pem_key(private_pem(key)), pem_key(public_pem(key).decode())
    assert private.algorithms == public.algorithms == algorithms[:1]
    assert (private.private, public.private) == (True, False)
    for algorithm in algorithms:
        assert pem_key(public_pem(key), algorithm=algorithm).algorithms == (algorithm,)
    for other in {"HS256", "none", "RS256", "ES256", "ES384", "EdDSA"} - set(algorithms):
        with pytest.raises(ValueError, match=f"not with '{other}'"):
            pem_key(public_pem(key), algorithm=other)


@pytest.mark.parametrize("key", [RSA, EC, ED])
def test_signatures_are_checked_with_the_public_half_also_where_tokens_are_made(key):
    private, public = pem_key(private_pem(key)), pem_key(public_pem(key))
    token = jwt.encode({"a": 1}, private.material, private.algorithms[0])
    for one in (private, public):
        assert not hasattr(one.checking, "private_bytes")
        assert jwt.decode(token, one.checking, list(one.algorithms)) == {"a": 1}


@pytest.mark.parametrize(
    "pem",
    [
        *(b"", b"x" * 100, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "é", private_pem(RSA)[:-60]),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")),
    ],
)
def test_what_cannot_be_read_is_no_key_and_is_not_repeated(pem):
    with pytest.raises(ValueError, match="no key in PEM") as refused:
        pem_key(pem)
    assert refused.value.__cause__ is None
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (rsa.generate_private_key(65537, 1024), "at least 2048 bits, not 1024"),
        (ec.generate_private_key(ec.SECP256K1()), "P-256, P-384 and P-521"),
        (ed448.Ed448PrivateKey.generate(), "RSA, Ed25519"),
        (x25519.X25519PrivateKey.generate(), "RSA, Ed25519"),
        (dsa.generate_private_key(1024), "RSA, Ed25519"),
    ],
)
def test_a_weak_key_and_one_of_another_kind_are_refused(key, why):
    for pem in (private_pem(key), public_pem(key)):
        with pytest.raises(ValueError, match=why):
            pem_key(pem)


def test_no_key_shows_what_is_secret():
    shown = repr(
        [secret_key(b"planted" * 8, id="one"), pem_key(private_pem(RSA)), FixedKeys([pem_key(private_pem(EC))])]
    )
    assert "planted" not in shown
    assert "PRIVATE" not in shown
    assert "id='one'" in shown


# Sets of keys


def test_a_set_has_the_keys_that_check_signatures():
    keys = jwks_keys(
        jwks(jwk(RSA, kid="r"), jwk(EC, kid="e", use="sig"), jwk(ED), jwk(OTHER_RSA, kid="p", alg="PS256"))
    )
    assert [(key.id, key.algorithms) for key in keys] == [
        ("r", _RSA),
        ("e", ("ES256",)),
        (None, ("EdDSA",)),
        ("p", ("PS256",)),
    ]
    assert not any(key.private for key in keys)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(jwk(RSA, use="enc"), id="for encryption"),
        pytest.param(jwk(RSA, use=["sig"]), id="use as list"),
        pytest.param(jwk(RSA, key_ops=["sign"]), id="for signing"),
        pytest.param(jwk(RSA, key_ops="verify"), id="key_ops as text"),
        pytest.param(jwk(RSA, key_ops=5), id="key_ops as number"),
        pytest.param(jwk(RSA, key_ops=None), id="key_ops null"),
        pytest.param({"kty": "oct", "k": "QUFB" * 16, "alg": "HS256"}, id="a published secret"),
        pytest.param({"kty": "oct", "k": "QUFB" * 16}, id="a published secret without alg"),
        pytest.param({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}, id="another kind"),
        pytest.param(jwk(RSA, kty="rsa"), id="kind in other case"),
        pytest.param(jwk(RSA, alg="HS256"), id="HMAC with a public key"),
        pytest.param(jwk(RSA, alg="none"), id="alg none"),
        pytest.param(jwk(RSA, alg="ES256"), id="alg of another kind"),
        pytest.param(jwk(RSA, alg=["RS256"]), id="alg as list"),
        pytest.param(jwk(EC, alg="ES384"), id="alg of another curve"),
        pytest.param(jwk(EC, crv="P-384"), id="another curve"),
        pytest.param(jwk(EC, x=jwk(EC)["y"]), id="not on the curve"),
        pytest.param(jwk(EC, crv="secp256k1"), id="secp256k1"),
        pytest.param(jwk(ED, crv="X25519"), id="X25519"),
        pytest.param(jwk(ED, x="AAAA"), id="too short"),
        pytest.param(jwk(RSA, kid=5), id="kid as number"),
        pytest.param(jwk(rsa.generate_private_key(65537, 1024)), id="1024 bits"),
        pytest.param(jwk(RSA, e="AQ"), id="exponent 1"),
        pytest.param(jwk(RSA, n=5), id="n as number"),
        pytest.param({}, id="empty"),
        *[pytest.param(value, id=f"{value!r}") for value in (None, 5, "x", [])],
    ],
)
def test_what_is_no_usable_key_is_passed_over(entry):
    assert [key.id for key in jwks_keys(jwks(entry, jwk(RSA, kid="good")))] == ["good"]
    assert jwks_keys(jwks(entry)) == []


def test_a_private_key_in_a_set_makes_no_tokens_here():
    (key,) = jwks_keys(jwks(jwt.get_algorithm_by_name("EdDSA").to_jwk(ED, as_dict=True)))
    assert isinstance(key.material, ed25519.Ed25519PublicKey)


@pytest.mark.parametrize(
    "document",
    [
        *("", "x", "[]", "{}", "null", "5", '"keys"', '{"keys": null}', '{"keys": {}}', '{"keys": 5}', "[" * 100_000),
        *(b"\xff\xfe", b'{"keys": [\xff]}', json.dumps([jwk(RSA)]), json.dumps(jwk(RSA))),
        jwks(*[{} for _ in range(MAX_KEYS + 1)]),
    ],
)
def test_what_is_no_set_is_an_error(document):
    with pytest.raises(ValueError, match="set of keys"):
        jwks_keys(document)


_junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(max_size=3))
_member = st.sampled_from([*"xyedpqnk", "kty", "alg", "kid", "use", "key_ops", "crv", "dp", "dq", "qi", "oth", "x5c"])


@given(st.sampled_from([jwk(RSA), jwk(EC), jwk(ED)]), st.dictionaries(_member, _junk, max_size=6))
def test_whatever_a_set_has_it_is_read_or_passed_over(entry, changed):
    document = json.dumps({"keys": [entry | changed]}).encode("utf-8", "surrogatepass")
    for key in jwks_keys(document):
        assert set(key.algorithms) <= {*_RSA, "ES256", "EdDSA"}
        assert key.id is None or isinstance(key.id, str)


# Which are tried


def test_a_token_that_names_a_key_is_tried_with_that_one_and_with_those_that_have_no_name():
    keys = FixedKeys([secret_key(b"x" * 32, id=id) for id in ("a", "b", None)])
    assert [key.id for key in keys.find("a")] == ["a", None]
    assert [key.id for key in keys.find("c")] == [None]
    assert [key.id for key in keys.find(None)] == ["a", "b", None]
    assert keys.prepare("c") is None


def test_no_token_is_tried_with_more_than_some_keys():
    keys = FixedKeys([secret_key(b"x" * 32) for _ in range(20)])
    assert len(keys.find(None)) == len(keys.find("a")) == MAX_TRIED


@pytest.mark.parametrize("count", [0, MAX_KEYS + 1])
def test_an_issuer_has_some_keys_and_not_too_many(count):
    with pytest.raises(ValueError, match=f"1 to {MAX_KEYS} keys, not {count}"):
        FixedKeys([secret_key(b"x" * 32) for _ in range(count)])
