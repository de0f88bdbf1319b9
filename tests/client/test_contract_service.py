"""The contract service, driven as the public harness drives it: another process, real streams, real callbacks."""

import contextlib
import http.client
import http.server
import json
import queue
import re
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support import HOLD, NO_MORE, STREAM, Script, running

SERVICE = Path(__file__).parents[1] / "tools" / "contract_service.py"


@pytest.fixture(scope="module")
def service():
    """The address of a running service, which ends when it is told to."""
    with running([sys.executable, SERVICE, "0"]) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        yield url
        assert request("DELETE", url)[0] == 204
        assert process.wait(10) == 0


class Callbacks(http.server.ThreadingHTTPServer):
    """Where the service tells what has come; one message after the other, each with its number."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.messages = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/callbacks/7"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.messages.put((self.path, message))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def take(self, count):
        taken = [self.messages.get(timeout=5) for _ in range(count)]
        numbers = [int(path.removeprefix("/callbacks/7/")) for path, _ in taken]
        assert numbers == list(range(numbers[0], numbers[0] + count))
        return [message for _, message in taken]

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def request(method, url, body=None):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, parts.path or "/", body if isinstance(body, (str, bytes)) else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()


@contextlib.contextmanager
def stream(service, script, **options):
    """A client of the service that reads the script: its callbacks, and its address."""
    with Callbacks() as callbacks:
        wanted = {"streamUrl": script.url, "callbackUrl": callbacks.url, "tag": "a test", **options}
        status, location, _ = request("POST", service, wanted)
        assert status == 201
        yield callbacks, service + location
        assert request("DELETE", service + location)[0] == 204
        assert request("DELETE", service + location)[0] == 404


def message(data, type="message", id=""):
    return {"kind": "event", "event": {"type": type, "data": data, "id": id}}


def test_it_says_what_it_can(service):
    status, _, body = request("GET", service)
    assert status == 200
    answer = json.loads(body)
    assert answer["name"] == "sse-demo"
    assert {
        "bom", "comments", "headers", "last-event-id", "post", "report", "read-timeout", "restart",
        "server-directed-shutdown-request",
    } == set(answer["capabilities"])  # fmt: skip


def test_events_and_comments_come_in_order_and_at_once(service):
    body = b"\xef\xbb\xbf:hello\ndata: a\n\nevent: greeting\nid: 7\ndata: b\ndata: c\n\n:no blank line follows\n"
    with Script([STREAM + body, HOLD]) as script, stream(service, script) as (callbacks, _):
        assert callbacks.take(4) == [
            {"kind": "comment", "comment": "hello"},
            message("a"),
            message("b\nc", "greeting", "7"),
            {"kind": "comment", "comment": "no blank line follows"},
        ]
        first, headers, _ = script.request()
        assert first.startswith("GET ")
        assert (headers["accept"], headers["cache-control"]) == ("text/event-stream", "no-cache")
        assert "last-event-id" not in headers


def test_null_is_as_good_as_missing(service):
    names = ["initialDelayMs", "lastEventId", "method", "body", "headers", "readTimeoutMs"]
    with Script([STREAM + b"data: a\n\n", HOLD]) as script:
        with stream(service, script, **dict.fromkeys(names)) as (callbacks, _):
            assert callbacks.take(1) == [message("a")]


@pytest.mark.parametrize("method", ["POST", "REPORT"])
def test_a_request_of_ones_own(service, method):
    headers = {"content-type": "application/json; charset=utf-8", "header-name-1": "value-1"}
    options = {"method": method, "body": '{"hello": "world"}', "headers": headers, "initialDelayMs": 0}
    with Script(STREAM + b"id: 1\n\n", [STREAM, HOLD]) as script:
        with stream(service, script, lastEventId="abc", **options):
            for id in ("abc", "1"):
                first, got, body = script.request()
                assert (first.split()[0], body) == (method, '{"hello": "world"}')
                assert headers.items() <= got.items()
                assert got["last-event-id"] == id


def test_restart(service):
    answers = [[STREAM + b"id: 1\ndata: a\n\n", HOLD], [STREAM + b"data: b\n\n", HOLD]]
    with Script(*answers) as script, stream(service, script, initialDelayMs=60_000) as (callbacks, url):
        assert callbacks.take(1) == [message("a", id="1")]
        assert request("POST", url, {"command": "restart"})[0] == 202
        assert callbacks.take(1) == [message("b", id="1")]


def test_silence_is_an_error_and_a_new_connection(service):
    with Script([STREAM + b"data: a\n\n", HOLD], [STREAM + b"data: b\n\n", HOLD]) as script:
        with stream(service, script, readTimeoutMs=1000, initialDelayMs=0) as (callbacks, _):
            first, error, second = callbacks.take(3)
            assert (first, second) == (message("a"), message("b"))
            assert error["kind"] == "error"
            assert error["error"] == "nothing has come within the read timeout"


def test_204_is_the_end_and_no_error(service):
    with Script(STREAM + b"data: a\n\n", NO_MORE) as script:
        with stream(service, script, initialDelayMs=0) as (callbacks, url):
            assert callbacks.take(1) == [message("a")]
            script.request()
            script.request()
            assert request("POST", url, {"command": "restart"})[0] == 202
        assert callbacks.messages.empty()
        assert script.requests.empty()


def test_a_refusal_is_an_error(service):
    with Script(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as script:
        with stream(service, script) as (callbacks, _):
            (error,) = callbacks.take(1)
            assert error == {"kind": "error", "error": f"{script.url} answered 403 Forbidden, not 200 (try 1)"}


def test_a_large_event(service):
    data = "é" * 5_000_000
    with Script([STREAM + f"data: {data}\n\n".encode(), HOLD]) as script, stream(service, script) as (callbacks, _):
        assert callbacks.take(1) == [message(data)]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"streamUrl": 5, "callbackUrl": "http://127.0.0.1/"}', "{"])
def test_what_it_cannot_read_is_400(service, body):
    assert request("POST", service, body)[0] == 400


def test_commands_it_does_not_know(service):
    with Script([STREAM, HOLD]) as script, stream(service, script) as (_, url):
        assert request("POST", url, {"command": "dance"})[0] == 400
        assert request("POST", url, "{")[0] == 400
    assert request("POST", f"{service}/streams/999", {"command": "restart"})[0] == 404
