import copy
import pickle
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sse_demo.wire.event import Comment, Event
from sse_demo.wire.parser import EventStreamParser

characters = st.characters(exclude_categories=["Cs"])
# Pieces that would do harm if they got into the stream as they are, among any other text.
harmful = ["\r", "\n", "\r\n", "\n\n", "\0", "\ufeff", "\u2028", "\x85", " ", ":", "data: no", "id: no", "\nretry: 1\n"]


def texts(forbidden="", min_size=0):
    pieces = [piece for piece in harmful if not set(piece) & set(forbidden)]
    one = st.sampled_from(pieces) | st.characters(exclude_categories=["Cs"], exclude_characters=forbidden)
    return st.lists(one, min_size=min_size, max_size=8).map("".join)


events = st.builds(
    Event,
    data=texts(),
    event=st.just("message") | texts("\r\n", min_size=1),
    id=st.none() | texts("\r\n\0"),
    retry=st.none() | st.integers(0, 10**12),
)


def read(chunks):
    parser = EventStreamParser(comments=True)
    return [item for chunk in chunks for item in parser.feed(chunk)]


def received(sent):
    """What must come out for events that were sent one after the other."""
    last_id = ""
    for event in sent:
        last_id = last_id if event.id is None else event.id
        data = event.data.replace("\r\n", "\n").replace("\r", "\n")
        yield Event(data, event.event, last_id or None, event.retry)


@pytest.mark.parametrize(
    ("event", "block"),
    [
        (Event(), b"data: \n\n"),
        (Event("soup"), b"data: soup\n\n"),
        (Event("soup", "message"), b"data: soup\n\n"),
        (Event("soup", event="order"), b"event: order\ndata: soup\n\n"),
        (Event("soup", id="12"), b"id: 12\ndata: soup\n\n"),
        (Event("soup", id=""), b"id: \ndata: soup\n\n"),
        (Event("soup", retry=0), b"retry: 0\ndata: soup\n\n"),
        (Event("soup", "order", "12", 1500), b"event: order\nid: 12\nretry: 1500\ndata: soup\n\n"),
        (Event(" soup"), b"data:  soup\n\n"),
        (Event("soup: hot"), b"data: soup: hot\n\n"),
        (Event("grün 茶"), "data: grün 茶\n\n".encode()),
        (Event("a\0b"), b"data: a\0b\n\n"),
    ],
)
def test_an_event_is_one_block(event, block):
    assert event.encode() == block


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("a\nb", ["a", "b"]),
        ("a\rb", ["a", "b"]),
        ("a\r\nb", ["a", "b"]),
        ("a\n\rb", ["a", "", "b"]),
        ("a\n\nb", ["a", "", "b"]),
        ("a\n", ["a", ""]),
        ("\na", ["", "a"]),
        ("\n", ["", ""]),
        ("a\u2028b\x85c\x0bd\x0ce\x1cf", ["a\u2028b\x85c\x0bd\x0ce\x1cf"]),
    ],
)
def test_each_line_of_data_is_a_data_field_and_only_cr_and_lf_end_lines(data, lines):
    assert Event(data).encode() == "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"event": "a\nb"}, ValueError, r"event.*\\n"),
        ({"event": "a\rb"}, ValueError, r"event.*\\r"),
        ({"event": "a\n"}, ValueError, r"event.*\\n"),
        ({"event": ""}, ValueError, "event must not be empty"),
        ({"event": "\ud800"}, ValueError, "event.*surrogate"),
        ({"event": None}, TypeError, "event must be a str, not NoneType"),
        ({"event": b"order"}, TypeError, "event must be a str, not bytes"),
        ({"id": "1\n2"}, ValueError, r"id.*\\n"),
        ({"id": "1\r2"}, ValueError, r"id.*\\r"),
        ({"id": "1\0"}, ValueError, r"id.*\\x00"),
        ({"id": "\udfff"}, ValueError, "id.*surrogate"),
        ({"id": 7}, TypeError, "id must be a str, not int"),
        ({"retry": -1}, ValueError, "retry must not be negative.*-1"),
        ({"retry": True}, TypeError, "retry must be a whole number.*True"),
        ({"retry": False}, TypeError, "retry must be a whole number.*False"),
        ({"retry": 1.5}, TypeError, "retry must be a whole number.*1.5"),
        ({"retry": 2.0}, TypeError, "retry must be a whole number.*2.0"),
        ({"retry": "3"}, TypeError, "retry must be a whole number.*'3'"),
        ({"data": {"soup": 1}}, TypeError, "data must be a str, not dict.*json.dumps"),
        ({"data": b"soup"}, TypeError, "data must be a str, not bytes"),
        ({"data": None}, TypeError, "data must be a str, not NoneType"),
        ({"data": "\ud83c"}, ValueError, "data.*surrogate"),
    ],
)
def test_what_the_wire_has_no_room_for_is_refused(fields, error, message):
    with pytest.raises(error, match=message):
        Event(**fields)


def test_an_event_cannot_be_changed():
    event = Event("soup", id="1")
    for name in ("data", "event", "id", "retry", "price"):
        with pytest.raises(AttributeError):
            setattr(event, name, "other")
        with pytest.raises(AttributeError):
            delattr(event, name)
    assert event == Event("soup", id="1")


