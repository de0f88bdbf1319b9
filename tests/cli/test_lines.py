"""``publish URL -``: each line of standard input is an event, as it comes, and none is published twice."""

import json
import re
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from support import HOLD, RESET, Script

from sse_demo import listen, serve
from sse_demo.cli import lines, stdin


def accepted(*ids):
    body = json.dumps({"ids": ids})
    return f"HTTP/1.1 202 Accepted\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def refused(status, detail):
    body = json.dumps({"detail": detail})
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def topic(server, name="news"):
    return f"{server.url}/events?topic={name}"


def kept(url, count):
    with listen(f"{url}&recent={count}") as events:
        return [next(events) for _ in range(count)]


@pytest.fixture
def no_pause(monkeypatch):
    """Tries follow each other at once."""
    monkeypatch.setattr(lines, "FIRST_PAUSE", 0.0)


def test_each_line_is_an_event_and_its_id_is_printed(run, server):
    done = run("publish", topic(server), "-", "--event", "greeting", stdin="größe\n\n  two \r\nlast")
    events = kept(topic(server), 4)
    assert [event.data for event in events] == ["größe", "", "  two ", "last"]
    assert {event.event for event in events} == {"greeting"}
    assert done == (0, "".join(f"{event.id}\n" for event in events), "")


def test_no_lines_are_no_events(run, server):
    assert run("publish", topic(server), "-", stdin="") == (0, "", "")
    assert server.hub.metrics.registry.get_sample_value("sse_published_total") == 0


def test_many_lines_go_in_few_requests_and_stay_in_order(run, server):
    count = 3 * stdin.BATCH_LINES + 1
    done = run("publish", topic(server), "-", stdin="".join(f"{number}\n" for number in range(count)))
    assert (done.status, len(set(done.stdout.split()))) == (0, count)
    assert [event.data for event in kept(topic(server), count)] == list(map(str, range(count)))


def test_long_lines_go_in_requests_of_their_own(run):
    long = "x" * (stdin.BATCH_BYTES - 2)
    with Script(accepted("1", "2"), accepted("3"), accepted("4")) as script:
        done = run("publish", script.url, "-", stdin=f"a\nb\n{long}x\nc\n")
        bodies = [script.request()[2] for _ in range(3)]
    assert done.stdout.split() == ["1", "2", "3", "4"]
    assert [len(body.split("\n")) for body in bodies] == [2, 1, 1]


def test_a_line_is_published_before_the_next_one_comes(start, server):
    """As a process, which reads from a pipe that stays open, as ``tail -f`` keeps it."""
    with start("publish", topic(server), "-", stdin=subprocess.PIPE) as publisher:
        for text in ("one", "two"):
            publisher.stdin.write(f"{text}\n")
            publisher.stdin.flush()
            assert publisher.stdout.readline().strip() == kept(topic(server), 1)[0].id
            assert kept(topic(server), 1)[0].data == text
        publisher.stdin.close()
        assert publisher.wait(20) == 0


def test_the_line_that_is_refused_is_told_with_what_has_become_of_the_others(run, monkeypatch):
    monkeypatch.setattr(stdin, "BATCH_LINES", 2)
    with serve(max_event_size=100) as server:
        done = run("publish", topic(server), "-", stdin=f"a\nb\nc\n{'x' * 200}\ne\n")
        assert [event.data for event in kept(topic(server), 2)] == ["a", "b"]
    assert (done.status, done.stdout.count("\n")) == (1, 2)
    assert re.fullmatch(
        rf"sse_demo: line 4: {re.escape(topic(server))} answered 413 [\w ]+: .*100.*"
        r" \(events published: 2; none from line 3 on\)\n",
        done.stderr,
    )


@pytest.mark.parametrize("broken", [[HOLD], [RESET], refused("503 Full", "not now")], ids=["late", "lost", "full"])
def test_lines_whose_fate_is_unknown_are_sent_again_under_the_same_key(run, broken, no_pause):
    with Script(broken, accepted("1", "2")) as script:
        done = run("publish", script.url, "-", "--timeout", "0.3", stdin="a\nb\n")
        (_, first, body), (_, second, again) = script.request(), script.request()
    assert (done.status, done.stdout) == (0, "1\n2\n")
    assert first["idempotency-key"] == second["idempotency-key"]
    assert body == again
    assert re.fullmatch(r"sse_demo: .*; trying again in \S+ s \(Ctrl-C stops\)\n", done.stderr)


