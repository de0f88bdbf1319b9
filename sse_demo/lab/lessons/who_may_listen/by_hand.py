"""A token to be taken apart by hand, a verifier that believes too much, and what the real one says."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from ....web.access.tokens import Issuer, TokenRefused, Tokens

#: A secret that everybody may read here, and the claims of a token that was signed with it.
SECRET = b"a secret of the lesson, 32 bytes"
CLAIMS = {"iss": "login", "aud": "events", "sub": "ann", "exp": 1_900_000_000}


def encoded(part: bytes) -> str:
    """Bytes in base64url, without padding (RFC 7515, 2)."""
    return urlsafe_b64encode(part).decode().rstrip("=")


def decoded(part: str) -> bytes:
    """The bytes of a text in base64url. Padding that was left out is put back.

    Raises:
        ValueError: The text has a length that none has.
    """
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def packed(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """The first two parts of a token: what is signed (RFC 7515, 5.1)."""
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))


def signed(text: str, secret: bytes) -> str:
    """A whole token: a text, and its signature by HMAC-SHA256."""
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"


#: The token of the lesson. It is the same each time.
TOKEN = signed(packed({"typ": "at+jwt", "alg": "HS256"}, CLAIMS), SECRET)


def rsa_pair() -> tuple[bytes, bytes]:
    """A new private key, and its public one, both in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def naive_verify(token: str, key: bytes) -> dict[str, Any]:
    """The claims of a token whose signature fits."""
    header, claims, signature = token.split(".")
    algorithm = json.loads(decoded(header))["alg"]
    fits = CHECKS[algorithm]
    if not fits(f"{header}.{claims}".encode(), decoded(signature), key):
        raise ValueError("the signature does not fit")
    found: dict[str, Any] = json.loads(decoded(claims))
    return found


def _unsigned(text: bytes, signature: bytes, key: bytes) -> bool:
    return signature == b""


def _by_secret(text: bytes, signature: bytes, key: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(key, text, "sha256"), signature)


def _by_public_key(text: bytes, signature: bytes, key: bytes) -> bool:
    public = load_pem_public_key(key)
    assert isinstance(public, rsa.RSAPublicKey)
    try:
        public.verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


#: By the name of the algorithm, as RFC 7518, 3.1 has it.
CHECKS: Mapping[str, Callable[[bytes, bytes, bytes], bool]] = {
    "none": _unsigned,
    "HS256": _by_secret,
    "RS256": _by_public_key,
}


def why_refused(issuer: Issuer, token: str) -> str:
    """Why a server that trusts this issuer refuses a token, as its log tells it; ``"it counts"`` where it does not."""
    try:
        Tokens([issuer]).identify(token)
    except TokenRefused as refused:
        return refused.reason
    return "it counts"
