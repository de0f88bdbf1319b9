"""``LabIssuer``: a small issuer of tokens with the code flow of OAuth (RFC 6749, 4.1), PKCE and rotation.

One person, ann, is logged in here already, and agrees to all that she is asked. A real issuer asks for a password.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ....start import serve
from ....web.access.identity import Rights
from ....web.access.keys import Key
from ....web.access.signing import sign_token
from ....web.handlers import Handler
from ....web.routing import Route
from .by_hand import encoded

CODE_AGE = 60.0  # seconds
TOKEN_AGE = 300.0  # seconds
MOST = 1_000  # codes, or families of refresh tokens, that are kept
REDIRECT_URI = "https://shop.example/back"  # of the one client; it is compared as a whole (RFC 9700, 2.1)
CLIENT_ID = "shop"
RIGHTS = Rights(subscribe=("prices",))


class GrantRefused(Exception):
    """Nothing is given. The error has the name that RFC 6749, 5.2 gives it."""


@dataclass
class _Family:
    """The refresh tokens that have come of one code, each from the one before (RFC 9700, 4.14.2)."""

    subject: str
    newest: str
    ended: bool = False


@dataclass(frozen=True)
class _Code:
    subject: str
    challenge: str
    ends: float  # on the monotonic clock


class LabIssuer:
    """An issuer at an address of its own. Its name is that address.

    ``GET /authorize`` sends the browser back with a code, ``POST /token`` trades a code or a refresh token for tokens,
    and ``GET /jwks`` tells the public keys.

    Args:
        audience: The service that its tokens are for.

    Attributes:
        url: The address.
        keys: The keys by their names, the newest last.
    """

    def __init__(self, audience: str = "events") -> None:
        self.keys: dict[str, Key] = {}
        self._audience = audience
        self._codes: dict[str, _Code] = {}
        self._families: dict[str, _Family] = {}  # by each refresh token that was ever given
        self.rotate_keys()
        self._server = serve(demo=False, routes=self._routes())
        self.url = self._server.url

    def __repr__(self) -> str:
        return f"LabIssuer({self._audience!r})"

    def rotate_keys(self) -> str:
        """Sign with a new key from now on. Its name is returned. The one before is still told; those before it are not.

        That one has to stay for as long as there are tokens that were signed with it.
        """
        name = f"key {1 + int(list(self.keys)[-1].split()[1]) if self.keys else 1}"
        self.keys[name] = Key(ec.generate_private_key(ec.SECP256R1()), ("ES256",), name, private=True)
        while len(self.keys) > 2:
            del self.keys[next(iter(self.keys))]
        return name

    def stop(self) -> None:
        """Stop its server."""
        self._server.stop()

    def jwks(self) -> dict[str, Any]:
        """The public keys as a set (RFC 7517, 5)."""
        return {
            "keys": [
                ECAlgorithm.to_jwk(key.checking, as_dict=True) | {"kid": name, "use": "sig", "alg": "ES256"}
                for name, key in self.keys.items()
            ]
        }

    def authorize(self, challenge: str, method: str) -> str:
        """A code, for whoever knows what the challenge was made from.

        Raises:
            GrantRefused: The challenge is none of S256 (RFC 7636, 4.2).
        """
        if method != "S256" or len(challenge) != 43:
            raise GrantRefused("invalid_request")
        code = secrets.token_urlsafe(32)
        _make_room(self._codes)
        self._codes[code] = _Code("ann", challenge, time.monotonic() + CODE_AGE)
        return code

    def exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code. The code is used up, whatever comes of it.

        Raises:
            GrantRefused: There is no such code, or another verifier has made its challenge (RFC 7636, 4.6).
        """
        found = self._codes.pop(code, None)
        challenge = encoded(sha256(verifier.encode()).digest())
        if found is None or found.ends <= time.monotonic() or not hmac.compare_digest(challenge, found.challenge):
            raise GrantRefused("invalid_grant")
        return self._give(_Family(found.subject, ""))

    def refresh(self, token: str) -> dict[str, Any]:
        """New tokens for a refresh token, which counts no more from now on.

        A refresh token that comes a second time was stolen, before or after. So its family ends, the newest one, too.

        Raises:
            GrantRefused: There is no such token, or its family has ended.
        """
        family = self._families.get(token)
        if family is None or family.ended:
            raise GrantRefused("invalid_grant")
        if not hmac.compare_digest(token.encode(), family.newest.encode()):
            family.ended = True
            raise GrantRefused("invalid_grant")
        return self._give(family)

    def _give(self, family: _Family) -> dict[str, Any]:
        family.newest = secrets.token_urlsafe(32)
        _make_room(self._families)
        self._families[family.newest] = family
        access_token = sign_token(
            list(self.keys.values())[-1],
            issuer=self.url,
            audience=self._audience,
            subject=family.subject,
            rights=RIGHTS,
            expires_in=TOKEN_AGE,
            client_id=CLIENT_ID,
        )
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_AGE),
            "refresh_token": family.newest,
        }

    def _routes(self) -> list[Route]:
        issuer = self

        class AuthorizeHandler(Handler):
            def get(self) -> None:
                # Never send anybody to an address that was not agreed upon, not even with an error.
                if self.get_query_argument("redirect_uri", "") != REDIRECT_URI:
                    return _refuse(self, "invalid_request")
                try:
                    code = issuer.authorize(
                        self.get_query_argument("code_challenge", ""),
                        self.get_query_argument("code_challenge_method", ""),
                    )
                    told = {"code": code, "state": self.get_query_argument("state", ""), "iss": issuer.url}
                except GrantRefused as refused:
                    told = {"error": str(refused), "state": self.get_query_argument("state", ""), "iss": issuer.url}
                self.redirect(f"{REDIRECT_URI}?{urlencode(told)}")

        class TokenHandler(Handler):
            def post(self) -> None:
                self.set_header("Cache-Control", "no-store")
                try:
                    self.write(self._tokens(self.get_body_argument("grant_type", "")))
                except GrantRefused as refused:
                    _refuse(self, str(refused))

            def _tokens(self, grant: str) -> dict[str, Any]:
                field = self.get_body_argument
                if grant == "authorization_code":
                    if field("redirect_uri", "") != REDIRECT_URI:
                        raise GrantRefused("invalid_grant")
                    return issuer.exchange(field("code", ""), field("code_verifier", ""))
                if grant == "refresh_token":
                    return issuer.refresh(field("refresh_token", ""))
                raise GrantRefused("unsupported_grant_type")

        class JwksHandler(Handler):
            def get(self) -> None:
                self.write(issuer.jwks())

        return [Route("/authorize", AuthorizeHandler), Route("/token", TokenHandler), Route("/jwks", JwksHandler)]


def _refuse(handler: Handler, error: str) -> None:
    handler.set_status(400)
    handler.write({"error": error})


def _make_room(kept: dict[str, Any]) -> None:
    while len(kept) >= MOST:
        del kept[next(iter(kept))]
