"""``publish``: send one event to a server."""

from __future__ import annotations

import argparse
import sys

from ..extras import needs
from .arguments import seconds

SUMMARY = "Publish one event, and print the id it was given."
DESCRIPTION = SUMMARY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The address, the data, and the other fields of the event."""
    parser.add_argument("url", metavar="URL", help='such as "http://127.0.0.1:8000/events?topic=news"')
    parser.add_argument("data", metavar="DATA", help="the text to send, of any number of lines; - reads it from stdin")
    parser.add_argument("--event", metavar="TYPE", help="the event type (default: message)")
    parser.add_argument(
        "--key", metavar="KEY", help="on a topic that coalesces: a newer event with the same key replaces this one"
    )
    parser.add_argument(
        "--retry", type=seconds, metavar="SECONDS", help="how long a client waits before it reconnects, from now on"
    )
    parser.add_argument(
        "--idempotency-key", metavar="KEY", help="a name for this publication: sent twice, it is still one event"
    )


def run(options: argparse.Namespace) -> int:
    """Publish, and print the id."""
    with needs("client", "the command publish"):
        from ..client.publish import publish
    id = publish(
        options.url,
        sys.stdin.read() if options.data == "-" else options.data,
        event=options.event,
        key=options.key,
        retry=options.retry,
        idempotency_key=options.idempotency_key,
    )
    print(id)
    return 0
