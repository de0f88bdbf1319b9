"""The command line: ``python -m sse_demo serve``, ``listen`` and ``publish``."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import logging
import os
import signal
import sys
import urllib.error
import urllib.request
from urllib.parse import urlencode, urlsplit, urlunsplit

from .client import EventSourceError, listen
from .event import Event
from .server import serve

DEFAULT_PORT = 8000
PUBLISH_TIMEOUT = 30  # seconds

DESCRIPTION = """\
Server-Sent Events from the command line.

Try it with three terminals:

  python -m sse_demo serve --live
  python -m sse_demo listen "http://127.0.0.1:8000/events?topic=news"
  python -m sse_demo publish "http://127.0.0.1:8000/events?topic=news" "hello"

or open http://127.0.0.1:8000/ in a browser.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0, 1 for a failure that is explained on stderr, 2 for a wrong call."""
    options = _parser().parse_args(arguments)
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        return options.run(options)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit would complain
        return 0
    except (EventSourceError, OSError, ValueError) as error:
        print(f"sse_demo: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    _allow_many_connections()
    with serve(options.port, options.host, live=options.live, heartbeat=options.heartbeat) as server:
        topic = "machine" if options.live else "news"
        print(
            f"Serving at {server.url}/ (open it in a browser; Ctrl-C stops it)\n\n"
            f"  ten messages:   curl -N {server.url}/stream\n"
            f'  follow a topic: curl -N "{server.url}/events?topic={topic}"\n'
            f'  publish:        curl -d "hello" "{server.url}/events?topic=news"',
            flush=True,
        )
        server.join()
    return 0


def _allow_many_connections() -> None:
    """Many systems allow a process 1,024 open files unless it asks for more, and a connection is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS says "unlimited" and does not mean it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(options: argparse.Namespace) -> int:
    with listen(options.url, last_event_id=options.last_event_id) as events:
        for number, event in enumerate(events, start=1):
            print(_json(event) if options.json else _line(event), flush=True)
            if number == options.count:
                break
    return 0


def _publish(options: argparse.Namespace) -> int:
    data = sys.stdin.read() if options.data == "-" else options.data
    parts = urlsplit(options.url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{options.url!r} is not an http or https address")
    query = parts.query + (f"&{urlencode({'event': options.event})}" if options.event else "")
    request = urllib.request.Request(
        urlunsplit(parts._replace(query=query)),
        data=data.encode(),
        headers={"Content-Type": "text/plain; charset=utf-8"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PUBLISH_TIMEOUT) as response:
            id = json.load(response)["id"]
    except urllib.error.HTTPError as error:
        raise OSError(
            f"{options.url} answered {error.code} {error.reason}: {error.read().decode(errors='replace')}"
        ) from None
    except urllib.error.URLError as error:
        raise OSError(f"nothing answers at {options.url} ({error.reason}); is the server running?") from None
    except http.client.InvalidURL as error:
        raise ValueError(f"{options.url!r} is not an address: {error}") from None
    except (http.client.HTTPException, LookupError, TypeError, ValueError) as error:
        raise OSError(f"{options.url} gave no answer that tells an id ({error!r})") from None
    print(id)
    return 0


def _line(event: Event) -> str:
    return "  ".join([event.event, *([f"id={event.id}"] if event.id else []), event.data])


def _json(event: Event) -> str:
    return json.dumps({"event": event.event, "id": event.id, "data": event.data}, ensure_ascii=False)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    def command(name: str, run, summary: str, description: str = "") -> argparse.ArgumentParser:
        parser = commands.add_parser(
            name, help=summary, description=description or summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("-v", "--verbose", action="store_true", help="tell on stderr what is going on")
        parser.set_defaults(run=run)
        return parser

    parser = argparse.ArgumentParser(
        prog="python -m sse_demo", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    parser_serve = command("serve", _serve, "Run the demo server until Ctrl-C.")
    parser_serve.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="where to listen; 0 picks a free port (default: 8000)"
    )
    parser_serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="the default is reached from this machine only; 0.0.0.0 from the whole network",
    )
    parser_serve.add_argument(
        "--live",
        action="store_true",
        help='publish this machine\'s CPU and memory on the topic "machine", twice a second',
    )
    parser_serve.add_argument(
        "--heartbeat",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="time between comments on idle streams (default: 15)",
    )

    parser_listen = command(
        "listen",
        _listen,
        "Print each event of a stream as it comes.",
        "Print each event of a stream as it comes: type, id, data.\n"
        "A lost connection is made again, and goes on after the last event that came.",
    )
    parser_listen.add_argument(
        "url", metavar="URL", help="such as http://127.0.0.1:8000/stream; put quotes around a ? or &"
    )
    parser_listen.add_argument("--count", type=_count, metavar="N", help="stop after so many events")
    parser_listen.add_argument("--json", action="store_true", help="print each event as one line of JSON")
    parser_listen.add_argument("--last-event-id", default="", metavar="ID", help="go on after this event")

    parser_publish = command("publish", _publish, "Publish one event, and print the id it was given.")
    parser_publish.add_argument("url", metavar="URL", help='such as "http://127.0.0.1:8000/events?topic=news"')
    parser_publish.add_argument(
        "data", metavar="DATA", help="the text to send, of any number of lines; - reads it from stdin"
    )
    parser_publish.add_argument("--event", metavar="TYPE", help="the event type (default: message)")
    return parser
