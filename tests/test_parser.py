import base64
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sse_demo import Comment, Event, EventStreamParser, EventTooLarge
from sse_demo.lab.vectors import VECTORS, cuts
from sse_demo.parser import FAST_LANE_FROM

# A larger set, where a copy of it lies beside the project.
OUTSIDE = Path(__file__).parents[2] / "shared" / "wire-vectors.json"
OUTSIDE_VECTORS = json.loads(OUTSIDE.read_text("utf-8")) if OUTSIDE.exists() else []


def read(chunks, **options):
    """All that a parser tells about a stream."""
    parser = EventStreamParser(comments=True, **options)
    out = [item for chunk in chunks for item in parser.feed(chunk)]
    events = [item for item in out if isinstance(item, Event)]
    return events, [item.text for item in out if isinstance(item, Comment)], parser.last_event_id, parser.retry


def bytewise(stream):
    return [stream[n : n + 1] for n in range(len(stream))]


def fields(events):
    return [(event.event, event.data, event.id or "") for event in events]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_our_vectors_however_they_are_cut(vector):
    for chunks in cuts(vector.stream):
        events, comments, last_event_id, retry = read(chunks, last_event_id=vector.start_id)
        assert fields(events) == list(vector.events)
        assert comments == list(vector.comments)
        assert (last_event_id, retry) == (vector.last_event_id, vector.retry)


def test_our_vectors_have_names_of_their_own():
    assert len({vector.name for vector in VECTORS}) == len(VECTORS) > 70


