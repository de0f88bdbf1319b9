"""``ShopPage``: what the page of a shop does to get tokens from an issuer, and what a server says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from ....web.server import Server
from ...one_request import Answer, ask
from .by_hand import decoded
from .issuer import CLIENT_ID, REDIRECT_URI, LabIssuer

FORM = "application/x-www-form-urlencoded"
CLIENT = {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI}


def bearer(token: str) -> dict[str, str]:
    """The header by which a request shows a token (RFC 6750, 2.1)."""
    return {"Authorization": f"Bearer {token}"}


def cookie_of(answer: Answer) -> dict[str, str]:
    """The header by which a browser sends back the cookie that an answer has set."""
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


def whose(server: Server, token: str) -> str:
    """Whose token it is, as a server says it, and the name of the key that has signed it."""
    known = ask(f"{server.url}/session", headers=bearer(token))
    if known.status != 200:
        return f"{known.status}"
    return f"{known.json()['subject']}, by {json.loads(decoded(token.split('.')[0]))['kid']}"


def post_form(url: str, fields: Mapping[str, str]) -> Answer:
    """Send a form, as a client sends it to an issuer, and wait for the answer."""
    return ask(url, "POST", {"Content-Type": FORM}, urlencode(fields).encode())


def query_of(address: str) -> dict[str, str]:
    """What the query of an address has, by name."""
    return dict(parse_qsl(urlsplit(address).query))


class ShopPage:
    """The page of a shop, in ann's browser.

    Args:
        issuer: Where ann is logged in.
    """

    def __init__(self, issuer: LabIssuer) -> None:
        self._issuer = issuer

    def __repr__(self) -> str:
        return "ShopPage()"

    def new_code(self, challenge: str) -> str:
        """Go to the issuer with a challenge, and come back with a code (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
        asked = CLIENT | {"response_type": "code", "code_challenge": challenge, "code_challenge_method": "S256"}
        return query_of(ask(f"{self._issuer.url}/authorize?{urlencode(asked)}").headers["Location"])["code"]

    def trade(self, code: str, verifier: str) -> Answer:
        """Ask for tokens, for a code and what its challenge was made from (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
        return self._post(grant_type="authorization_code", code=code, code_verifier=verifier)

    def refresh(self, token: str) -> Answer:
        """Ask for new tokens, for a refresh token (RFC 6749, 6)."""
        return self._post(grant_type="refresh_token", refresh_token=token)

    def _post(self, **fields: str) -> Answer:
        return post_form(f"{self._issuer.url}/token", CLIENT | fields)