def test_events_with_the_same_fields_are_equal():
    assert Event("soup") == Event("soup", event="message", id=None, retry=None)
    assert hash(Event("soup", id="1")) == hash(Event("soup", id="1"))
    different = [Event("soup"), Event("tea"), Event("soup", "order"), Event("soup", id="1"), Event("soup", id="")]
    different += [Event("soup", retry=1), Event("soup", retry=0)]
    assert len(set(different)) == len(different)


def test_the_fields_are_there_by_name_and_in_order():
    event = Event("soup", "order", "12", 1500)
    assert (event.data, event.event, event.id, event.retry) == ("soup", "order", "12", 1500)
    data, *others = event
    assert (data, others) == ("soup", ["order", "12", 1500])


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (Event(), "Event(data='')"),
        (Event("soup"), "Event(data='soup')"),
        (Event("a\nb", "order", "", 0), r"Event(data='a\nb', event='order', id='', retry=0)"),
    ],
)
def test_the_repr_shows_what_is_not_the_default(event, shown):
    assert repr(event) == shown


@settings(deadline=None, max_examples=50)
@given(events)
def test_an_event_survives_its_repr_a_copy_and_pickle(event):
    for other in (eval(repr(event)), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert type(other) is Event
        assert other == event


@pytest.mark.parametrize(
    ("comment", "block"),
    [
        (Comment(), b":\n\n"),
        (Comment("kettle"), b":kettle\n\n"),
        (Comment(" kettle: on"), b": kettle: on\n\n"),
        (Comment("Tür"), ":Tür\n\n".encode()),
    ],
)
def test_a_comment_is_a_line_with_a_colon_in_front(comment, block):
    assert comment.encode() == block


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "\n", "\ud800"])
def test_a_comment_is_one_line_of_unicode(text):
    with pytest.raises(ValueError, match="comment"):
        Comment(text)


def test_a_comment_is_text():
    with pytest.raises(TypeError, match="a comment must be a str, not bytes"):
        Comment(b"kettle")


def test_a_comment_cannot_be_changed_and_is_no_event():
    with pytest.raises(AttributeError):
        Comment("kettle").text = "other"
    assert Comment("kettle") == Comment("kettle") != Comment("pot")
    assert Comment("kettle") != Event("kettle")
    assert repr(Comment("kettle")) == "Comment(text='kettle')"


@settings(deadline=None, max_examples=150)
@given(st.lists(events, max_size=6), st.data())
def test_what_is_sent_is_what_is_received_however_it_is_cut(sent, data):
    stream = b"".join(event.encode() for event in sent)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]
    assert read(chunks) == list(received(sent))
    assert read([stream[n : n + 1] for n in range(len(stream))]) == list(received(sent))


@settings(deadline=None, max_examples=50)
@given(st.lists(events, min_size=1, max_size=6))
def test_what_is_sent_is_what_is_received_in_a_long_stream(sent):
    sent = sent * 60
    assert read([b"".join(event.encode() for event in sent)]) == list(received(sent))


any_text = texts() | st.text(max_size=4)  # the latter with lone surrogates


@settings(deadline=None, max_examples=300)
@given(any_text, any_text, st.none() | any_text, st.none() | st.integers(-2, 10**6))
def test_nothing_can_be_injected_with_an_event(data, event, id, retry):
    try:
        event = Event(data, event, id, retry)
    except ValueError:
        return
    sent = [Event("before", id="1"), event, Event("after")]
    assert read([b"".join(each.encode() for each in sent)]) == list(received(sent))


@settings(deadline=None, max_examples=150)
@given(any_text)
def test_nothing_can_be_injected_with_a_comment(text):
    try:
        comment = Comment(text)
    except ValueError:
        return
    sent = [Event("before", id="1"), comment, Event("after", id="2")]
    assert read([b"".join(each.encode() for each in sent)]) == sent


class Kind(str, Enum):  # noqa: UP042 (a StrEnum shows its value when it is formatted, this one its name)
    ADD = "add"


class Liar(str):
    def __str__(self):
        return "a\ndata: injected"


def test_what_is_written_is_what_was_checked():
    assert Event("x", event=Kind.ADD, id=Kind.ADD).encode() == b"event: add\nid: add\ndata: x\n\n"
    assert Event(Liar("a"), event=Liar("b"), id=Liar("c")).encode() == b"event: b\nid: c\ndata: a\n\n"
    assert Comment(Liar("a")).encode() == b":a\n\n"


def test_a_changed_copy_is_checked_too():
    assert Event("x")._replace(id="7") == Event("x", id="7")
    with pytest.raises(ValueError, match="id"):
        Event("x")._replace(id="1\nevent: evil")
    with pytest.raises(ValueError, match="comment"):
        Comment("x")._replace(text="1\nevent: evil")


def test_a_retry_that_no_parser_takes_is_refused():
    largest = 10**1000 - 1
    assert EventStreamParser().feed(Event("x", retry=largest).encode()) == [Event("x", retry=largest)]
    with pytest.raises(ValueError, match="1000 digits"):
        Event("x", retry=largest + 1)
