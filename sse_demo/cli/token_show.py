"""``token show``: what is in a token, and whether it counts."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..extras import needs
from . import output, stdin
from .access import jwks_of
from .arguments import WrongCall, read_file, tell_if_open, wrong_call
from .connection import MAX_TOKEN
from .output import visible, visible_json

if TYPE_CHECKING:
    from ..web.access.keys import Keys

SUMMARY = "Show what is in a token, and check it where a key is given."
DESCRIPTION = """\
Show what is in a token, which is read from standard input: its header, its claims, the rights, its end.
Whoever has a token can read that, and whoever writes one can claim it. Only a key proves it.
The exit status is 0, or 1 where the token does not count; 2 where that cannot be checked."""

MAX_TIME = 2**53  # seconds: a larger number is no time, and no server takes it

_TIMES = ("exp", "iat", "nbf", "auth_time")  # claims, in seconds since 1970
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the token is, and how it is checked."""
    # What `token` has as well has no default here: that would hide what stands before the word `show`.
    parser.add_argument("--token-file", metavar="FILE", help="read the token from this file")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--key-file",
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="the key must have signed it: a secret, PEM, or a JWK",
    )
    keys.add_argument("--jwks", metavar="FILE-OR-URL", help="one of these public keys must have signed it")
    parser.add_argument(
        "--algorithm",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="such as HS256 (default: what is usual for the key)",
    )
    parser.add_argument(
        "--issuer", default=argparse.SUPPRESS, metavar="NAME", help="who must have issued it (default: whoever it says)"
    )
    parser.add_argument(
        "--audience", default=argparse.SUPPRESS, metavar="NAME", help="whom it must be for (default: whom it says)"
    )


def run(options: argparse.Namespace) -> int:
    """Show the token, and tell whether it counts."""
    with needs("auth", "the command token show"):
        import jwt
    if options.key_file is not None and options.jwks is not None:
        raise WrongCall("--key-file and --jwks are two answers to one question; give one of them")
    with wrong_call():
        token = _read(options.token_file)
    try:
        unproven = jwt.PyJWT().decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        output.tell(
            "this is no token: one has three parts of base64url with dots between them, and the first two are JSON"
        )
        return 1
    header, claims = unproven["header"], unproven["payload"]
    audience = options.audience or _first(claims.get("aud"))
    output.say("\n".join([*_block("header", header), *_block("claims", claims), *_rights(claims, audience)]))
    output.say(_end(claims.get("exp")))
    issuer = options.issuer or _first(claims.get("iss"))
    if options.key_file is None and options.jwks is None:
        output.say("nothing of this is proven: --key-file or --jwks says with which key it must be signed")
        return _compared(options, claims)
    with wrong_call():
        keys = _keys(options)
        why_not = _why_not(token, issuer, audience, keys)
    if why_not is not None:
        output.tell(f"it does not count: {why_not}")
        return 1
    output.say("it counts: the key has signed it, and it has not ended")
    if not (options.issuer and options.audience):
        output.say("its issuer and its audience are as it says: --issuer and --audience say who they must be")
    return 0


def _read(path: str | None) -> str:
    if path is None and stdin.is_terminal():
        output.tell("paste a token, and then a line with Ctrl-D; --token-file reads one from a file")
    data = stdin.whole() if path is None else read_file(path, MAX_TOKEN)
    if path is not None:
        tell_if_open(path, "the token")
    token = data.strip()
    if not token or len(token) > MAX_TOKEN or not token.isascii() or len(token.split()) > 1:
        where = "standard input" if path is None else path
        raise ValueError(f"{where} has no token, which is one line of ASCII characters without spaces")
    return token.decode()


def _keys(options: argparse.Namespace) -> Keys:
    from ..web.access.key_files import read_key_file
    from ..web.access.keys import FixedKeys

    if options.jwks is not None:
        return jwks_of(options.jwks)
    key = read_key_file(options.key_file, algorithm=options.algorithm)
    if key.private:
        tell_if_open(options.key_file, "the key")
    return FixedKeys([key])


def _why_not(token: str, issuer: str, audience: str, keys: Keys) -> str | None:
    """Why a server with these keys would not take the token; ``None`` where it would."""
    import asyncio

    from ..web.access.tokens import Issuer, TokenRefused, Tokens, TokenUnchecked

    if not issuer or not audience:
        return "it says no issuer, or no audience"

    async def check() -> None:
        tokens = Tokens([Issuer(name=issuer, audience=audience, keys=keys)])
        if (waiting := tokens.prepare(token)) is not None:
            await waiting
        tokens.identify(token)

    try:
        asyncio.run(check())
    except TokenUnchecked as error:
        raise WrongCall(error.reason) from None
    except TokenRefused as error:
        return error.reason
    return None


def _compared(options: argparse.Namespace, claims: Mapping[str, Any]) -> int:
    """The exit status where there is no key: names that were given must be those of the token all the same."""
    differs = [
        f"its {name} is not {wanted!r}"
        for name, wanted, said in (
            ("issuer", options.issuer, claims.get("iss")),
            ("audience", options.audience, claims.get("aud")),
        )
        if wanted and wanted not in (said if isinstance(said, list) else [said])
    ]
    if differs:
        output.tell(f"it does not count: {' and '.join(differs)}")
    return 1 if differs else 0


def _block(title: str, members: Mapping[str, Any]) -> list[str]:
    width = max(map(len, members), default=0)
    return [title, *(f"  {visible(name):{width}}  {_value(name, value)}" for name, value in members.items())]


def _value(name: str, value: object) -> str:
    shown = visible_json(value)
    if name in _TIMES and isinstance(value, (int, float)):
        with contextlib.suppress(ValueError, OverflowError, OSError):
            shown += f"  ({datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    return shown


def _rights(claims: Mapping[str, Any], audience: str) -> list[str]:
    from ..web.access.claims import rights_of

    try:
        rights = rights_of(claims, audience)
    except ValueError as error:
        return ["rights", f"  none, since they cannot be read: {visible(str(error))}"]
    said = {"subscribe": rights.subscribe, "publish": rights.publish, "operate": sorted(rights.operate)}
    return ["rights", *(f"  {name:9}  {' '.join(items) if items else 'nothing'}" for name, items in said.items())]


def _end(expires: object) -> str:
    if isinstance(expires, bool) or not isinstance(expires, (int, float)) or not -MAX_TIME < expires < MAX_TIME:
        return "does not say when it ends"
    left = expires - time.time()
    return f"ends in {_in_words(left)}" if left > 0 else f"ended {_in_words(-left)} ago"


def _in_words(seconds: float) -> str:
    """A time in one unit, of which there are two at least, or in seconds.

    >>> _in_words(3599), _in_words(90), _in_words(1.5), _in_words(200_000)
    ('59 minutes', '90 seconds', '1 second', '2 days')
    """
    count, unit = int(seconds), "second"
    for name, size in _UNITS:
        if seconds >= 2 * size:
            count, unit = int(seconds // size), name
            break
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _first(value: object) -> str:
    """A name, or the first of several; ``""`` where there is none."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""
