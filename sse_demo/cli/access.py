"""Who may use what ``serve`` serves: its options, and the names that the command ``token`` has in common with it."""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..extras import needs
from . import output
from .arguments import WrongCall, read_file, tell_if_open, topics, wrong_call

if TYPE_CHECKING:
    from ..web.access.access import Access
    from ..web.access.jwks import Jwks
    from ..web.access.key_files import KeyFiles

ISSUER = "sse-demo"  # who has signed what the command `token` signs
AUDIENCE = "event-streams"  # for whom
MAX_SECRETS = 65_536  # bytes of a file with secrets of sessions
MAX_JWKS = 1_048_576  # bytes of a set of keys

_KEY = "--access-key-file or --jwks"


class WhoMay(NamedTuple):
    """Who may do what.

    Attributes:
        access: For ``serve(access=...)``.
        files: The keys that are read again when their files change; ``None`` where there are none.
    """

    access: Access
    files: KeyFiles | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose tokens count, and what is open without one."""
    group = parser.add_argument_group(
        "who may listen and publish",
        "Without these options, everybody who reaches the port may do both. With one, nobody may do what they have no "
        "right to. `python -m sse_demo token` makes keys, and tokens that say rights.",
    )
    keys = group.add_mutually_exclusive_group()
    keys.add_argument(
        "--access-key-file",
        action="append",
        default=[],
        metavar="FILE",
        help="tokens that this key has signed count: a secret, PEM, or a JWK; as often as there are keys; "
        "it is read again when it changes, and on SIGHUP",
    )
    keys.add_argument(
        "--jwks",
        metavar="FILE-OR-URL",
        help="the public keys of an issuer of tokens, as a JSON Web Key Set; it is read again from time to time",
    )
    group.add_argument("--issuer", metavar="NAME", help=f"who must have issued a token (default: {ISSUER})")
    group.add_argument(
        "--audience", metavar="NAME", help=f"the name of this service, which a token must be for (default: {AUDIENCE})"
    )
    group.add_argument(
        "--anonymous",
        action="extend",
        default=[],
        type=topics,
        metavar="TOPICS",
        help="topics that everybody may read, such as 'news/*'; names and patterns with commas between them",
    )
    group.add_argument(
        "--open",
        action="append",
        default=[],
        choices=("metrics", "ready"),
        help="what everybody may see beside: /metrics, or /ready; as often as you like",
    )
    group.add_argument(
        "--session-secret-file",
        metavar="FILE",
        help="sign the cookies of sessions with these secrets, one a line: the first signs, and all count "
        "(default: a new one at each start)",
    )


def access_of(options: argparse.Namespace) -> WhoMay | None:
    """What the options of ``serve`` say; ``None`` where they say nothing, and everybody may do everything.

    Raises:
        WrongCall: An option makes no sense without another one, or a file cannot be used.
    """
    has_keys = bool(options.access_key_file or options.jwks)
    if not has_keys and (options.issuer is not None or options.audience is not None):
        raise WrongCall(f"--issuer and --audience say which tokens count; give the key of the tokens, too, with {_KEY}")
    if not (has_keys or options.anonymous):
        if options.open or options.session_secret_file:
            name = "--open" if options.open else "--session-secret-file"
            raise WrongCall(f"{name} makes sense where not all is open to everybody; give {_KEY}, or --anonymous")
        return None
    with needs("auth", "access control"):
        from ..web.access.access import Access
        from ..web.access.tokens import Issuer
    with wrong_call():
        files = _key_files(options.access_key_file) if options.access_key_file else None
        keys = jwks_of(options.jwks) if options.jwks else files
        issuers = []
        if keys is not None:
            name, audience = _names(options)
            issuers.append(Issuer(name=name, audience=audience, keys=keys))
            _tell_if_unencrypted(options)
        access = Access(issuers=issuers, anonymous=options.anonymous, open_to_all=options.open)
        if options.session_secret_file:
            access = replace(access, session_secrets=_secrets(options.session_secret_file))
    return WhoMay(access, files)


def how_to_ask(options: argparse.Namespace, url: str) -> list[str]:
    """What a user may try on a server that lets in whoever has a token."""
    if not (options.access_key_file or options.jwks):
        return []
    lines = [
        f'  follow a topic: python -m sse_demo listen "{url}/events?topic=news"',
        f'  publish:        python -m sse_demo publish "{url}/events?topic=news" "hello"',
    ]
    if options.access_key_file:
        names = [("--issuer", options.issuer), ("--audience", options.audience)]
        words = ["token", "--subscribe", "news", "--publish", "news", "--key-file", options.access_key_file[0]]
        words += [word for name, value in names if value is not None for word in (name, value)]
        lines.insert(0, f"  a token:        export SSE_DEMO_TOKEN=$(python -m sse_demo {shlex.join(words)})")
    return [output.visible(line) for line in lines]


def jwks_of(where: str) -> Jwks:
    """The public keys in a file, or at an address.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file has no keys, or the address is none that could be asked.
    """
    from ..web.access.jwks import Jwks
    from ..web.access.keys import jwks_keys

    if "://" not in where:
        try:
            if not jwks_keys(read_file(where, MAX_JWKS)):
                raise ValueError("it has no public key that checks signatures")
        except ValueError as error:
            raise ValueError(f"{where} is no JSON Web Key Set that can be used: {error}") from None
    return Jwks(where)


def _names(options: argparse.Namespace) -> tuple[str, str]:
    """The issuer, and the audience."""
    if options.jwks and "://" in options.jwks and not (options.issuer and options.audience):
        raise ValueError("the keys at an address are of somebody who has a name: give --issuer and --audience")
    for option in ("issuer", "audience"):
        if getattr(options, option) == "":
            raise ValueError(f"--{option} is a name, and not empty")
    return options.issuer or ISSUER, options.audience or AUDIENCE


def _key_files(paths: list[str]) -> KeyFiles:
    from ..web.access.key_files import KeyFiles

    for path in paths:
        if not os.path.exists(path):
            raise ValueError(
                f"there is no key file {path}; `python -m sse_demo token key {shlex.quote(path)}` makes it"
            )
    files = KeyFiles(paths)
    for path in files.secret_paths:
        tell_if_open(path, "the key")
    return files


def _secrets(path: str) -> tuple[bytes, ...]:
    from ..web.access.sessions import MIN_SECRET

    found = tuple(line for line in map(bytes.strip, read_file(path, MAX_SECRETS).splitlines()) if line)
    if not found or any(len(secret) < MIN_SECRET for secret in found):
        raise ValueError(
            f"{path} must have lines of at least {MIN_SECRET} bytes, each a secret; "
            f"`python -m sse_demo token key FILE` makes one"
        )
    tell_if_open(path, "the secrets")
    return found


def _tell_if_unencrypted(options: argparse.Namespace) -> None:
    """Warn of tokens that whoever is on their way may read."""
    from ..web.addresses import is_loopback

    behind_proxy = any(name == "trusted_proxies" for name, _ in options.set)
    if options.tls_cert is None and not behind_proxy and not is_loopback(options.host.lower()):
        output.tell(
            f"tokens come unencrypted to {options.host}; --tls-cert, or a proxy with https that "
            "--set trusted_proxies= names, would protect them"
        )
