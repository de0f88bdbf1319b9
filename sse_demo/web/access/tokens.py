"""Tokens: who has signed one, for whom, until when, and what it lets its bearer do (RFC 7519, 8725, 9068)."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jwt

from .claims import rights_of
from .identity import Identity
from .keys import FixedKeys, Key, Keys

MAX_TOKEN_SIZE = 8192  # characters
MAX_LIFE = 24 * 3600.0  # seconds: a token that is valid for longer is refused
REMEMBERED = 10_000  # tokens that were checked, and need not be checked again
MAX_NAME = 256  # characters of a subject or of a token's id

_decoder = jwt.PyJWT()


class TokenRefused(Exception):
    """A token does not count.

    Attributes:
        detail: What its bearer is told.
        reason: What the operator's log is told. It has nothing of the token's secret part.
    """

    def __init__(self, reason: str, detail: str = "the token is not valid here") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class TokenUnchecked(TokenRefused):
    """Whether a token counts cannot be told for now: the keys of its issuer could not be had yet."""


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Somebody whose tokens count here. All of it comes from the configuration, and nothing from a token.

    Attributes:
        name: The issuer's name, with which the claim ``iss`` must agree.
        audience: This service's name, which must be in the claim ``aud``.
        keys: With which the tokens are checked: a key, several, or a source of keys such as :class:`Jwks`.
        algorithms: Of which a token must have one; by default those of the keys.
        type: The header ``typ`` of the tokens, as RFC 9068 has it; ``None`` for an issuer that does not say it.
        leeway: Seconds by which the clock of the issuer may be ahead. The end of a token is exact all the same.
        max_life: Seconds for which a token may be valid from now on.
        source: Gives the keys.

    Raises:
        ValueError: A value makes no sense.
    """

    name: str
    audience: str
    keys: Key | Sequence[Key] | Keys
    algorithms: tuple[str, ...] = ()
    type: str | None = "at+jwt"
    leeway: float = 10.0
    max_life: float = MAX_LIFE
    source: Keys = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name or not self.audience:
            raise ValueError("an issuer has a name and an audience")
        keys = self.keys
        if isinstance(keys, Key):
            keys = [keys]
        object.__setattr__(self, "source", FixedKeys(keys) if isinstance(keys, Sequence) else keys)
        if "none" in (name.lower() for name in self.algorithms):
            raise ValueError("the algorithm none is no signature")
        if not 0 <= self.leeway < self.max_life < math.inf:
            raise ValueError("leeway is less than max_life, and both are finite")


