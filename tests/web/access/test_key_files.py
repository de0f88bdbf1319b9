"""Files with keys: what is read in them, what is made, and what is no key."""

import base64
import json
import os
import stat
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from sse_demo import Issuer, Rights, secret_key, sign_token
from sse_demo.web.access.key_files import KeyFiles, make_key_file, read_key_file
from sse_demo.web.access.keys import jwks_keys
from sse_demo.web.access.tokens import TokenRefused, Tokens

SECRET = "s3cret-" * 10
WORDS = {"issuer": "shop", "audience": "events", "subject": "ann", "rights": Rights(), "expires_in": 60}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "key"


def pem(key, private=True):
    plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    if private:
        return key.private_bytes(*plain).decode()
    return key.public_key().public_bytes(plain[0], serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def oct(secret=SECRET, **more):
    return json.dumps({"kty": "oct", "k": base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")} | more)


ED25519, EC = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())


@pytest.mark.parametrize(
    ("text", "algorithms", "id", "private"),
    [
        (SECRET, ("HS256",), None, True),
        (f" {SECRET}\r\n", ("HS256",), None, True),
        (oct(), ("HS256",), None, True),
        (oct(alg="HS384", kid="a"), ("HS384",), "a", True),
        (pem(ED25519), ("EdDSA",), None, True),
        (pem(ED25519, private=False), ("EdDSA",), None, False),
        (pem(EC), ("ES384",), None, True),
    ],
)
def test_what_a_file_has_is_told_from_how_it_looks(file, text, algorithms, id, private):
    file.write_text(text)
    key = read_key_file(file)
    assert (key.algorithms, key.id, key.private) == (algorithms, id, private)
    if algorithms[0].startswith("HS"):
        assert key.material == SECRET.encode()


def test_what_the_file_does_not_say_can_be_said(file):
    file.write_text(SECRET)
    key = read_key_file(file, id="a", algorithm="HS512")
    assert (key.id, key.algorithms) == ("a", ("HS512",))
    file.write_text(oct(kid="b", alg="HS256"))
    key = read_key_file(file, id="a", algorithm="HS384")
    assert (key.id, key.algorithms) == ("a", ("HS384",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is neither PEM, nor a JSON Web Key, nor one line"),
        ("short", "at least 32 bytes"),
        (f"{SECRET} {SECRET}", "it is neither"),
        (f"{SECRET}\n{SECRET}", "it is neither"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJt9 ann@example", "it is neither"),
        (SECRET + "ü", "it is neither"),
        ("\0" * 64, "it is neither"),
        ("{" + SECRET, "it begins as JSON, and cannot be read"),
        ("{" + '"a":[' * 9000, "it begins as JSON"),
        ("{}", "it is no JSON Web Key"),
        ('{"keys": []}', "it is a set of keys, and not one key"),
        (oct(use="enc"), "its key is not for signatures"),
        (oct(kid=7), "its kid is no text"),
        (oct(alg="RS256"), "it is no JSON Web Key"),
        (oct(alg=["HS256"]), "it is no JSON Web Key"),
        (oct("short"), "at least 32 bytes"),
        ('{"kty": "oct", "k": 7}', "it is no JSON Web Key"),
        ('{"kty": "EC", "crv": "P-256"}', "it is no JSON Web Key"),
        ('{"kty": ["EC"]}', "it is no JSON Web Key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "this is no key in PEM"),
        (pem(x25519.X25519PrivateKey.generate()), "a key is RSA, Ed25519, or on one of the curves"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "at least 2048 bits"),
        (SECRET * 1000, "it has more than 65,536 bytes"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(file, text, why):
    file.write_text(text)
    with pytest.raises(ValueError, match=why) as raised:
        read_key_file(file)
    assert str(raised.value).startswith(f"{file} has no key that can be used: ")
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    for shown in (str(raised.value), repr(raised.value)):
        assert "s3cret" not in shown
        assert "AAAA" not in shown


def test_an_algorithm_that_is_not_the_keys_is_refused(file):
    file.write_text(pem(ED25519))
    with pytest.raises(ValueError, match="used with EdDSA, not with 'HS256'"):
        read_key_file(file, algorithm="HS256")  # the public key would be the secret
    make_key_file(file.with_name("jwk"), "ed25519")
    with pytest.raises(ValueError, match="is no JSON Web Key"):
        read_key_file(file.with_name("jwk"), algorithm="HS256")


@pytest.mark.parametrize(
    ("type", "algorithm"), [("secret", "HS256"), ("ed25519", "EdDSA"), ("ec", "ES256"), ("rsa", "RS256")]
)
def test_a_key_that_was_made_signs_what_a_server_takes(file, type, algorithm):
    public = make_key_file(file, type)
    key = read_key_file(file)
    assert (key.private, key.algorithms) == (True, (algorithm,))
    token = sign_token(key, **WORDS)
    sources = [KeyFiles([file])]
    if type == "secret":
        assert public is None
    else:
        assert public == f"{file}.jwks"
        text = file.with_name("key.jwks").read_text()
        [published] = json.loads(text)["keys"]
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(published)
        assert published["kid"] == key.id
        sources.append(jwks_keys(text))
    for source in sources:
        issuer = Issuer(name="shop", audience="events", keys=source)
        assert Tokens([issuer]).identify(token).subject == "ann"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
@pytest.mark.parametrize("type", ["secret", "ec"])
def test_only_its_owner_may_read_a_new_key(file, type):
    before = os.umask(0)
    try:
        make_key_file(file, type)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("type", ["secret", "ec"])
def test_a_file_that_is_there_stays_as_it_is(file, type):
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        make_key_file(file, type)
    assert file.read_text() == "mine"
    assert [one.name for one in file.parent.iterdir()] == ["key"], "no public key without its private one"


def test_a_public_key_that_is_there_stays_as_it_is(file):
    beside = file.with_name("key.jwks")
    beside.write_text("mine")
    with pytest.raises(FileExistsError):
        make_key_file(file, "ec")
    assert [one.name for one in file.parent.iterdir()] == ["key.jwks"]
    assert beside.read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links")
def test_a_new_key_is_not_written_where_a_link_leads(file):
    target = file.with_name("target")
    file.symlink_to(target)
    with pytest.raises(FileExistsError):
        make_key_file(file)
    assert not target.exists()


def test_a_key_that_takes_the_place_of_another_counts_alone(file, caplog):
    file.write_text(SECRET)
    keys = KeyFiles([file])
    tokens = Tokens([Issuer(name="shop", audience="events", keys=keys)])
    old, new = (sign_token(secret_key(secret), **WORDS) for secret in (SECRET, SECRET[::-1]))
    assert tokens.identify(old).subject == "ann"
    assert not keys.has_changed()
    file.write_text("half")
    assert keys.has_changed()
    assert not keys.read_again()
    assert "goes on with the keys that it has" in caplog.text
    assert tokens.identify(old).subject == "ann"
    file.write_text(SECRET[::-1])
    assert keys.read_again()
    assert tokens.identify(new).subject == "ann"
    with pytest.raises(TokenRefused):
        tokens.identify(old)  # although it was remembered


def test_two_keys_count_while_one_takes_the_place_of_the_other(tmp_path):
    (tmp_path / "old").write_text(SECRET)
    (tmp_path / "new").write_text(SECRET[::-1])
    tokens = Tokens([Issuer(name="shop", audience="events", keys=KeyFiles([tmp_path / "new", tmp_path / "old"]))])
    for secret in (SECRET, SECRET[::-1]):
        assert tokens.identify(sign_token(secret_key(secret), **WORDS)).subject == "ann"
