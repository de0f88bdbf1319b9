"""Keys with which tokens are checked. Each has its own algorithms, whatever a token says of itself (RFC 8725, 3.1)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt import PyJWK, PyJWTError
from jwt.algorithms import HMACAlgorithm

MAX_KEYS = 100  # in one set
MAX_TRIED = 4  # keys that are tried for a token that does not name its key
MIN_SECRET = {"HS256": 32, "HS384": 48, "HS512": 64}  # bytes: RFC 7518, 3.2
MIN_RSA = 2048  # bits: RFC 7518, 3.3

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS = (*MIN_SECRET, *_RSA, *_CURVES.values(), "EdDSA")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and the algorithms that may be used with it.

    Attributes:
        material: The key as PyJWT takes it.
        algorithms: Of which a token must have one.
        id: The name of the key (``kid``); ``None`` where it has none.
        private: Whether tokens can be signed with it.
        checking: What signatures are checked with: the secret, or the public key.
    """

    material: Any = field(repr=False)
    algorithms: tuple[str, ...]
    id: str | None = None
    private: bool = False
    checking: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        can_sign = hasattr(self.material, "public_key")
        object.__setattr__(self, "checking", self.material.public_key() if can_sign else self.material)


class Keys(Protocol):
    """Where the keys of an issuer come from.

    Attributes:
        version: Another one each time that the keys change.
        known: Whether it is known by now which keys there are.
    """

    def for_service(self) -> Keys:
        """The same for one service, which asks for the keys on its own event loop."""
        ...

    @property
    def version(self) -> int: ...

    @property
    def known(self) -> bool: ...

    def find(self, id: str | None) -> Sequence[Key]:
        """The keys with this name (``kid``). Where a token names none, some that may be its own."""
        ...

    def prepare(self, id: str | None) -> Awaitable[object] | None:
        """What to wait for before a key with this name is looked for; ``None`` where there is nothing to wait for."""
        ...


class FixedKeys:
    """Keys that are known from the beginning.

    Args:
        keys: At least one. Several are there while a new one takes the place of an old one.

    Raises:
        ValueError: There is none, or there are too many.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = tuple(keys)
        if not 0 < len(self._keys) <= MAX_KEYS:
            raise ValueError(f"an issuer has 1 to {MAX_KEYS} keys, not {len(self._keys)}")
        self.version, self.known = 0, True

    def for_service(self) -> FixedKeys:
        """They do not change, and are the same for all."""
        return self

    def find(self, id: str | None) -> Sequence[Key]:
        """The keys with this name, and those that have no name."""
        return named(self._keys, id)

    def prepare(self, id: str | None) -> None:
        """There is nothing to wait for."""


def named(keys: Iterable[Key], id: str | None) -> Sequence[Key]:
    """Those of the keys that a token which names this key may have been signed with; a few at the most."""
    return [key for key in keys if id is None or key.id is None or key.id == id][:MAX_TRIED]


def secret_key(secret: str | bytes, *, id: str | None = None, algorithm: str = "HS256") -> Key:
    """A secret that the issuer and this service share. Whoever has it can make tokens.

    Args:
        secret: At least 32 bytes, such as ``secrets.token_bytes(32)``; text is taken as UTF-8.
        id: The name of the key (``kid``).
        algorithm: ``HS256``, ``HS384`` or ``HS512``.

    Raises:
        ValueError: The secret is too short, or is a public key, which is none.
    """
    material = secret.encode() if isinstance(secret, str) else secret
    if algorithm not in MIN_SECRET:
        raise ValueError(f"a secret is used with {', '.join(MIN_SECRET)}, not with {algorithm!r}")
    if len(material) < MIN_SECRET[algorithm]:
        raise ValueError(f"a secret for {algorithm} has at least {MIN_SECRET[algorithm]} bytes, not {len(material)}")
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(material)
    except PyJWTError:  # everybody may know it, and so could make tokens
        raise ValueError("this is a key in PEM or of SSH, and no secret: use pem_key") from None
    return Key(material, (algorithm,), id, private=True)


def pem_key(pem: str | bytes, *, id: str | None = None, algorithm: str | None = None) -> Key:
    """A key in PEM: a public one, with which tokens are checked, or a private one, with which they are made, too.

    Args:
        pem: The text, which begins with ``-----BEGIN``.
        id: The name of the key (``kid``).
        algorithm: By default ``RS256`` for RSA, ``EdDSA`` for Ed25519, and for elliptic curves what fits the curve.

    Raises:
        ValueError: The text is no such key, the key is too short, or the algorithm is none of it.
    """
    text = pem.encode() if isinstance(pem, str) else pem
    try:
        if private := b"PRIVATE KEY" in text:
            loaded: Any = load_pem_private_key(text, password=None)
            public = loaded.public_key()
        else:
            loaded = public = load_pem_public_key(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # whose texts may show what they could not read
        raise ValueError("this is no key in PEM that could be read; one that has a password cannot") from None
    allowed = algorithms_of(public)
    if algorithm is not None and algorithm not in allowed:
        raise ValueError(f"this key is used with {', '.join(allowed)}, not with {algorithm!r}")
    return Key(loaded, (algorithm or allowed[0],), id, private)


def jwks_keys(document: str | bytes) -> list[Key]:
    """The keys of a JSON Web Key Set (RFC 7517, 5) that check signatures.

    Keys for other purposes, and those that this service does not know, are passed over. So are secrets, which have no
    place in a set that is published. None may be left.

    Raises:
        ValueError: It is no such set.
    """
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('this is no set of keys: it has the form {"keys": [...]}') from None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError(f"a set of keys is a list of at most {MAX_KEYS}")
    return [key for entry in entries if isinstance(entry, dict) and (key := _jwk(entry))]


def _jwk(entry: dict[str, Any]) -> Key | None:
    id, uses = entry.get("kid"), entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in uses:
        return None
    try:
        loaded: Any = PyJWK({**entry, "alg": None}).key  # which is looked at below
        public = loaded.public_key() if hasattr(loaded, "public_key") else loaded
        allowed = algorithms_of(public)
    except (PyJWTError, ValueError, TypeError):
        return None
    said = entry.get("alg")
    if (said is not None and said not in allowed) or (id is not None and not isinstance(id, str)):
        return None
    return Key(public, (said,) if said else allowed, id)


def algorithms_of(public: object) -> tuple[str, ...]:
    """Those that a public key can be used with, the most common one first."""
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < MIN_RSA:
            raise ValueError(f"an RSA key has at least {MIN_RSA} bits, not {public.key_size}")
        return _RSA
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return (_CURVES[public.curve.name],)
    if isinstance(public, ed25519.Ed25519PublicKey):
        return ("EdDSA",)
    raise ValueError("a key is RSA, Ed25519, or on one of the curves P-256, P-384 and P-521")