def test_each_batch_has_a_key_of_its_own(run, monkeypatch):
    monkeypatch.setattr(stdin, "BATCH_LINES", 1)
    with Script(accepted("1")) as script:
        run("publish", script.url, "-", stdin="a\nb\n")
        run("publish", script.url, "-", stdin="a\nb\n")
        assert len({script.headers()["idempotency-key"] for _ in range(4)}) == 4


def test_it_gives_up_after_so_many_tries_and_says_what_is_not_known(run, no_pause):
    with Script([RESET]) as script:
        done = run("publish", script.url, "-", "--max-tries", "2", stdin="a\nb\n")
        assert script.requests.qsize() == 2
    assert done.status == 1
    assert done.stderr.endswith(" (events published: 0; for lines 1 to 2 it is not known)\n")


def test_nobody_there_is_known(run, no_pause):
    with Script(accepted("1")) as script:
        url = script.url
    done = run("publish", url, "-", "--max-tries", "1", stdin="a\n")
    nobody = f"nothing answers at {url}; is the server running?"
    assert done == (1, "", f"sse_demo: line 1: {nobody} (events published: 0; none from line 1 on)\n")


def test_a_refusal_is_not_tried_again(run):
    with Script(refused("400 Bad Request", "line 2: no topic")) as script:
        done = run("publish", script.url, "-", stdin="a\nb\n")
        assert script.requests.qsize() == 1
    told = f"sse_demo: line 2: {script.url} answered 400 Bad Request: no topic"
    assert done.stderr == f"{told} (events published: 0; none from line 1 on)\n"


def test_the_same_input_under_the_same_key_is_published_once(run, server):
    text = "".join(f"{number}\n" for number in range(stdin.BATCH_LINES + 5))
    first, again = (run("publish", topic(server), "-", "--idempotency-key", "import 7", stdin=text) for _ in range(2))
    assert (first.status, first.stderr) == (0, "")
    assert first == again
    assert len(set(first.stdout.split())) == stdin.BATCH_LINES + 5


def test_what_is_no_text_is_told_after_what_came_before_it(start, server):
    """As a process, whose standard input may be any bytes."""
    with start("publish", topic(server), "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=False) as publisher:
        printed, errors = publisher.communicate(b"one\ntwo\n\xff\nfour\n", timeout=20)
    assert publisher.returncode == 1
    assert printed.decode().split() == [event.id for event in kept(topic(server), 2)]
    assert errors.decode() == (
        "sse_demo: line 3 of standard input is no text in utf-8: invalid start byte (events published: 2)\n"
    )


def test_what_cannot_be_an_event_is_told(run, server):
    done = run("publish", topic(server), "-", "--event", "", stdin="a\n")
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.endswith("event must not be empty; leave it out to send a 'message' (events published: 0)\n")


def test_the_fields_of_the_command_are_those_of_each_line(run):
    with Script(accepted("1", "2")) as script:
        run("publish", f"{script.url}?topic=a", "-", "--key", "tea", "--retry", "1.5", stdin="a\nb\n")
        first, _, body = script.request()
    assert parse_qs(urlsplit(first.split()[1]).query) == {"topic": ["a"]}
    assert [json.loads(line) for line in body.split("\n")] == [
        {"data": data, "key": "tea", "retry": 1500} for data in ("a", "b")
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")
def test_a_terminal_counts_instead_of_printing_ids(server, tmp_path):
    """As a process, whose stdout and stderr are a terminal."""
    import pty

    text = tmp_path / "lines"
    text.write_text("one\ntwo\n")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "sse_demo", "publish", topic(server), "-"]
    with text.open() as source:
        done = subprocess.run(command, stdin=source, stdout=slave, stderr=slave, timeout=20)
    with open(master, "rb", buffering=0) as terminal, open(slave, "wb"):
        shown = terminal.read(4096).decode()
    assert done.returncode == 0
    assert re.fullmatch(r"\r100% \|#{30}\| 2 published, [\d,]+ a second\r\n", shown)
