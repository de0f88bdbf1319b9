"""Signing tokens, as an issuer does (RFC 9068): for scripts, tests and the command line."""

from __future__ import annotations

import math
import secrets
import time
from typing import Any

import jwt

from .claims import TYPE
from .identity import Rights
from .keys import Key
from .tokens import MAX_NAME, MAX_TOKEN_SIZE

TOKEN_TYPE = "at+jwt"  # RFC 9068, 2.1

_encoder = jwt.PyJWT()


def sign_token(
    key: Key,
    *,
    issuer: str,
    audience: str,
    subject: str,
    rights: Rights,
    expires_in: float,
    client_id: str | None = None,
    token_id: str | None = None,
) -> str:
    """A signed token, which lets its bearer in wherever this issuer and this key count.

    ::

        key = secret_key(secrets.token_bytes(32))
        rights = Rights(subscribe=("prices/*",), publish=("news",))
        token = sign_token(
            key, issuer="shop", audience="events", subject="ann", rights=rights, expires_in=3600
        )

    Args:
        key: A secret, or a private key. The first of its algorithms is used.
        issuer: Who signs.
        audience: The service that the token is for.
        subject: Who the token is for.
        rights: What its bearer may do.
        expires_in: Seconds from now on for which the token is valid. A server has a limit for that:
            :attr:`Issuer.max_life`.
        client_id: The program that the token is given to. By default the subject.
        token_id: The token's name, with which it can be revoked. By default a random one.

    Raises:
        ValueError: The key is a public one, or a server would not take such a token.
    """
    if not key.private:
        raise ValueError("a public key checks tokens, and signs none: sign with the private one, or with a secret")
    if not 0 < expires_in < math.inf:
        raise ValueError(f"expires_in must be a number of seconds greater than zero, not {expires_in!r}")
    now = time.time()
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "client_id": subject if client_id is None else client_id,
        "jti": secrets.token_urlsafe(16) if token_id is None else token_id,
        # With fractions: whoever logs out everywhere, and in again at once, does both within a second.
        "iat": now,
        "exp": now + expires_in,
        "authorization_details": authorization_details(rights),
    }
    for name in ("iss", "aud", "sub", "client_id", "jti"):
        if not (isinstance(claims[name], str) and 0 < len(claims[name]) <= MAX_NAME and claims[name].isprintable()):
            raise ValueError(f"{name} must be a text of 1 to {MAX_NAME} printable characters")
    header = {"typ": TOKEN_TYPE} | ({} if key.id is None else {"kid": key.id})
    token = _encoder.encode(claims, key.material, key.algorithms[0], header)
    if len(token) > MAX_TOKEN_SIZE:
        raise ValueError(
            f"the token has {len(token):,} characters, and a server takes {MAX_TOKEN_SIZE:,}: "
            "a pattern names many topics"
        )
    return token


def authorization_details(rights: Rights) -> list[dict[str, Any]]:
    """The claim of the same name (RFC 9396), which says these rights."""
    topics = {"subscribe": rights.subscribe, "publish": rights.publish}
    details: list[dict[str, Any]] = [
        {"type": TYPE, "actions": [action], "topics": list(names)} for action, names in topics.items() if names
    ]
    if rights.operate:
        details.append({"type": TYPE, "actions": sorted(rights.operate)})
    return details
