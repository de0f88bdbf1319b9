"""Tokens for the checks of lesson 10: right ones, and such as an attacker makes."""

from __future__ import annotations

import hmac
import json
from itertools import count
from typing import Any

from ..lessons.who_may_listen.by_hand import encoded

KEY, OTHER_KEY = b"a secret of the check, 32 bytes.", b"another key of 32 bytes, or more"
AUDIENCE = "events"
NOW = 1.8e9
CLAIMS = {"iss": "login", "aud": AUDIENCE, "sub": "ann", "exp": NOW + 60}


def header(algorithm: object = "HS256", **more: object) -> dict[str, Any]:
    """The header of a token."""
    return {"typ": "JWT", "alg": algorithm} | more


def pack(*parts: object) -> str:
    """Parts of a token. Bytes are taken as they are, a text in UTF-8, and all else as JSON."""
    texts = (part if isinstance(part, str | bytes) else json.dumps(part) for part in parts)
    return ".".join(encoded(text.encode() if isinstance(text, str) else text) for text in texts)


def sign(header: object, claims: object, key: bytes = KEY, digest: str = "sha256") -> str:
    """A whole token."""
    text = pack(header, claims)
    return f"{text}.{encoded(hmac.digest(key, text.encode(), digest))}"


def sign_in_plain_base64() -> str:
    """A token whose signature has both characters in which base64 differs from base64url."""
    for number in count():
        text, _, signature = sign(header(), CLAIMS | {"jti": number}).rpartition(".")
        if {"-", "_"} <= set(signature):
            break
    return f"{text}.{signature.replace('-', '+').replace('_', '/')}"


def another(character: str) -> str:
    """A character of base64url that is not this one."""
    return "B" if character == "A" else "A"
