"""``serve``: run a server until it is told to stop."""

from __future__ import annotations

import argparse
import errno
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..extras import needs
from ..settings import Settings
from . import access, output
from .arguments import host, seconds

if TYPE_CHECKING:
    from ..web.access.access import Access
    from ..web.server import Server
    from ..web.tls import Certificate

SUMMARY = "Run the server until Ctrl-C."
DESCRIPTION = SUMMARY

DEFAULT_PORT = 8000
MANY_FILES = 1 << 20  # connections, as far as the system allows

_SETTINGS = {field.name: field for field in fields(Settings)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the server is reached, what it serves, and every setting."""
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 picks a free port (default: %(default)s)")
    parser.add_argument(
        "--host",
        type=host,
        default="127.0.0.1",
        help="the default is reached from this machine only; 0.0.0.0 from the whole network",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help='publish this machine\'s CPU and memory on the topic "machine", twice a second',
    )
    parser.add_argument(
        "--no-demo",
        dest="demo",
        action="store_false",
        help="leave out the demo: the page at /, the ten messages at /stream, and /ping",
    )
    parser.add_argument(
        "--heartbeat",
        type=float,
        default=Settings.heartbeat,
        metavar="SECONDS",
        help="time between comments on idle streams (default: %(default)g)",
    )
    parser.add_argument(
        "--log", metavar="FILE", help="keep the events in this file, over a restart too (default: in memory)"
    )
    parser.add_argument(
        "--tls-cert",
        metavar="FILE",
        help="serve https with this certificate, a PEM file; it is read again when it changes, and on SIGHUP",
    )
    parser.add_argument(
        "--tls-key", metavar="FILE", help="the key of the certificate, a PEM file (default: it is in the same file)"
    )
    parser.add_argument(
        "--drain",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="when the server is told to stop, spread the goodbyes over so many seconds (default: %(default)g)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help=f"any other setting, as often as you like: {', '.join(_SETTINGS)}",
    )
    access.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    with needs("live" if options.live else "server", "the command serve"):
        from .certificate import certificate_of, renewed
    who_may = access.access_of(options)
    certificate = certificate_of(options.tls_cert, options.tls_key)
    files = [one for one in (certificate, who_may and who_may.files) if one]
    with _start(options, certificate, who_may.access if who_may else None) as server, renewed(*files):
        # A server that is bound to every address is reached at this one from this machine.
        url = server.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        if sys.stdout is not None:  # as a service may be started
            output.say(
                _what_to_try(url, demo=options.demo, live=options.live, how_to_ask=access.how_to_ask(options, url))
            )
        try:
            server.join()
        finally:  # Ctrl-C, or a service manager's SIGTERM
            server.stop(drain=options.drain)
    return 0


def _start(options: argparse.Namespace, certificate: Certificate | None, who_may: Access | None) -> Server:
    with needs("live" if options.live else "server", "the command serve"):
        from ..start import serve
        from ..web.open_files import allow_files
    allow_files(MANY_FILES)
    settings = {"heartbeat": options.heartbeat, **dict(options.set)}
    try:
        return serve(
            options.port,
            options.host,
            log=options.log,
            access=who_may,
            demo=options.demo,
            live=options.live,
            tls=certificate,
            **settings,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            where = f"port {options.port} on {options.host}"
            raise OSError(f"{where} is in use; choose another with --port, or --port 0 for any that is free") from None
        raise


def _what_to_try(url: str, *, demo: bool, live: bool, how_to_ask: list[str]) -> str:
    lines = [
        f"Serving at {url}/ (open it in a browser; Ctrl-C stops it)"
        if demo
        else f"Serving at {url}/ (Ctrl-C stops it)",
        "",
    ]
    if how_to_ask:
        return "\n".join(lines + how_to_ask)
    if demo:
        lines.append(f"  ten messages:   curl -N {url}/stream")
    lines.append(f'  follow a topic: curl -N "{url}/events?topic=news"')
    lines.append(f'  publish:        curl -d "hello" "{url}/events?topic=news"')
    if live:
        lines.append(f'  this machine:   curl -N "{url}/events?topic=machine"')
    return "\n".join(lines)


def _setting(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``, as the name and the value that it has in Python."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    if name not in _SETTINGS:
        raise argparse.ArgumentTypeError(f"{name!r} is no setting; there are {', '.join(_SETTINGS)}")
    try:
        return name, _SETTINGS[name].metadata["parse"](name, value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
