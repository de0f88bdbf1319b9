"""Tokens: who has signed one, for whom, until when, and what it lets its bearer do (RFC 7519, 8725, 9068)."""

from __future__ import annotations

import math
import re
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import jwt

from ...wire.strict_json import read_json
from .claims import rights_of
from .identity import NO_RIGHTS, Identity, Rights
from .keys import ALGORITHMS, FixedKeys, Key, Keys

MAX_TOKEN_SIZE = 8192  # characters
MAX_LIFE = 24 * 3600.0  # seconds from its issue on: a token that is valid for longer is refused
REMEMBERED = 10_000  # tokens that were checked, and need not be checked again
MAX_NAME = 256  # characters of a subject or of a token's id

_REQUIRED = ["exp", "iat", "aud", "iss", "sub"]  # RFC 9068, 2.2

_decoder = jwt.PyJWT()
_compact = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+").fullmatch  # RFC 7515, 3.1


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
        max_life: Seconds for which a token may be valid after it was issued. Revocations are remembered for so long.
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
        if not all(isinstance(name, str) and name for name in (self.name, self.audience)):
            raise ValueError("an issuer has a name and an audience, and both are texts")
        keys = self.keys
        if isinstance(keys, Key):
            keys = [keys]
        object.__setattr__(self, "source", FixedKeys(keys) if isinstance(keys, Sequence) else keys)
        if isinstance(self.algorithms, str) or not set(self.algorithms) <= set(ALGORITHMS):
            raise ValueError(f"algorithms is a list of some of {', '.join(ALGORITHMS)}")
        if not 0 <= self.leeway < self.max_life < float("inf"):
            raise ValueError("leeway is less than max_life, and both are finite")


class Tokens:
    """Checks tokens, and remembers which were valid. For the event loop's thread.

    Args:
        issuers: Those whose tokens count.
        everybody: What everybody may do, and so the bearer of a token as well.

    Raises:
        ValueError: Two of them have the same name.
    """

    def __init__(self, issuers: Sequence[Issuer], everybody: Rights = NO_RIGHTS) -> None:
        self._everybody = everybody
        self._issuers = {issuer.name: (issuer, issuer.source.for_service()) for issuer in issuers}
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
        issued = math.inf
        if digest in self._known:
            identity, keys, version = self._known[digest]
            if identity.expires > time.time() and version == keys.version:
                return identity
            issued = identity.issued  # it was there by then, whatever an issuer says whose clock is ahead
            del self._known[digest]
        identity, keys, version = self._check(token)
        if issued < identity.issued:
            identity = replace(identity, issued=issued)
        self._known[digest] = identity, keys, version
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return identity

    def prepare(self, token: str) -> Awaitable[object] | None:
        """What to wait for before this token is identified: its key may have to be asked for."""
        if len(token) > MAX_TOKEN_SIZE or sha256(token.encode()).digest() in self._known:
            return None
        try:
            _, keys, header = self._origin(token)
        except TokenRefused:
            return None
        return keys.prepare(header.get("kid"))

    def _check(self, token: str) -> tuple[Identity, Keys, int]:
        issuer, keys, header = self._origin(token)
        version = keys.version  # before a key is taken: another thread may renew the keys meanwhile
        if "crit" in header:  # extensions that must be understood (RFC 7515, 4.1.11); none is
            raise TokenRefused("the token has a critical extension")
        if issuer.type is not None and _media_type(header.get("typ")) != _media_type(issuer.type):
            raise TokenRefused(f"the token is none of type {issuer.type}")
        claims = _signed_claims(token, issuer, keys, header)
        return _identity(claims, issuer, self._everybody), keys, version

    def _origin(self, token: str) -> tuple[Issuer, Keys, Mapping[str, Any]]:
        """The issuer that the token names, its keys, and the token's header. Nothing of it is proven yet."""
        header, claims = _read(token)
        name = claims.get("iss")
        if not isinstance(name, str) or name not in self._issuers:
            raise TokenRefused("the token has an issuer that is not known here")
        if not isinstance(header.get("kid"), str | None):
            raise TokenRefused("the token has a kid that is no text")
        issuer, keys = self._issuers[name]
        return issuer, keys, header


def _read(token: str) -> list[dict[str, Any]]:
    """The header and the claims. The library, which reads both once more, would take more than one reading allows."""
    parts = _compact(token)
    if parts is None:
        raise TokenRefused("the token has not three parts")
    try:
        values = [read_json(urlsafe_b64decode(part + "==").decode(), unique=True) for part in parts.groups()]
    except ValueError:
        raise TokenRefused("the token has no JSON in which each member is there once") from None
    if not all(isinstance(value, dict) for value in values):
        raise TokenRefused("the token has a header or claims that are no JSON object")
    return values


def _signed_claims(token: str, issuer: Issuer, keys: Keys, header: Mapping[str, Any]) -> Mapping[str, Any]:
    algorithm = header.get("alg")
    if not keys.known:
        raise TokenUnchecked(f"no keys of {issuer.name} are known yet", "the token cannot be checked for now")
    refused = TokenRefused("the token has no key that is known here")
    for key in keys.find(header.get("kid")):
        allowed = [name for name in key.algorithms if not issuer.algorithms or name in issuer.algorithms]
        if algorithm not in allowed:
            refused = TokenRefused("the token has an algorithm that its key does not have")
            continue
        try:
            claims: Mapping[str, Any] = _decoder.decode(
                token,
                key.checking,
                algorithms=allowed,
                audience=issuer.audience,
                issuer=issuer.name,
                leeway=issuer.leeway,
                options={"require": _REQUIRED},
            )
            return claims
        except jwt.InvalidSignatureError:
            refused = TokenRefused("the token has a signature that is not its key's")
        except jwt.ExpiredSignatureError:
            raise _expired() from None
        except jwt.MissingRequiredClaimError as error:
            raise TokenRefused(f"the token lacks {error.claim}") from None
        except jwt.InvalidAudienceError:
            raise TokenRefused("the token is for another audience") from None
        except jwt.ImmatureSignatureError:
            raise TokenRefused("the token is not valid yet", "the token is not valid yet") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenRefused(f"the token is not valid: {type(error).__name__}") from None
    raise refused


def _identity(claims: Mapping[str, Any], issuer: Issuer, everybody: Rights) -> Identity:
    """What the claims say. The library takes a number in a text for a number; here it is none."""
    now, expires, issued = time.time(), _time(claims, "exp"), _time(claims, "iat")
    if "nbf" in claims:
        _time(claims, "nbf")
    if expires <= now:
        raise _expired()
    if expires - issued > issuer.max_life:
        raise TokenRefused(f"the token is valid for more than {issuer.max_life:,.0f} seconds")
    if "cnf" in claims:  # RFC 7800, 3.1: whoever stole it could use it here, where nobody proves to have the key
        raise TokenRefused("the token is bound to a key, and whoever shows it has not proven to have that")
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
        issued=min(issued, now),  # what a clock that is ahead has issued was there when it was seen
        token_id=token_id,
        everybody=everybody,
    )


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise TokenRefused(f"the token has an {name} that is no number of seconds")
    return float(value)


def _media_type(value: object) -> str:
    return value.lower().removeprefix("application/") if isinstance(value, str) else ""


def _expired() -> TokenRefused:
    return TokenRefused("the token has expired", "the token has expired")
