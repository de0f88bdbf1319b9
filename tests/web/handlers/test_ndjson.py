"""``POST /events`` with many events in one request."""

import json
import threading

import pytest
from asking import assert_problem, publish, stream
from support import Reader

from sse_demo import serve
from sse_demo.web.handlers import ndjson
from sse_demo.web.handlers.media_type import NDJSON


def post(server, *lines, path="/events?topic=a", **headers):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return publish(server, body.encode(), path, Content_Type=NDJSON, **headers)


def ids(answer):
    status, _, body = answer
    assert status == 202, body
    return json.loads(body)["ids"]


def test_each_line_is_an_event_and_the_ids_come_in_their_order(server):
    with Reader(server, "topic=a&topic=b") as reader:
        given = ids(
            post(
                server,
                {"data": "one\ntwo"},
                "",
                {"data": {"n": [1, "ü"]}, "topic": "b", "event": "change", "retry": 1000},
                {"plain": "object"},
                "[1, 2]",
                '  "text" \r',
                "7",
                {"data": None, "topic": None, "event": None, "key": None, "retry": None},
            )
        )
        reader.take(7)
        assert [event.id for event in reader.events] == given
        assert [(event.event, event.data) for event in reader.events] == [
            ("message", "one\ntwo"),
            ("change", '{"n":[1,"ü"]}'),
            ("message", '{"plain": "object"}'),
            ("message", "[1, 2]"),
            ("message", '"text"'),
            ("message", "7"),
            ("message", "null"),
        ]


def test_what_the_query_says_holds_for_lines_that_say_nothing_else():
    with serve(coalesce=["c/*"]) as server, Reader(server, "topic=c/1&topic=c/2") as reader:
        path = "/events?topic=c/1&event=price&key=k&retry=2000"
        ids(post(server, {"data": "1"}, {"data": "2", "topic": "c/2", "event": "other", "key": "l"}, path=path))
        reader.take(2)
        assert tuple(event.event for event in reader.events) == ("price", "other")
        with Reader(server, "topic=c/1&recent=10") as late:
            assert late.take(1) == ["1"]


@pytest.mark.parametrize("path", ["/events", "/events?event=x"])
def test_a_line_or_the_query_names_the_topic(server, path):
    assert len(ids(post(server, {"data": "x", "topic": "a"}, path=path))) == 1
    assert_problem(post(server, {"data": "x", "topic": "a"}, "7", path=path), 400, "line 2", "names a topic")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("{", "no JSON"),
        ("hello", "no JSON"),
        ("NaN", "NaN"),
        ("[" * 100_000, "nested too deeply"),
        ('{"data": "x", "id": "7"}', "'id'"),
        ('{"data": "x", "Topic": "a"}', "'Topic'"),
        ('{"data": "x", "topic": 7}', "topic must be a text"),
        ('{"data": "x", "topic": "a b"}', "'a b'"),
        ('{"data": "x", "topic": ""}', "names a topic"),
        ('{"data": "x", "event": "a\\nb"}', "event"),
        ('{"data": "x", "event": ""}', "event"),
        ('{"data": "x", "key": "k"}', "does not coalesce"),
        ('{"data": "x", "retry": 0}', "retry"),
        ('{"data": "x", "retry": 1.5}', "retry"),
        ('{"data": "x", "retry": true}', "retry"),
        ('{"data": "x", "retry": "1000"}', "retry"),
        ('{"data": "\\ud800"}', "surrogate"),
        ('{"data": 1e999}', "too large"),
        ('{"data": {"n": [-1e999]}}', "too large"),
    ],
)
def test_one_wrong_line_is_named_and_nothing_is_kept(server, wrong, why):
    with Reader(server, "topic=a") as reader:
        assert_problem(post(server, {"data": "1"}, "", wrong, {"data": "2"}), 400, "line 3", why)
        publish(server, b"the next")
        assert reader.take(1)[0] == "the next"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"data": "x", "topic": "a b"}, 400), ({"data": "x", "key": "k"}, 400), ({"data": "x" * 2000}, 413), ("2", 422)],
)
def test_the_only_line_is_named_too(wrong, status):
    with serve(max_event_size=1000) as server:
        ids(post(server, "1", Idempotency_Key="k"))
        assert_problem(post(server, "", "", wrong, Idempotency_Key="k"), status, "line 3")


