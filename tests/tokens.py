"""An issuer, and tokens of it, good and bad ones, for the tests of who may listen."""

import json
import time
from base64 import urlsafe_b64encode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sse_demo import Access, Issuer, secret_key

ISSUER, AUDIENCE = "https://issuer.test", "https://events.test"
SECRET = b"planted-secret-of-the-issuer-0123456789"
RSA = rsa.generate_private_key(65537, 2048)  # once: it takes some time
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC, OTHER_EC = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
ED, OTHER_ED = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
ABSENT = object()  # a claim, or a member of the header, that is left out


def issuer(keys=None, **options):
    """An issuer whose tokens count; by default with a secret."""
    return Issuer(**{"name": ISSUER, "audience": AUDIENCE, "keys": keys or secret_key(SECRET)} | options)


def access(**options):
    """Access with that one issuer."""
    return Access(**{"issuers": [issuer()]} | options)


def claims(**changed):
    """Claims of a token that counts, with some of them changed. What is ``ABSENT`` is left out."""
    now = time.time()
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600}
    return {name: value for name, value in (usual | changed).items() if value is not ABSENT}


def token(key=SECRET, algorithm="HS256", header=None, **changed):
    """A token, signed as the library signs it."""
    header = {"typ": "at+jwt"} | (header or {})
    header = {name: value for name, value in header.items() if value is not ABSENT}
    return signed(json.dumps({"alg": algorithm} | header), json.dumps(claims(**changed)), key, algorithm)


def signed(header, payload, key=SECRET, algorithm="HS256"):
    """A token with these two texts, or bytes, whatever they are."""
    signing = f"{encoded(header)}.{encoded(payload)}"
    method = jwt.get_algorithm_by_name(algorithm)
    return f"{signing}.{encoded(method.sign(signing.encode(), method.prepare_key(key)))}"


def encoded(part):
    """In base64url, without padding."""
    return urlsafe_b64encode(part.encode() if isinstance(part, str) else part).decode().rstrip("=")


def bearer(token):
    """The headers of a request with it."""
    return {"Authorization": f"Bearer {token}"}


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key, **members):
    """The public half of a key as an entry of a set of keys, with further members."""
    kinds = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256", ed25519.Ed25519PrivateKey: "EdDSA"}
    name = next(name for kind, name in kinds.items() if isinstance(key, kind))
    return jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True) | members
