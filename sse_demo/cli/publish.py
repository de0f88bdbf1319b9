"""``publish``: send one event to a server, or one for each line of standard input."""

from __future__ import annotations

import argparse

from ..extras import needs
from . import connection, output, stdin
from .arguments import count, duration, seconds

SUMMARY = "Publish an event, or one for each line of standard input, and print the ids."
DESCRIPTION = """\
Publish an event, and print the id that it was given.
With - instead of DATA, each line of standard input is an event, as soon as it comes:

  tail -f log | python -m sse_demo publish "http://127.0.0.1:8000/events?topic=log" -

Lines that come together are sent together. Their ids are printed; or, where stdout is a terminal, counted.
No redirect is followed."""

TRIES = 3  # for the same lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The address, the data, the other fields of the event, and how the server is reached."""
    parser.add_argument("url", metavar="URL", help='such as "http://127.0.0.1:8000/events?topic=news"')
    parser.add_argument(
        "data", metavar="DATA", help="the text to send, of any number of lines; - sends each line of stdin as an event"
    )
    parser.add_argument("--whole", action="store_true", help="with -: all of stdin is the data of one event")
    parser.add_argument("--event", metavar="TYPE", help="the event type (default: message)")
    parser.add_argument(
        "--key", metavar="KEY", help="on a topic that coalesces: a newer event with the same key replaces this one"
    )
    parser.add_argument(
        "--retry", type=seconds, metavar="SECONDS", help="how long a client waits before it reconnects, from now on"
    )
    parser.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="a name for this publication: sent twice, it is one event; with -, each line of the same input is",
    )
    parser.add_argument(
        "--max-tries",
        type=count,
        default=TRIES,
        metavar="N",
        help="with -: give up after so many in a row that fail; no line is published twice (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=duration,
        default=30.0,
        metavar="SECONDS",
        help="how long an answer may take (default: %(default)g)",
    )
    connection.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Publish, and print the ids."""
    with needs("client", "the command publish"):
        from ..client.publish import publish
        from ..client.publish_many import publish_many
        from .lines import publish_lines
    token, same = connection.token(options), connection.headers(options)
    asked = {"tls": connection.tls(options), "proxy": options.proxy, "timeout": options.timeout}
    fields = {"event": options.event, "key": options.key, "retry": options.retry}

    def headers() -> dict[str, str]:
        return same | (token.header() if token else {})

    if options.data != "-" or options.whole:
        data = stdin.whole_text() if options.data == "-" else options.data
        name = options.idempotency_key
        with connection.unauthorized_explained(options):
            id = publish(options.url, data, **fields, idempotency_key=name, headers=headers(), **asked)
        output.say(output.visible(id))
        return 0

    def send(lines: list[str], name: str) -> list[str]:
        events = [{"data": line, **fields} for line in lines]
        return publish_many(options.url, events, idempotency_key=name, headers=headers(), **asked)

    with connection.unauthorized_explained(options):
        publish_lines(send, name=options.idempotency_key, tries=options.max_tries)
    return 0
