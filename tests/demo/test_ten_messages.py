"""``/stream``: ten messages, and no more."""

import json

import pytest
from asking import assert_problem, events, request, stream

from sse_demo import serve


def test_ten_messages(server):
    status, _, body = request(server, "GET", "/stream?interval=0")
    assert status == 200
    assert [event.id for event in events(body)] == [str(n) for n in range(10)]
    for n, event in enumerate(events(body)):
        data = json.loads(event.data)
        assert list(data) == ["seq", "time"]
        assert data["seq"] == n
        assert len(data["time"].split(":")) == 3


def test_count_and_interval(server):
    assert len(events(request(server, "GET", "/stream?count=3&interval=0.01")[2])) == 3


def test_a_return_goes_on_after_the_last_id(server):
    _, _, body = request(server, "GET", "/stream?interval=0", headers={"Last-Event-ID": "6"})
    assert [event.id for event in events(body)] == ["7", "8", "9"]
    _, _, body = request(server, "GET", "/stream?interval=0&last_event_id=7")
    assert [event.id for event in events(body)] == ["8", "9"]
    _, _, body = request(server, "GET", "/stream?interval=0&last_event_id=1", headers={"Last-Event-ID": "8"})
    assert [event.id for event in events(body)] == ["9"], "the header wins"


@pytest.mark.parametrize("id", ["9", "10", "123456789"])
def test_after_the_last_message_there_is_no_more(server, id):
    status, headers, body = request(server, "GET", "/stream", headers={"Last-Event-ID": id})
    assert (status, body) == (204, b"")
    assert "Content-Type" not in headers


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("count=0", "count"),
        ("count=-1", "count"),
        ("count=10001", "count"),
        ("count=1.5", "whole number"),
        ("count=x", "'x'"),
        ("count=", "count"),
        ("count=1&count=2", "2 times"),
        ("interval=-1", "interval"),
        ("interval=61", "interval"),
        ("interval=nan", "interval"),
        ("interval=inf", "interval"),
        ("interval=fast", "'fast'"),
        ("last_event_id=x", "0 to 9"),
        ("last_event_id=-1", "0 to 9"),
        ("last_event_id=1234567890", "0 to 9"),
    ],
)
def test_a_wrong_number_is_explained(server, query, word):
    assert_problem(request(server, "GET", f"/stream?{query}"), 400, word)


def test_a_long_pause_has_heartbeats():
    with serve(heartbeat=0.05) as server, stream(server, "/stream?interval=30") as answer:
        received = b""
        while received.count(b":\n") < 4:
            received += answer.read1(100)
        assert len(events(received)) == 1


def test_a_long_stream_without_pauses_comes_whole(server):
    assert len(events(request(server, "GET", "/stream?count=10000&interval=0")[2])) == 10_000
