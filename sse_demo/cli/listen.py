"""``listen``: print the events of a stream."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import EventSourceError
from ..extras import needs
from ..wire.event import Event
from ..wire.strict_json import read_json
from . import connection, output, stdin
from .arguments import count, duration, method, read_file
from .output import visible, visible_json

if TYPE_CHECKING:
    from ..client.options import EventSourceOptions

SUMMARY = "Print each event of a stream as it comes."
DESCRIPTION = """\
Print each event of a stream as it comes: type, id, data; more lines of its data follow after a bar.
A lost connection is made again, and goes on after the last event that came.
Control characters are shown, such as \\x1b, and not obeyed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The address, where to begin and to end, and what to do on a bad line."""
    parser.add_argument("url", metavar="URL", help="such as http://127.0.0.1:8000/stream; put quotes around a ? or &")
    parser.add_argument("--count", type=count, metavar="N", help="stop after so many events")
    parser.add_argument("--json", action="store_true", help="print each event as one line of JSON")
    parser.add_argument("--last-event-id", default="", metavar="ID", help="go on after this event")
    parser.add_argument("--method", type=method, help="of the request (default: GET, or POST where there is --data)")
    parser.add_argument(
        "--data",
        metavar="BODY",
        help="send this text; @FILE sends a file, and @- sends stdin; as application/json where it is JSON",
    )
    parser.add_argument(
        "--read-timeout",
        type=duration,
        metavar="SECONDS",
        help="treat this much silence as a lost connection (default: never)",
    )
    parser.add_argument(
        "--max-tries", type=count, metavar="N", help="give up after so many in a row that fail (default: never)"
    )
    parser.add_argument(
        "--no-reconnect", dest="reconnect", action="store_false", help="make one request, and end with its answer"
    )
    parser.add_argument(
        "--patient", action="store_true", help="go on trying after a 429 or 5xx answer, too, and wait longer each time"
    )
    connection.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print until the stream ends, ``--count`` events have come, or the stream fails."""
    with needs("client", "the command listen"):
        from ..client.address import shown
        from ..client.connections import nobody_there, nothing_answers
        from ..client.listen import listen
        from ..client.reconnection import TRANSIENT_STATUSES, Backoff
        from .outages import Outages
    body = None if options.data is None else _body(options.data)
    headers = connection.headers(options)
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = _media_type(body)
    token = connection.token(options)
    asked: EventSourceOptions = {
        "last_event_id": options.last_event_id,
        "method": options.method or ("GET" if body is None else "POST"),
        "body": body,
        "headers": headers,
        "before_connect": token.header if token else None,
        "tls": connection.tls(options),
        "proxy": options.proxy,
        "read_timeout": options.read_timeout,
        "max_tries": options.max_tries,
        "reconnect": options.reconnect,
        "on_state_change": Outages(shown(options.url), patient=options.patient).see,
    }
    if options.patient:
        asked |= {"retry_on": TRANSIENT_STATUSES, "backoff": Backoff()}
    write = _json if options.json else _line
    with connection.unauthorized_explained(options), listen(options.url, **asked) as events:
        try:
            for number, event in enumerate(events, start=1):
                output.say(write(event))
                if number == options.count:
                    break
        except EventSourceError as error:
            if nobody := nobody_there(error.__cause__):
                nothing = nothing_answers(error.url, nobody)
                raise OSError(f"{nothing}; is the server running? (try {error.tries})") from None
            raise
    return 0


def _line(event: Event) -> str:
    data = "\n  | ".join(map(visible, event.data.split("\n")))  # the other lines of its data are no other events
    return "  ".join([visible(event.event), *([f"id={visible(event.id)}"] if event.id else []), data])


def _json(event: Event) -> str:
    return visible_json({"event": event.event, "id": event.id, "data": event.data})


def _body(text: str) -> bytes:
    """What ``--data`` says."""
    if text == "@-":
        return stdin.whole()
    if text.startswith("@"):
        return read_file(text[1:], stdin.MAX_INPUT)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError("--data is no text in UTF-8; @FILE sends any bytes") from None


def _media_type(body: bytes) -> str:
    """What is said of a body unless ``--header Content-Type:`` says something else."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    try:
        read_json(text)
    except ValueError:
        return "text/plain; charset=utf-8"
    return "application/json"
