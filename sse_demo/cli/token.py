"""``token``: sign a token, look at one, make a key."""

from __future__ import annotations

import argparse

from ..extras import needs
from . import output, token_key, token_show
from .access import AUDIENCE, ISSUER
from .arguments import WrongCall, lifetime, tell_if_open, topics, wrong_call

SUMMARY = "Sign a token that says who may listen and publish; look at one; make a key."
DESCRIPTION = """\
Sign a token that says who may listen and publish, and print it.
A server that has the key takes it, until it ends:

  python -m sse_demo token key access.key
  python -m sse_demo serve --access-key-file access.key
  python -m sse_demo token --subscribe 'prices/*' --publish news --key-file access.key

Topics are names, or patterns such as 'prices/*', with commas between them."""

SUBJECT = "command-line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the token says, and with which key it is signed; and the two other things that can be done."""
    rights = parser.add_argument_group("what its bearer may do")
    rights.add_argument(
        "--subscribe", action="extend", default=[], type=topics, metavar="TOPICS", help="read these topics"
    )
    rights.add_argument(
        "--publish", action="extend", default=[], type=topics, metavar="TOPICS", help="publish to these topics"
    )
    rights.add_argument(
        "--operate",
        action="append",
        default=[],
        choices=("admin", "metrics", "ready"),
        help="see /metrics or /ready; or, with admin, see and end streams; as often as you like",
    )
    says = parser.add_argument_group("what else it says")
    says.add_argument("--subject", default=SUBJECT, metavar="NAME", help="who its bearer is (default: %(default)s)")
    # These have no default here, as `show` has them as well, and another one.
    says.add_argument("--issuer", metavar="NAME", help=f"who has issued it (default: {ISSUER})")
    says.add_argument("--audience", metavar="NAME", help=f"the service that it is for (default: {AUDIENCE})")
    says.add_argument(
        "--expires",
        default="1h",
        type=lifetime,
        metavar="TIME",
        help="when it ends: 90s, 15m, 1h from now (default: %(default)s); a server takes 24h at the most by default",
    )
    signed = parser.add_argument_group("how it is signed")
    signed.add_argument("--key-file", metavar="FILE", help="the key: a secret, a private key in PEM, or a JWK")
    signed.add_argument("--algorithm", metavar="NAME", help="such as HS256 (default: what is usual for the key)")
    signed.add_argument("--key-id", metavar="NAME", help="the name of the key (default: what the file says, or none)")
    parts = parser.add_subparsers(title="what else there is", dest="part", metavar="{show,key}")
    for name, part in (("show", token_show), ("key", token_key)):
        part.add_arguments(
            parts.add_parser(
                name, help=part.SUMMARY, description=part.DESCRIPTION, formatter_class=parser.formatter_class
            )
        )


def run(options: argparse.Namespace) -> int:
    """Print a token; or do what else was asked."""
    if options.part is not None:
        if options.subscribe or options.publish or options.operate:
            raise WrongCall(
                f"`token {options.part}` signs nothing, and so takes no --subscribe, --publish or --operate"
            )
        return token_show.run(options) if options.part == "show" else token_key.run(options)
    if options.key_file is None:
        raise WrongCall("a token is signed with a key: give --key-file; `python -m sse_demo token key FILE` makes one")
    if not (options.subscribe or options.publish or options.operate):
        raise WrongCall("this token would let its bearer do nothing: give --subscribe, --publish or --operate")
    with needs("auth", "the command token"):
        from ..web.access.identity import Rights
        from ..web.access.key_files import read_key_file
        from ..web.access.signing import sign_token
        from ..web.access.tokens import MAX_LIFE
    with wrong_call():
        key = read_key_file(options.key_file, id=options.key_id, algorithm=options.algorithm)
        token = sign_token(
            key,
            issuer=ISSUER if options.issuer is None else options.issuer,
            audience=AUDIENCE if options.audience is None else options.audience,
            subject=options.subject,
            rights=Rights(
                subscribe=tuple(options.subscribe), publish=tuple(options.publish), operate=frozenset(options.operate)
            ),
            expires_in=options.expires,
        )
    tell_if_open(options.key_file, "the key")
    if options.expires > MAX_LIFE:
        output.tell(
            f"a server takes no token that is valid for more than {MAX_LIFE / 3600:g} hours, "
            "unless the max_life of its issuer says so"
        )
    output.say(token)
    return 0
