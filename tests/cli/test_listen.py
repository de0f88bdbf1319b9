"""``listen``: what it prints, and what it tells of a bad line."""

import json
import re
import subprocess

from support import HOLD, NO_MORE, RETRY, STREAM, Script

from sse_demo import serve

CHUNKED = STREAM.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_each_event_is_a_line(run, server):
    answer = run("listen", f"{server.url}/stream?interval=0", "--count", "2")
    assert (answer.status, answer.stderr) == (0, "")
    assert re.fullmatch(r'message  id=0  \{"seq": 0, .*\}\nmessage  id=1  \{"seq": 1, .*\}\n', answer.stdout)


def test_each_event_is_a_line_of_json(run, server):
    answer = run("listen", f"{server.url}/stream?interval=0", "--count", "1", "--json", "--last-event-id", "4")
    event = json.loads(answer.stdout)
    assert (event["event"], event["id"], json.loads(event["data"])["seq"]) == ("message", "5", 5)


def test_the_lines_of_one_event_are_marked(run):
    with Script(STREAM + b"data: one\ndata: two\ndata:\n\ndata: next\n\n") as script:
        answer = run("listen", script.url, "--count", "2")
    assert answer.stdout == "message  one\n  | two\n  | \nmessage  next\n"


def test_it_prints_as_the_events_come_and_ends_when_its_reader_leaves(start):
    """As a process, into a pipe."""
    with serve(live=True) as server:
        url = f"{server.url}/events?topic=machine"
        with start("listen", url, stderr=subprocess.PIPE) as listener:
            for _ in range(2):
                assert '"cpu"' in listener.stdout.readline()
            listener.stdout.close()
            assert listener.stderr.read() == ""
            assert listener.wait(timeout=5) == 0


def test_what_is_no_stream_is_explained(run, server):
    answer = run("listen", f"{server.url}/ping")
    assert answer == (
        1,
        "",
        f"sse_demo: {server.url}/ping sends application/json, not text/event-stream: this is no event stream (try 1)\n",
    )
    assert "http or https" in run("listen", "nowhere").stderr


def test_a_bad_line_is_told_and_waited_for(run):
    unavailable = b"HTTP/1.1 503 Full\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
    with Script(unavailable, [STREAM + b"retry: 1\n\ndata: a\n\n", HOLD], unavailable) as script:
        options = ["--patient", "--read-timeout", "1", "--max-tries", "2", "--header", "X-Lesson: 4"]
        answer = run("listen", script.url, *options)
        assert script.headers()["x-lesson"] == "4"
    assert (answer.status, answer.stdout) == (1, "message  a\n")
    again = "trying again each time after a longer wait (Ctrl-C stops)"
    assert answer.stderr.splitlines() == [
        f"sse_demo: {script.url}: answered 503 Full, not 200; {again}",
        f"sse_demo: the connection to {script.url} was lost; {again}",
        f"sse_demo: {script.url} was given up, answered 503 Full, not 200 (try 2)",
    ]


def test_it_is_told_once_that_nothing_answers(start):
    """As a process, which says that it has read an event before the server goes away."""
    with Script([STREAM + RETRY + b"data: a\n\n", HOLD]) as script:
        with start("listen", script.url, "--max-tries", "5", stderr=subprocess.PIPE) as listener:
            assert listener.stdout.readline() == "message  a\n"
            script.__exit__()
            _, errors = listener.communicate(timeout=20)
            assert listener.returncode == 1
    assert errors.splitlines() == [
        f"sse_demo: nothing answers at {script.url}; trying again every 0.01 s (Ctrl-C stops)",
        f"sse_demo: nothing answers at {script.url}; is the server running? (try 5)",
    ]


def test_each_outage_is_told_and_an_end_in_order_is_not(run):
    cut_off = CHUNKED + b"%x\r\n%b\r\n" % (len(RETRY), RETRY)
    with Script(cut_off, STREAM, cut_off, NO_MORE) as script:
        answer = run("listen", script.url)
    lost = f"sse_demo: the connection to {script.url} was lost; trying again every 0.01 s (Ctrl-C stops)\n"
    assert answer == (0, "", lost * 2)


def test_a_password_in_the_address_is_not_told(run):
    with Script(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as script:
        answer = run("listen", script.url.replace("http://", "http://ada:secret@"))
    assert answer.stderr == f"sse_demo: {script.url} answered 403 Forbidden, not 200 (try 1)\n"
