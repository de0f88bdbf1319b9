"""``publish_many()``: several events in one request, all or none."""

import asyncio
import json
import threading

import pytest
from support import HOLD, Script

from sse_demo import Event, InvalidInput, PublishError, listen, publish_many, publish_many_async


def accepted(*ids):
    return answer("202 Accepted", json.dumps({"ids": ids}))


def answer(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_the_server_keeps_each_in_order_and_tells_its_id(server):
    url = f"{server.url}/events?topic=news"
    ids = publish_many(url, ["größe\ntwo", Event("", event="greeting", retry=1500), {"data": "far", "topic": "other"}])
    with listen(f"{url}&topic=other&recent=3") as events:
        seen = [next(events) for _ in ids]
    assert [event.id for event in seen] == ids
    assert [(event.data, event.event) for event in seen] == [
        ("größe\ntwo", "message"), ("", "greeting"), ("far", "message"),
    ]  # fmt: skip


def test_the_same_request_again_gives_the_same_ids(server):
    url = f"{server.url}/events?topic=news"
    first, again = (publish_many(url, ["one", "two"], idempotency_key="order 7") for _ in range(2))
    assert first == again
    with pytest.raises(PublishError, match="order 7") as caught:
        publish_many(url, ["one", "three"], idempotency_key="order 7")
    assert caught.value.status == 422


def test_the_server_names_the_event_that_it_refuses_and_keeps_none(server):
    url = f"{server.url}/events?topic=news"
    with pytest.raises(PublishError, match=r"answered 400 [\w ]+: line 2: ") as caught:
        publish_many(url, ["one", {"data": "two", "topic": "no topic!"}, "three"])
    assert (caught.value.status, caught.value.line) == (400, 2)
    assert publish_many(url, ["four"])
    with listen(f"{url}&recent=9") as events:
        assert next(events).data == "four"


def test_a_proxy_is_asked_where_it_is_named():
    with Script(accepted("x-1")) as proxy:
        publish_many("http://nobody.test/events", ["one"], proxy=proxy.url.removesuffix("/events"))
        assert proxy.request()[0] == "POST http://nobody.test/events HTTP/1.1"
    with pytest.raises(PublishError, match="its proxy cannot be reached"):
        publish_many("http://nobody.test/events", ["one"], proxy="http://127.0.0.1:1")


def test_each_event_is_a_line_of_json():
    events = [
        "größe\n\u2028",
        Event("one", id="not sent"),
        Event("two", event="greeting", retry=1500),
        {"data": "three"},
        {"data": "four", "topic": "prices/tea", "event": "price", "key": "tea", "retry": 1.5},
        {"data": "", "topic": None, "event": None, "key": None, "retry": None},
    ]
    with Script(accepted(*"123456")) as script:
        assert publish_many(f"{script.url}?topic=a&sig=a%2Bb#part", events) == list("123456")
        first, headers, body = script.request()
    assert first == "POST /events?topic=a&sig=a%2Bb HTTP/1.1"
    assert headers["content-type"] == "application/x-ndjson"
    assert "idempotency-key" not in headers
    assert [json.loads(line) for line in body.split("\n")] == [
        {"data": "größe\n\u2028"},
        {"data": "one"},
        {"data": "two", "event": "greeting", "retry": 1500},
        {"data": "three"},
        {"data": "four", "topic": "prices/tea", "event": "price", "key": "tea", "retry": 1500},
        {"data": ""},
    ]


def test_what_is_asked_for_is_sent():
    with Script(accepted("x-1")) as script:
        url = script.url.replace("http://", "http://ada:secret@")
        publish_many(url, iter(["one"]), idempotency_key="order 7", headers={"X-Lesson": "4"}, timeout=5)
        headers = script.headers()
    assert (headers["idempotency-key"], headers["x-lesson"]) == ("order 7", "4")
    assert headers["authorization"] == "Basic YWRhOnNlY3JldA=="


def test_no_events_are_no_request():
    with Script(accepted()) as script:
        assert publish_many(script.url, []) == []
        assert script.requests.empty()


def test_a_coroutine_publishes_many_without_a_thread():
    with Script(accepted("x-1", "x-2")) as script:
        threads = threading.active_count()
        assert asyncio.run(publish_many_async(script.url, ["one", "two"])) == ["x-1", "x-2"]
        assert threading.active_count() == threads


def test_many_ids_are_read():
    ids = [f"{number:x}-{'1' * 60}" for number in range(2000)]
    with Script(accepted(*ids)) as script:
        assert publish_many(script.url, map(str, range(2000))) == ids


@pytest.mark.parametrize(
    "body", ['{"id": "x-1"}', '{"ids": "ab"}', '{"ids": ["x-1"]}', '{"ids": ["x-1", 2]}', "[" * 9000]
)
def test_an_answer_without_an_id_for_each_is_an_error(body):
    with Script(answer("202 Accepted", body)) as script, pytest.raises(PublishError) as caught:
        publish_many(script.url, ["one", "two"])
    assert str(caught.value) == f"{script.url} gave no answer that tells an id for each event"
    assert caught.value.status == 202


@pytest.mark.parametrize(
    ("detail", "line"), [("line 3: no topic", 3), ("line x: no topic", None), ("outline 3: no", None)]
)
def test_the_event_that_is_refused_is_told(detail, line):
    with Script(answer("400 Bad Request", json.dumps({"detail": detail}))) as script:
        with pytest.raises(PublishError) as caught:
            publish_many(script.url, ["one", "two", "three"])
    assert str(caught.value) == f"{script.url} answered 400 Bad Request: {detail}"
    assert (caught.value.status, caught.value.line) == (400, line)


def test_an_answer_is_waited_for_only_so_long():
    with Script([HOLD]) as script, pytest.raises(PublishError, match=r"has not answered within 0.1 s"):
        publish_many(script.url, ["one"], timeout=0.1)


@pytest.mark.parametrize(
    ("events", "error", "why"),
    [
        ("text", TypeError, r"^events must be several, such as a list; publish\(\) sends a single one$"),
        (Event("one"), TypeError, "must be several"),
        ({"data": "one"}, TypeError, "must be several"),
        (["one", b"two"], TypeError, "^event 2: it must be a text, an Event, or a mapping with data, not bytes$"),
        (["one", None], TypeError, "^event 2: .*, not NoneType$"),
        ([{"data": 7}], TypeError, "^event 1: data must be a str, not int"),
        ([{"data": "one", "topic": 7}], TypeError, "^event 1: topic must be a str, not int$"),
        ([{"data": "one", "key": b"k"}], TypeError, "^event 1: key must be a str, not bytes$"),
        ([{"data": "one", "event": 7}], TypeError, "^event 1: event must be a str, not int$"),
        ([{}], InvalidInput, "^event 1: it has no data$"),
        ([{"data": "one", "tpoic": "a"}], InvalidInput, "^event 1: 'tpoic' is nothing that an event has"),
        ([{"data": "one", "event": ""}], InvalidInput, "^event 1: event must not be empty"),
        ([{"data": "one", "retry": -1}], InvalidInput, "^event 1: retry must be a number of seconds"),
        (["one", "\ud800"], InvalidInput, "^event 2: data contains a lone surrogate"),
        (["one", {"data": "two", "key": "\ud800"}], InvalidInput, "^event 2 has a lone surrogate"),
    ],
)  # fmt: skip
def test_what_cannot_be_published_is_not_sent(events, error, why):
    with Script(accepted("x-1")) as script:
        with pytest.raises(error, match=why):
            publish_many(script.url, events)
        assert script.requests.empty()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"url": "nowhere"}, "is not an http or https address"),
        ({"url": "nowhere", "events": []}, "is not an http or https address"),
        ({"timeout": float("nan")}, "timeout must be more than 0 seconds, not nan"),
        ({"proxy": "ftp://proxy.test/"}, "a proxy has an http or https address"),
        ({"url": "http://a..b/"}, "'http://a..b/' is not an address"),
        ({"timeout": 0}, "timeout must be more than 0 seconds, not 0"),
        ({"idempotency_key": "a\nb"}, "a header cannot be sent"),
    ],
)
def test_a_request_that_cannot_be_made_is_not_sent(wrong, why):
    with Script(accepted("x-1")) as script:
        with pytest.raises(InvalidInput, match=why):
            publish_many(**{"url": script.url, "events": ["one"]} | wrong)
        assert script.requests.empty()