def test_what_is_told_of_a_line_is_short(server):
    for wrong in ({"x" * 500_000: 1}, {"topic": "\0" * 500_000}, {"retry": "x" * 500_000}):
        answer = post(server, {"data": ""} | wrong)
        assert_problem(answer, 400)
        assert len(answer[2]) < 10_000


def test_to_find_the_number_of_a_line_holds_up_nobody(server, monkeypatch):
    found_in = []

    def number_of_line(text, place):
        found_in.append(threading.current_thread().name)
        return ndjson.number_of_line(text, place)

    monkeypatch.setattr("sse_demo.web.handlers.publication.number_of_line", number_of_line)
    wrong = {"data": "x", "topic": "a b"}
    assert_problem(post(server, *[""] * 1_000_000, "1", wrong), 400, "line 1000002")
    assert "sse_demo" not in found_in[0], "not the thread of the event loop"


def test_an_event_that_is_too_large_is_named():
    with serve(max_event_size=1000) as server:
        assert_problem(post(server, {"data": "x"}, {"data": "x" * 1001}), 413, "line 2", "1,000")
        assert_problem(post(server, {"data": "x"}, {"data": "\n" * 500}), 413, "line 2", "1,000")
        assert len(ids(post(server, *[{"data": "x" * 500}] * 10))) == 10, "each may be as large as it may be alone"


def test_a_request_has_so_many_events_and_bytes_and_no_more():
    with serve(max_batch=3, max_batch_size=1000) as server:
        assert len(ids(post(server, *["1"] * 3))) == 3
        assert_problem(post(server, *["1"] * 4), 413, "3 events")
        assert_problem(post(server, json.dumps("x" * 1000)), 413, "1,000 bytes")


@pytest.mark.parametrize("lines", [[], [""], ["", " ", "\r"]])
def test_a_request_without_events_is_refused(server, lines):
    assert_problem(post(server, *lines), 400, "no event")


@pytest.mark.parametrize("key", ["order 7", "k" * 250])
def test_the_same_request_twice_is_kept_once(server, key):
    with Reader(server, "topic=a") as reader:
        first = ids(post(server, "1", "2", Idempotency_Key=key))
        assert ids(post(server, "1", "2", Idempotency_Key=key)) == first
        assert_problem(post(server, "1", "3", Idempotency_Key=key), 422, "line 2")
        publish(server, b"the next")
        assert reader.take(3) == ["1", "2", "the next"]


@pytest.mark.parametrize("key", ["", "k" * 251])
def test_the_key_of_a_request_has_a_length(server, key):
    assert_problem(post(server, "1", Idempotency_Key=key), 400, "250")


def test_states_change_together_and_each_once():
    with serve(state=["s/*"]) as server, Reader(server, "topic=s/1&topic=s/2&topic=a") as reader:
        lines = [{"data": {"n": 1}, "topic": f"s/{n}"} for n in (1, 2)]
        assert len(ids(post(server, *lines, {"data": "plain"}))) == 3
        reader.take(3)
        assert [(event.event, event.data) for event in reader.events] == [
            ("snapshot", '{"n":1}'),
            ("snapshot", '{"n":1}'),
            ("message", "plain"),
        ]
        assert_problem(post(server, *lines, lines[0]), 400, "line 3", "once")
        assert_problem(post(server, {"data": "plain"}, {"data": [], "topic": "s/1"}), 400, "line 2", "object")


def test_a_large_request_is_read_aside_and_kept_whole(server):
    lines = [{"data": "x" * 1000}] * 500
    assert len(ids(post(server, *lines))) == 500


def test_a_file_keeps_all_or_none(tmp_path):
    with serve(log=tmp_path / "events.db", max_topics=2) as server:
        for topic in ("a", "b"):
            for _ in range(2):
                publish(server, b"x", f"/events?topic={topic}")
        assert_problem(post(server, "1", {"data": "2", "topic": "c"}), 503, "line 2", "2 topics")
        first = ids(post(server, "1", {"data": "2", "topic": "b"}))
    with serve(log=tmp_path / "events.db") as server, stream(server, "/events?topic=a&topic=b&recent=2") as answer:
        received = b""
        while received.count(b"data: ") < 2:
            received += answer.read1(1000)
        assert [line[4:].decode() for line in received.split(b"\n") if line.startswith(b"id: ")] == first
