"""What the web-platform-tests ask of an ``EventSource`` without a page, in our own words (folder ``eventsource``).

Left out is what only a browser has: documents, workers, the back/forward cache, event targets and handlers, and rules
for other origins. A change of state that the suite sees as an event is told by a hook here. Each test names the files
whose question it asks.
"""

import time

import pytest
from support import HOLD, NO_MORE, STREAM, Script

from sse_demo import EventSource, EventSourceError, ReadyState, listen

CONNECTING, OPEN, CLOSED = ReadyState


def read(body, count):
    """The first events of a stream, while the server keeps it open."""
    with Script([STREAM + body, HOLD]) as script, listen(script.url) as events:
        return [next(events) for _ in range(count)]


def data_of(body, count=1):
    return [event.data for event in read(body, count)]


# The format of a stream.

FORMATS = {
    "format-bom: one is dropped": ("\ufeffdata:tea\n\ndata:milk\n\n", ["tea", "milk"]),
    "format-bom: a later one is part of a name": ("data:a\n\n\ufeffdata:b\n\ndata:c\n\n", ["a", "c"]),
    "format-bom-2: of two at the start one is dropped": ("\ufeff\ufeffdata:a\n\ndata:b\n\n", ["b"]),
    "format-comments": (f"data:a\n:\0\r:\ndata:b\r\n:{'y' * 3000}\n:data:z\ndata:c\r\r", ["a\nb\nc"]),
    "format-field-data: without a value": ("data:\n\ndata\ndata\n\ndata:after\n\n", ["", "\n", "after"]),
    "event-data: no data, no event": (":\n\nevent:x\n\ndata: one\ndata:two\n\ndata\n\n", ["one\ntwo", ""]),
    "format-field-parsing: a NUL in a value": ("data:a\0\ndata: \0\n\n", ["a\0\n\0"]),
    "format-field-parsing: a NUL in a name": ("data\0:no\n\0data:no\ndata:yes\n\n", ["yes"]),
    "format-field-parsing: capitals": ("Data:no\nDATA:no\ndata:yes\n\n", ["yes"]),
    "format-field-parsing: a space before a name": (" data:no\n\tdata:no\ndata:yes\n\n", ["yes"]),
    "format-field-parsing: a space after a name": ("data :no\ndata:yes\n\n", ["yes"]),
    "format-field-parsing: other characters in a name": ("da-ta:no\ndata_:no\ndat:no\ndata:yes\n\n", ["yes"]),
    "format-field-unknown": ("data:a\nprice:7\nplain words\n: aside\ndata:b\n\n", ["a\nb"]),
    "format-leading-space": ("data:  two\ndata: one\ndata:none\ndata:\ttab\n\n", [" two\none\nnone\n\ttab"]),
    "format-newlines: all kinds": ("data:a\rdata:b\ndata:c\r\ndata:d\r\n\r\ndata:e\r\r", ["a\nb\nc\nd", "e"]),
    "format-newlines: mixed": ("data:a\n\rdata:b\r\n\ndata:c\r\n\r\n", ["a", "b", "c"]),
    "format-null-character": ("data:\0\0\n\n", ["\0\0"]),
    "format-utf-8": ("data:grüße…\U0001f375\n\n", ["grüße…\U0001f375"]),
    "format-data-before-final-empty-line": ("data:a\ndata:b\n\n\n\n", ["a\nb"]),
}


@pytest.mark.parametrize("question", FORMATS)
def test_the_format(question):
    body, wanted = FORMATS[question]
    assert data_of(body.encode(), len(wanted)) == wanted


def test_what_has_no_final_empty_line_is_dropped():
    """format-data-before-final-empty-line"""
    with Script(STREAM + b"retry:20\ndata:whole\n\nid:3\ndata:half", NO_MORE) as script:
        assert [event.data for event in listen(script.url)] == ["whole"]
        script.headers()
        assert "last-event-id" not in script.headers()


@pytest.mark.parametrize("charset", ["windows-1252", "utf-16", "x-nonsense", '"utf-8"'])
def test_a_stream_is_utf_8_whatever_it_declares(charset):
    """format-utf-8"""
    answer = STREAM.replace(b"event-stream", f"event-stream;charset={charset}".encode())
    with Script([answer + "data:ok…\n\n".encode(), HOLD]) as script, listen(script.url) as events:
        assert next(events).data == "ok…"


