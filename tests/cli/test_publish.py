"""``publish``: what it sends, and that each failure is one line on stderr."""

import json
import socket
import threading

import pytest
from support import Script


def test_it_prints_the_id(run, server):
    topic = f"{server.url}/events?topic=news"
    id = run("publish", topic, "hello", "--event", "a greeting").stdout.strip()
    run("publish", topic, "-", "--whole", stdin="from\nstdin")
    answer = run("listen", f"{topic}&recent=2", "--count", "2", "--json")
    first, second = map(json.loads, answer.stdout.splitlines())
    assert first == {"event": "a greeting", "id": id, "data": "hello"}
    assert second["data"] == "from\nstdin"


def test_all_that_an_event_may_have_is_sent(run):
    with Script(b'HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\n\r\n{"id": "7"}') as script:
        options = ["--key", "tea", "--retry", "1.5", "--idempotency-key", "order 7"]
        assert run("publish", script.url, "hello", *options) == (0, "7\n", "")
        first, headers, body = script.request()
    assert (first, body) == ("POST /events?key=tea&retry=1500 HTTP/1.1", "hello")
    assert headers["idempotency-key"] == "order 7"


def test_a_refusal_is_explained(run, server):
    answer = run("publish", f"{server.url}/events", "hello")
    assert answer == (
        1,
        "",
        f"sse_demo: {server.url}/events answered 400 Bad Request: the query names no topic; use /events?topic=news\n",
    )


def test_an_explanation_of_a_proxy_is_shown_as_it_is(run):
    with Script(b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\noops") as script:
        assert run("publish", script.url, "hello").stderr == f"sse_demo: {script.url} answered 502 Bad: oops\n"


def test_nobody_there_is_one_line_on_stderr(run):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/events?topic=größe&key=a b"
    answer = run("publish", url, "hello")
    assert answer == (1, "", f"sse_demo: nothing answers at {url}; is the server running?\n")


@pytest.mark.parametrize("url", ["nowhere", "http://127.0.0.1:x/events", "http://127.0.0.1:99999/events", "http://"])
def test_what_is_no_address_is_one_line_on_stderr(run, url):
    answer = run("publish", url, "hello")
    assert (answer.status, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"sse_demo: '{url}' is not an")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.0 200 OK\r\n\r\n{}", b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{"],
    ids=["not HTTP", "no id", "cut off"],
)
def test_an_answer_of_something_else_is_one_line_on_stderr(run, answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        done = run("publish", f"http://127.0.0.1:{listener.getsockname()[1]}/", "hello")
        thread.join(5)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