@pytest.mark.parametrize("vector", OUTSIDE_VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_of_the_larger_set(vector):
    given_chunks = [base64.b64decode(chunk) for chunk in vector["chunks"]]
    stream = b"".join(given_chunks)
    for chunks in (given_chunks, [stream], bytewise(stream)):
        events, comments, last_event_id, retry = read(chunks, last_event_id=vector.get("initial_last_event_id", ""))
        assert fields(events) == [(event["event"], event["data"], event["id"]) for event in vector["events"]]
        assert all(
            got.retry == want["retry"] for got, want in zip(events, vector["events"], strict=True) if "retry" in want
        )
        assert comments == vector.get("comments", comments)
        assert (last_event_id, retry) == (vector["final_last_event_id"], vector["final_retry"])


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_is_out_with_the_last_byte_of_its_blank_line(end):
    parser = EventStreamParser()
    stream = b"data: one" + end + end
    assert parser.feed(stream[:-1]) == ([Event("one")] if end == b"\r\n" else [])  # the CR completes the blank line
    assert parser.feed(stream[-1:]) == ([] if end == b"\r\n" else [Event("one")])


def test_a_comment_and_a_retry_do_not_wait_for_a_blank_line():
    parser = EventStreamParser(comments=True)
    assert parser.feed(b"data: a\n: hi\nretry: 7\n") == [Comment(" hi")]
    assert parser.retry == 7


def test_comments_keep_their_place_among_the_events():
    parser = EventStreamParser(comments=True)
    assert parser.feed(b":1\n\ndata: a\n\n:2\n\ndata: b\n\n") == [Comment("1"), Event("a"), Comment("2"), Event("b")]
    assert EventStreamParser().feed(b":1\n\ndata: a\n\n") == [Event("a")]


def reference(stream):
    """The standard's text, 9.2.5 and 9.2.6, sentence by sentence, for a stream that is all there."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    out, data, event_type, id_buffer, last_id, retry, block_retry = [], "", "", "", "", None, None
    for line in re.split(r"\r\n|\n|\r", text)[:-1]:
        name, colon, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if not line:
            last_id = id_buffer
            if data:
                out.append(Event(data[:-1], event_type or "message", last_id or None, block_retry))
            data, event_type, block_retry = "", "", None
        elif colon and not name:
            out.append(Comment(line[1:]))
        elif name == "event":
            event_type = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            id_buffer = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = block_retry = int(value)
    events = [item for item in out if isinstance(item, Event)]
    return events, [item.text for item in out if isinstance(item, Comment)], last_id, retry


FIELDS = [b"data", b"data: ", b"event: e", b"id: ", b"id: 1\0", b"retry: 5", b"retry: x", b":", b": ", b" ", b"a", b"7"]
LINE_ENDS = [b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n"]
TRAPS = [b"\xef\xbb\xbf", b"\xef", b"\xc3", b"\xa9", b"\xff", "\u2028".encode(), b"\x0b", b"\x85", b"\0"]
PIECES = st.sampled_from([*FIELDS, *LINE_ENDS, *LINE_ENDS, *TRAPS])
STREAMS = st.lists(PIECES | st.binary(max_size=3), max_size=40).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=8))
@example(b"\xef\xbb\xbfdata: a\r\n\r\n", [1, 2, 12])
def test_any_bytes_cut_anywhere_are_read_as_the_standard_says(stream, places):
    bounds = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    chunks = [stream[a:b] for a, b in pairwise(bounds)]
    assert read(chunks) == read(bytewise(stream)) == reference(stream)


BLOCKS = st.sampled_from(
    [
        b"data: tea\n\n",
        b"id: 4\ndata: tea\n\n",
        b"event: e\nid: 5\ndata: tea\n\n",
        b"id: 6\nevent: e\ndata:tea\n\n",
        b"id: 7\nid: 8\ndata: tea\n\n",
        b"data: a\ndata: b\n\n",
        b": hi\n\n",
        b"id: 9\n\n",
        b"id: 1\0\ndata: x\n\n",
        b"retry: 12\ndata: x\n\n",
        b"event: lost\n\n",
        b"data:\n\n",
        b"data: \r\n\r\n",
        b"\n",
        b"data: \xff\n\n",
        b"data: " + b"x" * 300 + b"\n\n",
    ]
)


@given(st.lists(BLOCKS, max_size=30), st.integers(0, 3 * FAST_LANE_FROM))
def test_long_chunks_are_read_as_short_ones(blocks, place):
    stream = b"".join([b"id: 3\ndata: milk\n\n" * 80, *blocks, b"data: milk\n\n" * 100, *blocks])
    assert read([stream]) == read([stream[:place], stream[place:]]) == reference(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 101,
        b"data: " + b"x" * 101 + b"\n\n",
        b"x" * 101 + b"\n",
        b": " + b"x" * 101 + b"\n",
        b"data: 12345678\n" * 12,
        b"data: 12345678\n" * 12 + b"\n",
        b"data\n" * 102,
        b"data: a\n\n" * 300 + b"data: " + b"x" * 2000 + b"\n\n",
    ],
)
def test_what_is_too_large_is_an_error_however_it_is_cut(stream):
    before = [Event("ok")] + [Event("a")] * stream.count(b"data: a\n\n")
    for size in (1, 7, 50, 10_000):
        parser, got = EventStreamParser(max_event_size=100), []
        with pytest.raises(EventTooLarge, match="more than 100 bytes") as error:
            for n in range(0, len(stream) + 10, size):
                got += parser.feed((b"data: ok\n\n" + stream)[n : n + size])
        assert got + error.value.events == before


def test_what_is_just_small_enough_is_read():
    stream = (b"data: " + b"x" * 94 + b"\n\n" + b"data: 12345678\n" * 11 + b"\n") * 3
    for size in (1, 7, 50, 10_000):
        assert len(read([stream[n : n + size] for n in range(0, len(stream), size)], max_event_size=100)[0]) == 6


def test_small_things_never_add_up_to_something_too_large():
    parser = EventStreamParser(max_event_size=100)
    for _ in range(1000):
        assert parser.feed(b": still here\n") == []
        assert parser.feed(b"event: a\nid: b\nretry: 1\n") == []


def test_only_bytes_are_fed():
    assert EventStreamParser().feed(bytearray(b"data: a\n\n")) == [Event("a")]
    assert EventStreamParser().feed(memoryview(b"data: a\n\n")) == [Event("a")]
    with pytest.raises(TypeError, match="bytes as they come from the network, not str"):
        EventStreamParser().feed("data: a\n\n")
