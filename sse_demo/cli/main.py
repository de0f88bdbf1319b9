"""The command line: ``python -m sse_demo serve``, ``listen``, ``publish`` and ``bench``."""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import json
import logging
import math
import os
import signal
import sys
import urllib.error
import urllib.request
from dataclasses import fields
from importlib import metadata
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp
from tqdm import tqdm

from .. import bench
from ..client.listen import listen
from ..client.ready_state import ReadyState, StateChange
from ..client.reconnection import TRANSIENT_STATUSES, Backoff
from ..errors import EventSourceError, LogError
from ..settings import Settings
from ..start import serve
from ..web.server import Server
from ..wire.event import Event

DEFAULT_PORT = 8000
MANY_FILES = 1 << 20  # connections, as far as the system allows
PUBLISH_TIMEOUT = 30  # seconds

DESCRIPTION = """\
Server-Sent Events from the command line.

Try it with three terminals:

  python -m sse_demo serve
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
    except (EventSourceError, LogError, OSError, ValueError) as error:
        print(f"sse_demo: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    bench.allow_files(MANY_FILES)
    with _start(options) as server:
        # Who listens to every address is reached at this one from this machine.
        url = server.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        print(
            f"Serving at {url}/ (open it in a browser; Ctrl-C stops it)\n\n"
            f"  ten messages:   curl -N {url}/stream\n"
            f'  follow a topic: curl -N "{url}/events?topic=news"\n'
            f'  publish:        curl -d "hello" "{url}/events?topic=news"',
            *([f'  this machine:   curl -N "{url}/events?topic=machine"'] if options.live else []),
            sep="\n",
            flush=True,
        )
        try:
            server.join()
        finally:  # Ctrl-C, or a service manager's SIGTERM
            server.stop(drain=options.drain)
    return 0


def _start(options: argparse.Namespace) -> Server:
    settings = {"heartbeat": options.heartbeat, **dict(options.set)}
    try:
        return serve(options.port, options.host, log=options.log, live=options.live, **settings)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            where = f"port {options.port} on {options.host}"
            raise OSError(f"{where} is in use; choose another with --port, or --port 0 for any that is free") from None
        raise


def _listen(options: argparse.Namespace) -> int:
    patient = {"retry_on": TRANSIENT_STATUSES, "backoff": Backoff()} if options.patient else {}
    outages = _Outages(options.patient)
    with listen(
        options.url,
        last_event_id=options.last_event_id,
        headers=dict(options.header),
        read_timeout=options.read_timeout,
        max_tries=options.max_tries,
        on_state_change=lambda change: outages.see(change, events.source.shown_url),
        **patient,
    ) as events:
        try:
            for number, event in enumerate(events, start=1):
                print(_json(event) if options.json else _line(event), flush=True)
                if number == options.count:
                    break
        except EventSourceError as error:
            if _found_nobody(error.__cause__):
                nobody = _nothing_answers(error.url, error.__cause__.os_error)
                raise OSError(f"{nobody}; is the server running? (try {error.tries})") from None
            raise
    return 0


class _Outages:
    """Tells on stderr that a stream is waited for: once for each outage, and not when a response ends in order."""

    def __init__(self, patient: bool):
        self._patient = patient
        self._open = self._told = False

    def see(self, change: StateChange, url: str) -> None:
        was_open, self._open = self._open, change.state is ReadyState.OPEN
        if self._open:
            self._told = False
        elif change.state is ReadyState.CONNECTING and not self._told and not (was_open and change.error is None):
            self._told = True
            again = "each time after a longer wait" if self._patient else f"every {change.wait:.3g} s"
            print(f"sse_demo: {_trouble(change, url, was_open)}; trying again {again} (Ctrl-C stops)", file=sys.stderr)


def _trouble(change: StateChange, url: str, was_open: bool) -> str:
    if _found_nobody(change.error):
        return _nothing_answers(url, change.error.os_error)
    return f"the connection to {url} was lost" if was_open else f"{url}: {change.reason}"


def _found_nobody(error: BaseException | None) -> bool:
    return isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError)


def _nothing_answers(url: str, why: object) -> str:
    known = isinstance(why, ConnectionRefusedError)  # then there is no more to say
    return f"nothing answers at {url}{'' if known else f' ({why})'}"


def _publish(options: argparse.Namespace) -> int:
    data = sys.stdin.read() if options.data == "-" else options.data
    parts = urlsplit(options.url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{options.url!r} is not an http or https address")
    try:
        _ = parts.port  # urllib would take 99999 for another port
    except ValueError as error:
        raise ValueError(f"{options.url!r} is not an address: {error}") from None
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
        raise OSError(f"{options.url} answered {error.code} {error.reason}: {_detail(error.read())}") from None
    except urllib.error.URLError as error:
        raise OSError(f"{_nothing_answers(options.url, error.reason)}; is the server running?") from None
    except http.client.InvalidURL as error:
        raise ValueError(f"{options.url!r} is not an address: {error}") from None
    except (http.client.HTTPException, LookupError, TypeError, ValueError) as error:
        raise OSError(f"{options.url} gave no answer that tells an id ({error!r})") from None
    print(id)
    return 0


def _detail(body: bytes) -> str:
    """What a problem (RFC 9457) says was wrong; what is no problem, as it is."""
    try:
        return json.loads(body)["detail"]
    except (LookupError, TypeError, ValueError):
        return body.decode(errors="replace")


def _bench(options: argparse.Namespace) -> int:
    targets = [bench.SSE_DEMO, bench.BARE_LOOP]
    steps = options.rounds * len(targets) * (options.subscribers - 1 + options.events)
    results: dict[str, list[bench.Result]] = {target.name: [] for target in targets}
    with tqdm(
        total=steps, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left", leave=False
    ) as bar:
        for number in range(options.rounds):
            for target in targets:
                bar.set_description(f"round {number + 1} of {options.rounds}, {target.name}")
                result = bench.measure(
                    target,
                    options.subscribers,
                    options.events,
                    options.size,
                    publishers=options.publishers,
                    progress=bar.update,
                )
                results[target.name].append(result)
    print(
        f"{options.subscribers:,} subscribers, {options.events} events of {options.size} bytes, "
        f"median of {options.rounds} rounds\n\n{bench.table(results)}"
    )
    return 0


def _line(event: Event) -> str:
    data = event.data.replace("\n", "\n  | ")  # the other lines of its data are no other events
    return "  ".join([event.event, *([f"id={event.id}"] if event.id else []), data])


def _json(event: Event) -> str:
    return json.dumps({"event": event.event, "id": event.id, "data": event.data}, ensure_ascii=False)


def _count(text: str) -> int:
    with contextlib.suppress(ValueError):
        if (number := int(text)) >= 1:
            return number
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"must be a number of seconds that is not negative, not {text!r}")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise argparse.ArgumentTypeError(f"must be NAME:VALUE, not {text!r}")
    return name.strip(), value.strip()


def _setting(text: str) -> tuple[str, object]:
    """``name=value`` as what the setting is: a number, or a list of topics."""
    name, equals, value = text.partition("=")
    kinds = {field.name: type(field.default) for field in fields(Settings)}
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    if name not in kinds:
        raise argparse.ArgumentTypeError(f"{name!r} is no setting; there are {', '.join(kinds)}")
    if kinds[name] is bool:
        if value not in ("true", "false"):
            raise argparse.ArgumentTypeError(f"{name} must be true or false, not {value!r}")
        return name, value == "true"
    try:
        return name, tuple(value.split(",")) if kinds[name] is tuple else kinds[name](value)
    except ValueError:
        if value == "inf":
            return name, math.inf
        raise argparse.ArgumentTypeError(f"{name} must be a number, not {value!r}") from None


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        try:
            print(f"sse_demo {metadata.version('sse-demo')}")
        except metadata.PackageNotFoundError:
            parser.exit(1, "sse_demo: it is not installed, so nothing tells its version\n")
        parser.exit()


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
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and end")
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

    parser_serve.add_argument(
        "--log", metavar="FILE", help="keep the events in this file, over a restart too (default: in memory)"
    )
    parser_serve.add_argument(
        "--drain",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="when it is told to stop, spread the goodbyes over so many seconds (default: 0)",
    )
    parser_serve.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help=f"any other setting, as often as you like: {', '.join(field.name for field in fields(Settings))}",
    )

    parser_listen = command(
        "listen",
        _listen,
        "Print each event of a stream as it comes.",
        "Print each event of a stream as it comes: type, id, data; more lines of its data follow after a bar.\n"
        "A lost connection is made again, and goes on after the last event that came.",
    )
    parser_listen.add_argument(
        "url", metavar="URL", help="such as http://127.0.0.1:8000/stream; put quotes around a ? or &"
    )
    parser_listen.add_argument("--count", type=_count, metavar="N", help="stop after so many events")
    parser_listen.add_argument("--json", action="store_true", help="print each event as one line of JSON")
    parser_listen.add_argument("--last-event-id", default="", metavar="ID", help="go on after this event")

    parser_listen.add_argument(
        "--header", action="append", default=[], type=_header, metavar="NAME:VALUE", help="send this header, too"
    )
    parser_listen.add_argument(
        "--read-timeout",
        type=float,
        metavar="SECONDS",
        help="treat this much silence as a lost connection (default: never)",
    )
    parser_listen.add_argument(
        "--max-tries", type=_count, metavar="N", help="give up after so many in a row that fail (default: never)"
    )
    parser_listen.add_argument(
        "--patient", action="store_true", help="go on trying after a 429 or 5xx answer, too, and wait longer each time"
    )

    parser_publish = command("publish", _publish, "Publish one event, and print the id it was given.")
    parser_publish.add_argument("url", metavar="URL", help='such as "http://127.0.0.1:8000/events?topic=news"')
    parser_publish.add_argument(
        "data", metavar="DATA", help="the text to send, of any number of lines; - reads it from stdin"
    )
    parser_publish.add_argument("--event", metavar="TYPE", help="the event type (default: message)")

    parser_bench = command(
        "bench",
        _bench,
        "Measure what a delivery costs on this machine, next to a bare loop of socket.send.",
    )
    for name, default, text in [
        ("--subscribers", 1000, "connections that listen"),
        ("--events", 100, "events published, one after the other"),
        ("--size", 100, "bytes of data in each event"),
        ("--publishers", 1, "connections that publish at the same time"),
        ("--rounds", 5, "runs of each; the table shows the medians"),
    ]:
        parser_bench.add_argument(name, type=_count, default=default, metavar="N", help=f"{text} (default: {default})")
    return parser
