"""Builds the wheel, and tries each extra in a new environment: enough for its part, and nothing of another.

python tests/tools/extras.py
"""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

PARSER = """
from sse_demo import Event, EventStreamParser, MemoryLog, Settings, SqliteLog
assert EventStreamParser().feed(b"data: hello\\n\\n") == [Event("hello")]
"""
CLIENT = """
import http.server, threading
from sse_demo import Event, EventSource, listen

class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: hello\\n\\n")

    def log_message(self, *_):
        pass

with http.server.HTTPServer(("127.0.0.1", 0), Hello) as server:
    threading.Thread(target=server.handle_request).start()
    with listen(f"http://127.0.0.1:{server.server_port}/") as events:
        assert next(events) == Event("hello")
"""
SERVER = """
import urllib.request
from sse_demo import EventStreamParser, Hub, serve

with serve() as server:
    sent = server.publish("news", "hello")
    with urllib.request.urlopen(f"{server.url}/events?topic=news&recent=1") as answer:
        parser, events = EventStreamParser(), []
        while not events:
            events = parser.feed(answer.read1())
    assert (events[0].data, events[0].id) == ("hello", sent)
"""
ACCESS = """
import secrets, urllib.error, urllib.request
from sse_demo import Access, Issuer, secret_key, serve

issuer = Issuer(name="us", audience="events", keys=secret_key(secrets.token_bytes(32)))
with serve(access=Access(issuers=[issuer], anonymous=["news"])) as server:
    urllib.request.urlopen(f"{server.url}/events?topic=news").close()
    try:
        urllib.request.urlopen(f"{server.url}/events?topic=other")
    except urllib.error.HTTPError as error:
        assert error.status == 401, error
    else:
        raise AssertionError("everybody may read everything")
"""
NO_LIVE = """
try:
    serve(live=True)
except ImportError as error:
    assert 'pip install "sse-demo[live]"' in str(error), error
else:
    raise AssertionError("psutil is there")
"""
LIVE = """
import urllib.request
from sse_demo import serve

with serve(live=True) as server, urllib.request.urlopen(f"{server.url}/events?topic=machine") as answer:
    while b"cpu" not in answer.readline():
        pass
"""
BENCH = """
import sys
from sse_demo.cli.main import main

sys.exit(main(["bench", "--subscribers", "2", "--events", "2", "--rounds", "1"]))
"""
NO_CLIENT = {"listen": "client", "EventSource": "client"}
NO_SERVER = {"serve": "server", "Hub": "server"}
NO_AUTH = {"Access": "auth", "secret_key": "auth"}
# The extra, a script that it is enough for, and the names that need another one.
EXTRAS = [
    ("", PARSER, NO_CLIENT | NO_SERVER),
    ("client", CLIENT, NO_SERVER),
    ("server", SERVER + NO_LIVE, NO_CLIENT | NO_AUTH),
    ("auth", ACCESS, NO_CLIENT),
    ("live", LIVE, NO_CLIENT),
    ("bench", BENCH, NO_CLIENT),
]
HINT = """
import sse_demo

try:
    sse_demo.{name}
except ImportError as error:
    assert 'pip install "sse-demo[{extra}]"' in str(error), error
else:
    raise AssertionError("{name} is there")
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        pip("wheel", "--no-deps", "--wheel-dir", work, str(ROOT))
        (wheel,) = Path(work).glob("*.whl")
        assert "sse_demo/py.typed" in zipfile.ZipFile(wheel).namelist(), "type checkers would not look at it"
        for extra, script, missing in EXTRAS:
            print(f"sse-demo[{extra}]", flush=True)
            environment = Path(work, f"with-{extra}")
            venv.create(environment)
            python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
            pip("--python", str(environment), "install", f"{wheel}[{extra}]" if extra else str(wheel))
            for code in (script, *(HINT.format(name=name, extra=other) for name, other in missing.items())):
                run(python, "-I", "-W", "error", "-c", code)


def pip(*arguments: str) -> None:
    run(sys.executable, "-m", "pip", "--quiet", *arguments)


def run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode:
        sys.exit(done.stdout)


if __name__ == "__main__":
    main()
