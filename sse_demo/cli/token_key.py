"""``token key``: make a new key."""

from __future__ import annotations

import argparse
import shlex

from ..extras import needs
from . import output
from .arguments import wrong_call

SUMMARY = "Make a new key, in a file that only you may read."
DESCRIPTION = """\
Make a new key, and write it to a new file that only you may read.
A secret is for one who signs and checks tokens. A private key stays with who signs; those who check
get the public one, which is written beside it, to FILE.jwks.
A file that is there stays as it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what the key is."""
    parser.add_argument("file", metavar="FILE", help="the new file")
    parser.add_argument(
        "--type",
        choices=("secret", "ed25519", "ec", "rsa"),
        default="secret",
        help="a secret, or a private key: Ed25519, on the curve P-256, or RSA with 3072 bits (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Make the key, and tell what it is for."""
    with needs("auth", "the command token key"):
        from ..web.access.key_files import make_key_file
    with wrong_call():
        try:
            public = make_key_file(options.file, options.type)
        except FileExistsError as error:
            raise ValueError(f"there is a file {error.filename} already, and it stays; choose another name") from None
    file = shlex.quote(options.file)
    output.say(output.visible(f"{file}: the key, for python -m sse_demo token --key-file {file}"))
    served = f"--access-key-file {file}" if public is None else f"--jwks {shlex.quote(public)}"
    if public is not None:
        output.say(output.visible(f"{shlex.quote(public)}: the public key, which may be read by everybody"))
    output.say(output.visible(f"a server takes what it signs: python -m sse_demo serve {served}"))
    return 0
