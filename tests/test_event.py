import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sse_demo import Comment, Event, EventStreamParser

NO_LINE_END = st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])
DATA = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n: "))
TYPES = st.just("message") | st.text(NO_LINE_END, min_size=1)
IDS = st.none() | st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
RETRIES = st.none() | st.integers(0, 10**30)
EVENTS = st.builds(Event, DATA, TYPES, IDS, RETRIES)


@pytest.mark.parametrize(
    ("event", "wire"),
    [
        (Event("hello"), b"data: hello\n\n"),
        (Event("a\nb"), b"data: a\ndata: b\n\n"),
        (Event("a\r\nb\rc\n"), b"data: a\ndata: b\ndata: c\ndata: \n\n"),
        (Event(""), b"data: \n\n"),
        (Event("a\u2028b\x0cc"), "data: a\u2028b\x0cc\n\n".encode()),
        (Event("é", event="tea"), "event: tea\ndata: é\n\n".encode()),
        (Event("x", id="7"), b"id: 7\ndata: x\n\n"),
        (Event("x", id=""), b"id: \ndata: x\n\n"),
        (Event("x", retry=0), b"retry: 0\ndata: x\n\n"),
        (Event("x", "e", "7", 500), b"event: e\nid: 7\nretry: 500\ndata: x\n\n"),
        (Event(" x"), b"data:  x\n\n"),
    ],
)
def test_an_event_on_the_wire(event, wire):
    assert event.encode() == wire


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "a\nb"},
        {"event": "a\r"},
        {"event": ""},
        {"id": "1\n2"},
        {"id": "1\r"},
        {"id": "1\0"},
        {"retry": -1},
        {"data": "\ud800"},
        {"event": "\udfff"},
        {"id": "\udfff"},
    ],
)
def test_what_the_wire_has_no_room_for_is_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Event(**fields)


@pytest.mark.parametrize(
    "fields", [{"data": b"x"}, {"data": None}, {"event": 3}, {"id": 7}, {"retry": 1.5}, {"retry": True}, {"retry": "5"}]
)
def test_what_has_the_wrong_type_is_refused(fields):
    with pytest.raises(TypeError, match=next(iter(fields))):
        Event(**fields)


def test_a_structure_as_data_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"json\.dumps"):
        Event({"seq": 1})


def test_an_event_is_a_value():
    event = Event("x", id="7")
    assert event == Event("x", id="7") != Event("x")
    assert len({event, Event("x", id="7")}) == 1
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(AttributeError):
        event.data = "y"
    with pytest.raises(AttributeError):
        event.colour = "green"


def test_its_text_shows_what_was_said():
    assert repr(Event("x")) == "Event(data='x')"
    assert repr(Event("x", "e", "", 5)) == "Event(data='x', event='e', id='', retry=5)"


def test_a_comment_on_the_wire():
    assert Comment().encode() == b":\n\n"
    assert Comment(" hi").encode() == b": hi\n\n"
    assert EventStreamParser(comments=True).feed(Comment(" hi").encode()) == [Comment(" hi")]
    with pytest.raises(ValueError, match="comment"):
        Comment("a\ndata: b")
    with pytest.raises(TypeError, match="comment"):
        Comment(3)


@given(st.lists(EVENTS, max_size=5), st.integers(1, 9))
def test_the_encoder_and_the_parser_are_each_others_inverse(events, size):
    stream = b"".join(event.encode() for event in events)
    parser = EventStreamParser()
    received = [e for n in range(0, len(stream), size) for e in parser.feed(stream[n : n + size])]
    last_id = None
    for event, got in zip(events, received, strict=True):
        last_id = last_id if event.id is None else event.id or None
        data = event.data.replace("\r\n", "\n").replace("\r", "\n")
        assert got == Event(data, event.event, last_id, event.retry)


@given(EVENTS)
def test_nothing_that_is_accepted_becomes_more_than_one_event(event):
    parser = EventStreamParser(comments=True)
    assert len(parser.feed(event.encode() + Event("next").encode())) == 2