@pytest.mark.parametrize(
    ("field", "type_"),
    [
        ("event:test", "test"),
        ("event: test", "test"),
        ("event: message", "message"),
        ("event: ", "message"),
        ("event", "message"),
        ("event:a\nevent:b", "b"),
        ("event:\0", "\0"),
    ],
)
def test_the_type_of_an_event(field, type_):
    """format-field-event, format-field-event-empty, field-name-event"""
    named, plain = read(f"{field}\ndata:x\n\ndata:y\n\n".encode(), 2)
    assert (named.event, named.data) == (type_, "x")
    assert (plain.event, plain.data) == ("message", "y"), "a type is for one event"


# Ids, and what the next request says of them.


@pytest.mark.parametrize("id", ["…", "7", "a b", " lead", "x" * 4000, "\u4eca\u65e5", "%00"])
def test_an_id_is_told_with_the_next_request_and_stays(id):
    """format-field-id, format-field-id-2, eventsource-cross-origin-preflight"""
    with Script(STREAM + f"retry:20\nid: {id}\ndata:hello\n\n".encode(), STREAM + b"data:again\n\n", NO_MORE) as script:
        events = list(listen(script.url))
        assert [(event.data, event.id) for event in events] == [("hello", id), ("again", id)]
        # The space before and after a value is not part of it (RFC 9110, 5.5).
        assert [script.headers().get("last-event-id") for _ in range(3)] == [None, id.strip(), id.strip()] or id[
            0
        ] == " "


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b"id:1\ndata:a\n\ndata:b\n\n", ["1", "1"]),
        (b"id:1\ndata:a\n\nid:2\ndata:b\n\ndata:c\n\n", ["1", "2", "2"]),
        (b"id:1\ndata:a\n\nid:\ndata:b\n\ndata:c\n\n", ["1", None, None]),
        (b"id:1\ndata:a\n\nid\ndata:b\n\ndata:c\n\n", ["1", None, None]),
        (b"id:1\ndata:a\n\nid:\0\0\ndata:b\n\n", ["1", "1"]),
        (b"id:\0\0\ndata:a\n\n", [None]),
        (b"id:1\n\ndata:a\n\n", ["1"]),
    ],
)
def test_an_id_persists_changes_and_resets(body, ids):
    """format-field-id-3, format-field-id-null"""
    assert [event.id for event in read(body, len(ids))] == ids


# The time until the next request.


def reconnected_after(fields, default=None):
    """The seconds between the end of a connection and the next request."""
    with Script(STREAM + fields + b"data:x\n\n", NO_MORE) as script, listen(script.url) as events:
        if default is not None:
            events.source.reconnection_time = default
        next(events)
        script.headers()
        started = time.monotonic()
        assert list(events) == []
        return time.monotonic() - started


@pytest.mark.parametrize(
    ("fields", "wait"),
    [
        (b"retry:300\n", 0.3),
        (b"retry: 300\n", 0.3),
        (b"retry:300\nretry:9x\n", 0.3),
        (b"retry:300\nretry\n", 0.3),
        (b"retry:300\nretry:\n", 0.3),
        (b"retry:300\nretry:-5\n", 0.3),
        (b"retry:5000\nretry:300\n", 0.3),
        (b"retry\n", 0.3),
        (b"retry:3e2\n", 0.3),
    ],
)
def test_the_reconnection_time(fields, wait):
    """format-field-retry, format-field-retry-bogus, format-field-retry-empty"""
    default = None if b"retry:300\n" in fields.replace(b" ", b"") else 0.3
    assert wait <= reconnected_after(fields, default) < wait + 0.5


# The request.


@pytest.mark.parametrize(("name", "value"), [("accept", "text/event-stream"), ("cache-control", "no-cache")])
def test_what_a_request_asks_for(name, value):
    """request-accept, request-cache-control, accept-header-include-text-event-stream"""
    with Script(STREAM + b"retry:20\n\n", NO_MORE) as script:
        list(listen(script.url))
        assert [script.headers()[name] for _ in range(2)] == [value, value]


def test_cookies_go_along():
    """request-credentials"""
    answer = STREAM.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=here; path=/\r\n\r\n")
    with Script(answer + b"retry:20\n\n", NO_MORE) as script:
        list(listen(script.url))
        script.headers()
        assert script.headers()["cookie"] == "session=here"


# The answer.


