"""What the service says of its own accord, byte by byte."""

import json

import pytest

from sse_demo import Comment, Event, EventStreamParser
from sse_demo.wire.service_events import HEARTBEAT, hello, patch_event, reset, snapshot_event


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(2.0, 2000), (0, 0), (0.0004, 0), (0.0016, 2), (1.2345678, 1235), (86400.0, 86400000)]
)
def test_hello_is_a_comment_and_the_reconnection_time_in_milliseconds(seconds, milliseconds):
    assert hello(seconds) == b":\nretry: %d\n" % milliseconds


def test_hello_gives_no_event_and_leaves_the_last_event_id():
    parser = EventStreamParser("7", comments=True)
    assert parser.feed(hello(1.5)) == [Comment()]
    assert (parser.retry, parser.last_event_id) == (1500, "7")


def test_what_follows_hello_or_a_heartbeat_is_an_event_of_its_own():
    event = Event("tea", event="order", id="8")
    for before in (hello(1.5), HEARTBEAT, hello(1.5) + HEARTBEAT * 2):
        parser = EventStreamParser("7", comments=True)
        *comments, last = parser.feed(before + event.encode())
        assert set(comments) == {Comment()}
        assert last._replace(retry=None) == event, "the reconnection time stands in the block of the first event"
    assert parser.feed(HEARTBEAT + Event("cup").encode()) == [Comment(), Event("cup", id="8")]


def test_a_client_that_takes_each_blank_line_for_an_event_sees_no_other():
    stream = hello(1.5) + HEARTBEAT + b"".join(HEARTBEAT + Event(data, id=data).encode() for data in ("1", "2"))
    blocks = (stream + HEARTBEAT).split(b"\n\n")
    assert [block.partition(b"data: ")[2] for block in blocks] == [b"1", b"2", b""]


def test_a_heartbeat_is_an_empty_comment():
    assert HEARTBEAT == b":\n"


def test_a_reset_tells_why_and_what_follows():
    assert reset("expired", "x-9") == b'event: reset\ndata: {"reason": "expired", "next_id": "x-9"}\n\n'
    assert reset("unknown", None) == b'event: reset\ndata: {"reason": "unknown", "next_id": null}\n\n'


def test_a_reset_leaves_the_last_event_id():
    parser = EventStreamParser("7")
    (event,) = parser.feed(reset("unknown", "8"))
    assert json.loads(event.data) == {"reason": "unknown", "next_id": "8"}
    assert parser.last_event_id == "7"


def test_a_state_is_sent_whole_and_then_by_its_changes():
    assert snapshot_event('{"a":1}') == Event('{"a":1}', event="snapshot")
    assert patch_event('{"a":null}') == Event('{"a":null}', event="patch")
    assert snapshot_event("{}").encode() == b"event: snapshot\ndata: {}\n\n"
    assert patch_event("{}").encode() == b"event: patch\ndata: {}\n\n"