class Tokens:
    """Checks tokens, and remembers which were valid. For the event loop's thread.

    Args:
        issuers: Those whose tokens count.

    Raises:
        ValueError: Two of them have the same name.
    """

    def __init__(self, issuers: Sequence[Issuer]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        if len(self._issuers) < len(issuers):
            raise ValueError("two issuers have the same name")
        self._known: OrderedDict[bytes, tuple[Identity, Keys, int]] = OrderedDict()  # with the version of the keys

    def identify(self, token: str) -> Identity:
        """Whose token it is.

        Raises:
            TokenRefused: It does not count.
        """
        if len(token) > MAX_TOKEN_SIZE:
            raise TokenRefused("the token is too large", f"a token has at most {MAX_TOKEN_SIZE:,} characters")
        digest = sha256(token.encode()).digest()  # so that looking one up tells nothing of others by its time
        if digest in self._known:
            identity, keys, version = self._known[digest]
            if identity.expires > time.time() and version == keys.version:
                return identity
            del self._known[digest]
        identity, keys = self._check(token)
        self._known[digest] = identity, keys, keys.version
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return identity

    def prepare(self, token: str) -> Awaitable[None] | None:
        """What to wait for before this token is identified: its key may have to be asked for."""
        if len(token) > MAX_TOKEN_SIZE or sha256(token.encode()).digest() in self._known:
            return None
        try:
            issuer, header = self._origin(token)
        except TokenRefused:
            return None
        return issuer.source.prepare(header.get("kid"))

    def _check(self, token: str) -> tuple[Identity, Keys]:
        issuer, header = self._origin(token)
        if "crit" in header:  # extensions that must be understood (RFC 7515, 4.1.11); none is
            raise TokenRefused("the token has a critical extension")
        if issuer.type is not None and _media_type(header.get("typ")) != issuer.type:
            raise TokenRefused(f"the token is none of type {issuer.type}")
        claims = self._signed_claims(token, issuer, header)
        return _identity(claims, issuer), issuer.source

    def _origin(self, token: str) -> tuple[Issuer, Mapping[str, Any]]:
        """The issuer that the token names, and its header. Nothing of both is proven yet."""
        try:
            unproven = _decoder.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenRefused("the token cannot be read") from None
        name, header = unproven["payload"].get("iss"), unproven["header"]
        if not isinstance(name, str) or name not in self._issuers:
            raise TokenRefused("the token has an issuer that is not known here")
        if not isinstance(header.get("kid"), str | None):
            raise TokenRefused("the token has a kid that is no text")
        return self._issuers[name], header

    def _signed_claims(self, token: str, issuer: Issuer, header: Mapping[str, Any]) -> Mapping[str, Any]:
        algorithm = header.get("alg")
        if not issuer.source.known:
            raise TokenUnchecked(f"no keys of {issuer.name} are known yet", "the token cannot be checked for now")
        refused = TokenRefused("the token has no key that is known here")
        for key in issuer.source.find(header.get("kid")):
            allowed = [name for name in key.algorithms if not issuer.algorithms or name in issuer.algorithms]
            if algorithm not in allowed:
                refused = TokenRefused("the token has an algorithm that its key does not have")
                continue
            material = key.material.public_key() if hasattr(key.material, "public_key") else key.material
            try:
                return _decoder.decode(
                    token,
                    material,
                    algorithms=allowed,
                    audience=issuer.audience,
                    issuer=issuer.name,
                    leeway=issuer.leeway,
                    options={"require": ["exp", "aud", "iss", "sub"]},
                )
            except jwt.InvalidSignatureError:
                refused = TokenRefused("the token has a signature that is not its key's")
            except jwt.ExpiredSignatureError:
                raise _expired() from None
            except jwt.InvalidAudienceError:
                raise TokenRefused("the token is for another audience") from None
            except jwt.ImmatureSignatureError:
                raise TokenRefused("the token is not valid yet", "the token is not valid yet") from None
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
                raise TokenRefused(f"the token is not valid: {type(error).__name__}") from None
        raise refused


def _identity(claims: Mapping[str, Any], issuer: Issuer) -> Identity:
    """What the claims say. The library takes a number in a text for a number; here it is none."""
    expires = _time(claims, "exp")
    assert expires is not None  # it is required
    for name in ("iat", "nbf"):
        _time(claims, name)
    if expires <= time.time():
        raise _expired()
    if expires - time.time() > issuer.max_life + issuer.leeway:
        raise TokenRefused(f"the token is valid for more than {issuer.max_life:,.0f} seconds")
    subject, token_id = claims["sub"], claims.get("jti")
    for name, value in (("sub", subject), ("jti", token_id)):
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable()):
            raise TokenRefused(f"the token has a {name} that is no text of 1 to {MAX_NAME} characters")
    try:
        rights = rights_of(claims, issuer.audience)
    except ValueError as error:
        raise TokenRefused(f"the token has rights that cannot be read: {error}") from None
    return Identity(
        subject=subject,
        rights=rights,
        kind="token",
        expires=expires,
        issuer=issuer.name,
        issued=_time(claims, "iat") or -math.inf,
        token_id=token_id,
    )


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise TokenRefused(f"the token has an {name} that is no number of seconds")
    return float(value)


def _media_type(value: object) -> str:
    return value.lower().removeprefix("application/") if isinstance(value, str) else ""


def _expired() -> TokenRefused:
    return TokenRefused("the token has expired", "the token has expired")
