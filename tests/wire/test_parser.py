import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import assert_as_wanted, by_byte, vector_cases

from sse_demo import Comment, Event, EventTooLarge
from sse_demo.wire.parser import FAST_LANE_FROM, MAX_RETRY_DIGITS, EventStreamParser
from sse_demo.wire.vectors import VECTORS, cuts


def in_pieces(stream, size):
    return [stream[n : n + size] for n in range(0, len(stream), size)]


def read(chunks, last_event_id="", comments=True):
    """The events and comments, the last event ID and the reconnection time."""
    parser = EventStreamParser(last_event_id, comments=comments)
    items = [item for chunk in chunks for item in parser.feed(chunk)]
    return items, parser.last_event_id, parser.retry


def reference(stream, last_event_id=""):
    """The same, straight from the text of the standard, for a stream that is there as a whole."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unfinished = re.split("\r\n|\r|\n", text)
    items, data, event_type, id, reconnection_time, block_retry = [], "", "", last_event_id, None, None
    after_comment = False  # and before any field but `retry`: then that is the stream's, and no event's
    for line in lines:
        if line == "":
            last_event_id = id
            if data != "":
                items.append(Event(data[:-1], event_type or "message", last_event_id or None, block_retry))
            data, event_type, block_retry, after_comment = "", "", None, False
        elif line.startswith(":"):
            items.append(Comment(line[1:]))
            after_comment = after_comment or (data, event_type, id, block_retry) == ("", "", last_event_id, None)
        else:
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "event":
                event_type = value
            elif field == "data":
                data += value + "\n"
            elif field == "id" and "\0" not in value:
                id = value
            elif field == "retry" and re.fullmatch("[0-9]+", value):
                reconnection_time = int(value)
                if not after_comment or (data, event_type, id) != ("", "", last_event_id):
                    block_retry = reconnection_time
    return items, last_event_id, reconnection_time


@pytest.mark.parametrize(("ways", "start_id", "wanted"), list(vector_cases()))
def test_a_vector_gives_its_events_however_it_is_cut(ways, start_id, wanted):
    for chunks in ways:
        items, last_event_id, retry = read(chunks, start_id)
        assert_as_wanted(wanted, items, last_event_id, retry)
        events = [item for item in items if isinstance(item, Event)]
        assert read(chunks, start_id, comments=False) == (events, last_event_id, retry), chunks


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_reference_agrees_with_the_vectors(vector):
    items, last_event_id, retry = reference(vector.stream, vector.start_id)
    events = [(item.event, item.data, item.id or "") for item in items if isinstance(item, Event)]
    comments = [item.text for item in items if isinstance(item, Comment)]
    assert (tuple(events), tuple(comments)) == (vector.events, vector.comments)
    assert (last_event_id, retry) == (vector.last_event_id, vector.retry)


def test_the_vectors_have_a_name_of_their_own_and_a_sentence_each():
    assert len({vector.name for vector in VECTORS}) == len(VECTORS)
    assert len({vector.stream for vector in VECTORS if not vector.start_id}) == len(
        [vector for vector in VECTORS if not vector.start_id]
    )
    for vector in VECTORS:
        assert re.fullmatch(r"[a-z0-9-]+", vector.name)
        assert re.fullmatch(r"[A-Za-z].*\.", vector.rule)


def test_the_cuts_are_the_whole_every_cut_in_two_and_each_byte():
    ways = list(cuts(b"abc"))
    assert ways[0] == [b"abc"]
    assert sorted(ways) == sorted([[b"abc"], [b"a", b"bc"], [b"ab", b"c"], [b"a", b"b", b"c"]])
    for stream in (b"", b"a"):
        assert all(b"".join(chunks) == stream for chunks in cuts(stream))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_each_event_is_out_with_the_byte_that_completes_it(vector):
    parser = EventStreamParser(vector.start_id, comments=True)
    items = []
    for n, byte in enumerate(by_byte(vector.stream), 1):
        items += parser.feed(byte)
        assert (items, parser.last_event_id, parser.retry) == reference(vector.stream[:n], vector.start_id), n


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("first_chunk", [0, 3 * FAST_LANE_FROM])
def test_an_event_is_out_with_the_line_end_of_its_blank_line(end, first_chunk):
    parser = EventStreamParser()
    count = len(parser.feed((b"data: earlier" + end + end) * (first_chunk // 15)))
    assert count == first_chunk // 15
    for byte in by_byte(b"data: now" + end):
        assert parser.feed(byte) == []
    assert parser.feed(end[:1]) == [Event("now")]
    assert parser.feed(end[1:]) == []
    assert parser.feed(b"data: next" + end + end) == [Event("next")]


def test_a_comment_is_out_with_its_line():
    parser = EventStreamParser(comments=True)
    assert parser.feed(b": kettle") == []
    assert parser.feed(b"\n") == [Comment(" kettle")]


def test_comments_come_between_the_events_where_they_stood():
    stream = b":1\ndata: a\n:2\n\n:3\ndata: b\n\n" * (FAST_LANE_FROM // 10)
    for chunks in ([stream], in_pieces(stream, 100), by_byte(stream)):
        items, _, _ = read(chunks)
        assert items[:5] == [Comment("1"), Comment("2"), Event("a"), Comment("3"), Event("b")]
        assert items == reference(stream)[0]


def test_nothing_in_nothing_out():
    parser = EventStreamParser()
    for chunk in (b"", b"\xef", b"", b"\xbb\xbf", b"", b"data: a\r", b"", b"\n", b"", b"\r"):
        assert parser.feed(chunk) == ([Event("a")] if chunk == b"\r" else [])
    assert parser.feed(b"") == parser.feed(b"\n") == []
    assert parser.feed(b"data: b\n\n") == [Event("b")]


def test_the_parser_takes_all_that_holds_bytes():
    class Chunk(bytes):
        pass

    for kind in (bytes, bytearray, memoryview, Chunk):
        parser = EventStreamParser()
        for chunk in (b"\xef\xbb", b"\xbfdata: so", b"up\r", b"\n\r\n"):
            events = parser.feed(kind(chunk))
        assert events == [Event("soup")]


def test_a_buffer_may_be_used_again_after_it_was_fed():
    parser = EventStreamParser()
    buffer = bytearray(4)
    for part in (b"data", b": so", b"up\n\n"):
        buffer[:] = part
        events = parser.feed(memoryview(buffer))
    assert events == [Event("soup")]


@pytest.mark.parametrize("chunk", ["data: soup\n\n", None, 7, [100, 97], {}])
def test_the_parser_takes_nothing_but_bytes(chunk):
    parser = EventStreamParser()
    with pytest.raises(TypeError, match=f"takes bytes.*not {type(chunk).__name__}"):
        parser.feed(chunk)
    assert parser.feed(b"data: soup\n\n") == [Event("soup")]


def test_the_parser_starts_with_the_id_it_was_given():
    parser = EventStreamParser("41")
    assert parser.last_event_id == "41"
    assert parser.feed(b"data: a\n\nid: 42\ndata: b\n") == [Event("a", id="41")]
    assert parser.last_event_id == "41"
    assert parser.feed(b"\n") == [Event("b", id="42")]
    assert parser.last_event_id == "42"


@pytest.mark.parametrize("digits", [MAX_RETRY_DIGITS + 1, 5000])
def test_a_retry_of_absurd_length_is_ignored(digits):
    stream = b"retry: 5\n\nretry: " + b"9" * digits + b"\ndata: a\n\n"
    assert read([stream]) == ([Event("a")], "", 5)


def test_a_retry_may_have_leading_zeros_as_long_as_it_is_not_absurd():
    assert read([b"retry: " + b"0" * (MAX_RETRY_DIGITS - 1) + b"5\n"]) == ([], "", 5)


def test_the_retry_of_an_event_is_the_one_in_its_block():
    items, _, retry = read([b"retry: 1\ndata: a\n\ndata: b\n\nretry: 2\n\ndata: c\n\nretry: x\ndata: d\n\n"])
    assert items == [Event("a", retry=1), Event("b"), Event("c"), Event("d")]
    assert retry == 2


# Arbitrary streams, held against the reference

tokens = [b"data", b"event", b"id", b"retry", b": ", b":", b" ", b"data:", b"data: ", b"event: ", b"id:", b"id: "]
tokens += [b"retry:", b"\r", b"\n", b"\r\n", b"\n\n", b"\r\r", b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\xbf", b"\xc3"]
tokens += [b"\xa9", b"\xe2\x82", b"\xac", b"\xf0\x9f", b"\xed\xa0\x80", b"\0", b"0", b"12", b"+", b"\xc2\xb2", b"x"]
tokens += [b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c"]
line_ends = st.sampled_from([b"\n", b"\r", b"\r\n"])
values = st.lists(st.sampled_from(tokens) | st.binary(max_size=2), max_size=3).map(b"".join)
lines = st.builds(lambda *parts: b"".join(parts), st.sampled_from([*tokens[:13], b""]), values, line_ends)
streams = st.builds(
    lambda bom, parts: bom + b"".join(parts),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(lines | line_ends | st.sampled_from(tokens) | st.binary(max_size=3), max_size=25),
)


@st.composite
def cut(draw, streams):
    stream = draw(streams)
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


@settings(deadline=None, max_examples=600)
@given(cut(streams))
@example([b"\xef\xbb", b"\xbf\r", b"", b"\ndata", b": a\r", b"\r"])
def test_any_stream_in_any_cut_gives_what_the_standard_says(chunks):
    stream = b"".join(chunks)
    wanted = reference(stream)
    assert read(chunks) == wanted
    assert read([stream]) == wanted
    assert read(by_byte(stream)) == wanted


usual = [b"data: a\n\n", b"data:b\n\n", b"id: 7\ndata: c\n\n", b"event: e\nid:8\ndata:  d\n\n"]
usual += [b"id: 9\nevent: e\ndata: f\n\n", b"data: \xff\xe8\x8c\n\n", b"event: x\nevent: y\ndata: \0\n\n"]
usual += ["data: é茶\n\n".encode(), b"event:  g\nid:  14\ndata: g\n\n"]
unusual = [b"\n", b": hi\n", b"\n\n", b"data\n\n", b"data:\n\n", b"data: \n\n", b"data: a\ndata: b\n\n"]
unusual += [b"id\ndata: a\n\n", b"id: \ndata: a\n\n", b"id: 1\0\ndata: a\n\n", b"id: 10\n\n", b"id: 12\n"]
unusual += [b"retry: 5\ndata: a\n\n", b"retry: 6\n", b"data: a\nid: 11\n\n", b"data: a\n", b" \n"]
unusual += [b"event:\ndata: a\n\n", b"event: z\n\n", b"event: z\n", b"event: z\nid: 13\n"]
unusual += [b"dat: a\n\n", b"data : a\n\n", b"Data: a\n\n", b"\xef\xbb\xbfdata: a\n\n"]


@st.composite
def long_streams(draw):
    """Runs of usual blocks, each long enough for the fast lane, with unusual ones in between."""
    stream = b""
    for _ in range(draw(st.integers(1, 3))):
        run = b"".join(draw(st.lists(st.sampled_from(usual), min_size=1, max_size=4)))
        stream += run * (1 + draw(st.sampled_from([0, FAST_LANE_FROM, 2 * FAST_LANE_FROM])) // len(run))
        stream += b"".join(draw(st.lists(st.sampled_from(unusual + usual), max_size=4)))
    return stream.replace(b"\n", draw(line_ends))


@settings(deadline=None, max_examples=200)
@given(cut(long_streams()))
def test_long_chunks_give_the_same_as_short_ones(chunks):
    stream = b"".join(chunks)
    wanted = reference(stream)
    assert read(chunks) == wanted
    assert read([stream]) == wanted
    assert read(in_pieces(stream, 700)) == wanted
    assert read(in_pieces(stream, 1500)) == wanted


@pytest.mark.parametrize("block", usual + unusual)
def test_an_odd_block_after_a_long_run_of_usual_ones(block):
    stream = b"id: 1\nevent: e\ndata: a\n\n" * FAST_LANE_FROM
    for rest in (b"data: z\n\n", b"\n\ndata: z\n\n", b""):
        assert read([stream + block + rest]) == reference(stream + block + rest)
        assert read([stream + block + stream, block + rest]) == reference(stream + block + stream + block + rest)


# Limits

limits = [20, 100, FAST_LANE_FROM - 1, FAST_LANE_FROM, 4 * FAST_LANE_FROM]


def outcome(chunks, limit):
    """The events, and the message of the error if there was one."""
    parser = EventStreamParser(max_event_size=limit)
    events = []
    try:
        for chunk in chunks:
            events += parser.feed(chunk)
    except EventTooLarge as error:
        return events + error.events, str(error)
    return events, None


def some_ways(stream):
    return [[stream], *(in_pieces(stream, size) for size in (1, 7, 64, 1500))]


@pytest.mark.parametrize("limit", limits)
@pytest.mark.parametrize("name", [b"data: ", b"id: ", b":", b"unknown: ", b""])
def test_a_line_may_be_as_long_as_the_limit_and_no_longer(limit, name):
    before = b"id: 1\ndata: whole\n\n"
    line = name + b"x" * (limit - len(name))
    for chunks in some_ways(before + line + b"\n\n"):
        assert outcome(chunks, limit)[1] is None
    for end in (b"x\n\n", b"x"):
        for chunks in some_ways(before + line + end):
            events, message = outcome(chunks, limit)
            assert events == [Event("whole", id="1")]
            assert re.search(rf"a line of more than {limit} bytes.*max_event_size", message)


@pytest.mark.parametrize("limit", limits)
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_data_of_an_event_may_be_as_long_as_the_limit_and_no_longer(limit, end):
    before = b"data: whole" + end + end
    block = (b"data: 12345678 " + end) * (limit // 10)  # 9 characters and a line end each
    rest = b"x" * (limit - limit // 10 * 10)
    fits = "12345678 \n" * (limit // 10) + rest.decode()
    for chunks in some_ways(before + block + b"data: " + rest + end + end):
        assert outcome(chunks, limit) == ([Event("whole"), Event(fits)], None)
    for last in (end + end, end):
        for chunks in some_ways(before + block + b"data: x" + rest + last):
            events, message = outcome(chunks, limit)
            assert events == [Event("whole")]
            assert re.search(rf"an event of more than {limit} bytes.*max_event_size", message)


def test_data_is_counted_in_characters_and_a_line_in_bytes():
    for chunks in some_ways("data: ääääääää\ndata: ääääääää\n\n".encode()):
        assert outcome(chunks, 22) == ([Event("ääääääää\nääääääää")], None)
        assert outcome(chunks, 21)[1]


def test_empty_data_lines_count_too():
    for line in (b"data\n", b"data:\n", b"data: \n"):
        for chunks in some_ways(line * 21 + b"\n"):
            assert outcome(chunks, 20) == ([Event("\n" * 20)], None)
        for chunks in some_ways(line * 22):
            assert outcome(chunks, 20)[1]


def test_what_was_complete_in_the_same_chunk_comes_with_the_error():
    parser = EventStreamParser("3", max_event_size=30, comments=True)
    with pytest.raises(EventTooLarge) as caught:
        parser.feed(b":kettle\ndata: a\n\nid: 4\ndata: b\n\nretry: 50\nevent: c\n" + b"data: " + b"c" * 50)
    assert caught.value.events == [Comment("kettle"), Event("a", id="3"), Event("b", id="4")]
    assert (parser.last_event_id, parser.retry) == ("4", 50)


def test_an_event_is_not_complete_because_a_line_after_it_is_too_large():
    for chunks in some_ways(b"data: a\n\ndata: b\n" + b"x" * 50 + b"\n\n"):
        events, message = outcome(chunks, 20)
        assert events == [Event("a")]
        assert "a line" in message


def test_the_error_has_no_events_when_none_were_complete():
    with pytest.raises(EventTooLarge) as caught:
        EventStreamParser(max_event_size=30).feed(b"x" * 31)
    assert caught.value.events == []
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("line", [b": kettle\n", b":\r\n", b"id: 1\n", b"event: e\n", b"retry: 5\n", b"unknown\n"])
def test_lines_without_data_never_add_up_to_an_event_that_is_too_large(line):
    stream = line * 2000
    for chunks in some_ways(stream):
        assert outcome(chunks, 20) == ([], None)


def test_many_events_in_one_chunk_do_not_add_up():
    stream = b"id: 1\ndata: soup\n\n" * 2000
    for chunks in some_ways(stream):
        assert outcome(chunks, 20) == ([Event("soup", id="1")] * 2000, None)


@settings(deadline=None, max_examples=300)
@given(cut(streams | long_streams()), st.integers(6, 60) | st.sampled_from([500, 1500]))
def test_with_a_limit_the_outcome_is_the_same_however_the_bytes_are_cut(chunks, limit):
    stream = b"".join(chunks)
    events, message = outcome(by_byte(stream), limit)
    assert outcome(chunks, limit) == (events, message)
    assert outcome([stream], limit) == (events, message)
    unlimited, _, _ = read([stream], comments=False)
    assert unlimited[: len(events)] == events
    assert message or len(unlimited) == len(events)


def test_nothing_counts_that_comes_after_what_is_too_large_however_it_is_cut():
    stream = b"id: 7\nretry: 9\n" + b"data: 123456789\n" * 5 + b":late\nretry: 10\n\n"
    for size in (1, 20, 50, len(stream)):
        parser = EventStreamParser(max_event_size=40, comments=True)
        with pytest.raises(EventTooLarge) as error:
            for n in range(0, len(stream), size):
                parser.feed(stream[n : n + size])
        assert (parser.last_event_id, parser.retry, error.value.events) == ("", 9, [])


@pytest.mark.parametrize(
    ("stream", "events", "retry"),
    [
        (b":\nretry: 5\nid: 1\ndata: x\n\n", [Event("x", id="1")], 5),  # the hello of a server, and its first event
        (b":a\n:b\nretry: 7\nevent: e\ndata: x\n\nretry: 3\ndata: y\n\n", [Event("x", "e"), Event("y", retry=3)], 3),
        (b":\nid: 1\nretry: 5\ndata: x\n\n", [Event("x", id="1", retry=5)], 5),
        (b":\ndata: x\nretry: 5\n\n", [Event("x", retry=5)], 5),
        (b"retry: 5\n:\ndata: x\n\n", [Event("x", retry=5)], 5),
        (b":\n\nretry: 5\ndata: x\n\n", [Event("x", retry=5)], 5),
    ],
)
def test_a_time_right_after_a_comment_is_the_streams_and_no_events(stream, events, retry):
    for chunks in ([stream], by_byte(stream)):
        parser = EventStreamParser()
        assert [event for chunk in chunks for event in parser.feed(chunk)] == events
        assert parser.retry == retry