@pytest.mark.parametrize("status", [204, 205, 210, 299, 400, 404, 410, 500, 503])
def test_another_status_than_200_ends_it(status):
    """request-status-error"""
    changes = []
    with Script(f"HTTP/1.1 {status} Test\r\nContent-Type: text/event-stream\r\n\r\ndata:no\n\n".encode()) as script:
        with listen(script.url, on_state_change=changes.append) as events:
            if status == 204:
                assert list(events) == []
            else:
                with pytest.raises(EventSourceError, match=f"answered {status}"):
                    next(events)
            assert events.source.ready_state is CLOSED
        assert script.requests.qsize() == 1
    assert OPEN not in [change.state for change in changes]


@pytest.mark.parametrize("type_", ["text/x-bogus", "x%20bogus", "application/octet-stream", ""])
def test_another_type_than_that_of_event_streams_ends_it(type_):
    """format-mime-bogus, format-mime-valid-bogus"""
    with Script(f"HTTP/1.1 200 OK\r\nContent-Type: {type_}\r\n\r\ndata:no\n\n".encode()) as script:
        with listen(script.url) as events, pytest.raises(EventSourceError, match="not text/event-stream"):
            next(events)
        assert events.source.ready_state is CLOSED
        assert script.requests.qsize() == 1


@pytest.mark.parametrize(
    "type_", ["text/event-stream;", "text/event-stream; x=y", "TEXT/event-STREAM", "text/event-stream ;a"]
)
def test_a_type_with_anything_after_it_is_that_type(type_):
    """format-mime-trailing-semicolon"""
    with Script([STREAM.replace(b"text/event-stream", type_.encode()) + b"data:x\n\n", HOLD]) as script:
        with listen(script.url) as events:
            assert next(events).data == "x"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status):
    """request-redirect"""
    redirect = f"HTTP/1.1 {status} There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".encode()
    changes = []
    with Script(redirect, [STREAM + b"data:x\n\n", HOLD]) as script:
        with listen(script.url, on_state_change=changes.append) as events:
            assert next(events).data == "x"
            assert [change.state for change in changes] == [OPEN]
        assert [script.request()[0].split()[1] for _ in range(2)] == ["/events", "/there"]


# The life of a stream.


def test_a_stream_that_ends_is_connected_again_and_says_so_meanwhile():
    """eventsource-reconnect"""
    changes = []
    with Script(STREAM + b"retry:20\nid:2\ndata:ok\n\n", [STREAM + b"data:data\n\n", HOLD]) as script:
        with listen(script.url, on_state_change=changes.append) as events:
            assert [next(events).data, next(events).data] == ["ok", "data"]
            assert [change.state for change in changes] == [OPEN, CONNECTING, OPEN]
        script.headers()
        assert script.headers()["last-event-id"] == "2"


def test_an_error_after_a_reconnection_ends_it():
    """eventsource-close: a reconnection that fails"""
    with Script(STREAM + b"retry:20\ndata:ok\n\n", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as script:
        events = listen(script.url)
        assert next(events).data == "ok"
        with pytest.raises(EventSourceError, match="answered 500"):
            next(events)
        assert events.source.ready_state is CLOSED
        assert script.requests.qsize() == 2


def test_no_event_comes_after_close():
    """eventsource-close"""
    with Script([STREAM + b"data:1\n\ndata:2\n\ndata:3\n\n", HOLD]) as script, listen(script.url) as events:
        assert next(events).data == "1"
        events.close()
        assert list(events) == []
        assert events.source.ready_state is CLOSED


def test_a_stream_that_is_closed_while_it_connects_is_never_open():
    """eventsource-request-cancellation"""
    changes = []
    with Script([HOLD]) as script:
        events = listen(script.url, on_state_change=changes.append)
        events.close()
        assert list(events) == []
    assert [change.state for change in changes] == [CLOSED]


def test_the_state_before_the_answer_is_connecting():
    """eventsource-readyState, eventsource-onopen, user-agent-announce-connection"""
    with Script([0.1, STREAM + b"data:x\n\n", HOLD]) as script:
        with listen(script.url) as events:
            assert events.source.ready_state is CONNECTING
            next(events)
            assert events.source.ready_state is OPEN
    assert (CONNECTING, OPEN, CLOSED) == (0, 1, 2)


@pytest.mark.parametrize("url", ["http://this is invalid/", "http://[", "", "//", "about:blank"])
def test_what_is_no_address_is_an_error(url):
    """eventsource-constructor-url-bogus, eventsource-constructor-empty-url"""
    with pytest.raises((ValueError, EventSourceError)):
        next(listen(url))


def test_the_address_is_as_given():
    """eventsource-url"""
    assert EventSource("http://example.test/?a#b").url == "http://example.test/?a#b"
