"""``POST /events``: what may be published, and what is made of it."""

import json
import math
import socket

import pytest
from asking import assert_problem, next_events, publish, request, stream
from bearers import bearer

from sse_demo import Event, serve
from sse_demo.web.handlers.events import EventsHandler
from sse_demo.web.routing import Route


def test_what_is_published_is_sent(server):
    with stream(server, "/events?topic=a") as answer:
        status, headers, body = publish(server, "héllo\nworld".encode(), "/events?topic=a&event=greeting&retry=1500")
        assert (status, headers["Content-Type"].split(";")[0]) == (202, "application/json")
        (event,) = next_events(answer)
        assert (event.event, event.data, event.retry) == ("greeting", "héllo\nworld", 1500)
        assert event.id == json.loads(body)["id"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/plain; charset=UTF-8", 'text/csv; charset="utf-8"', "application/x-www-form-urlencoded", ""],
)
def test_text_of_many_types_is_accepted(server, content_type):
    assert publish(server, b"a=b&c", Content_Type=content_type)[0] == 202
    with stream(server, "/events?topic=a&recent=1") as answer:
        assert next_events(answer)[0].data == "a=b&c"


def test_an_empty_body_is_an_event_with_no_data(server):
    assert publish(server, b"")[0] == 202


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity"])
def test_json_has_no_such_number(server, number):
    assert_problem(publish(server, b"[%b]" % number, Content_Type="application/json"), 400, number.decode())


def test_json_is_checked_where_it_is_declared(server):
    assert publish(server, b'{"a": [1]}', Content_Type="application/json")[0] == 202
    assert_problem(publish(server, b'{"a": ', Content_Type="application/json"), 400, "JSON")
    assert_problem(publish(server, b"[" * 100_000, Content_Type="application/json"), 400, "JSON", "nested too deeply")


def test_the_same_idempotency_key_is_one_event(server):
    answers = [publish(server, b"pay", Idempotency_Key="k")[2] for _ in range(3)]
    assert len(set(answers)) == 1
    assert publish(server, b"pay", Idempotency_Key="other")[2] not in answers
    assert_problem(publish(server, b"pay more", Idempotency_Key="k"), 422, "'k'")


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_a_length(server, key):
    assert_problem(publish(server, Idempotency_Key=key), 400, "255")


@pytest.mark.parametrize("type_", ["a%0Ab", "a%0D%0Adata:%20b", "", "a%00%0Ab"])
def test_nothing_can_be_injected_through_the_event_type(server, type_):
    with stream(server, "/events?topic=a") as answer:
        assert_problem(publish(server, b"x", f"/events?topic=a&event={type_}"), 400, "event")
        publish(server, b"clean")
        assert [event.data for event in next_events(answer)] == ["clean"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/events", "topic"),
        ("/events?topic=a&topic=b", "one topic"),
        ("/events?topic=a&retry=-1", "retry"),
        ("/events?topic=a&retry=x", "retry"),
        ("/events?topic=a&retry=0", "retry must be a whole number from 100 to 3600000, not '0'"),
        ("/events?topic=a&retry=99", "from 100 to 3600000"),
        ("/events?topic=a&retry=3600001", "from 100 to 3600000"),
        ("/events?topic=a&retry=2147483647", "from 100 to 3600000"),
        ("/events?topic=a&event=x&event=y", "2 times"),
    ],
)
def test_a_wrong_publication_is_explained(server, path, word):
    assert_problem(publish(server, b"x", path), 400, word)


def test_what_becomes_too_large_on_the_wire_is_refused():
    with serve(max_event_size=1000) as server:
        assert_problem(publish(server, b"\n" * 900), 413, "1,000")


def test_only_so_many_topics():
    with serve(max_topics=1) as server:
        for _ in range(2):  # a topic with a single event makes room for another
            assert publish(server)[0] == 202
        headers = assert_problem(publish(server, b"x", "/events?topic=b"), 503, "1 topics")
        assert int(headers["Retry-After"]) > 0


def test_a_key_says_what_an_event_is_the_newest_of():
    with serve(coalesce=["prices"]) as server:
        for key, data in (("A", b"1"), ("B", b"2"), ("A", b"3")):
            assert publish(server, data, f"/events?topic=prices&key={key}")[0] == 202
        with stream(server, "/events?topic=prices&recent=10") as answer:
            assert [event.data for event in next_events(answer, 2)] == ["2", "3"]


def test_the_time_to_wait_that_a_publisher_may_tell_everybody_has_bounds():
    with serve(min_retry=0.5, max_retry=2) as server:
        for retry, status in [(499, 400), (500, 202), (2000, 202), (2001, 400)]:
            assert publish(server, path=f"/events?topic=a&retry={retry}")[0] == status
        with stream(server, "/events?topic=a") as answer:
            server.publish("a", Event("x", retry=0))  # from Python it is free
            assert next_events(answer)[0].retry == 0
    with serve(max_retry=math.inf) as server:
        assert publish(server, path="/events?topic=a&retry=2147483647")[0] == 202
        assert publish(server, path="/events?topic=a&retry=2147483648")[0] == 400


def test_a_key_without_a_use_is_refused(server):
    assert_problem(publish(server, path="/events?topic=a&key=x"), 400, "does not coalesce")


def test_the_json_of_a_state_is_left_to_the_hub(monkeypatch):
    checked = []

    monkeypatch.setattr("sse_demo.web.handlers.publication.read_json", checked.append)
    with serve(state=["state"]) as server:
        for topic in ("state", "plain"):
            assert publish(server, b'{"a": 1}', f"/events?topic={topic}", Content_Type="application/json")[0] == 202
        assert checked == ['{"a": 1}']
        assert_problem(publish(server, b'{"a": ', "/events?topic=state", Content_Type="application/json"), 400, "JSON")


def test_whoever_may_publish_nothing_is_refused_before_the_body_is_read(guarded):
    """To read some megabytes of lines takes a second, and a stranger could ask for it as often as he likes."""
    server, line = guarded(), b"[" * 100
    for kind, body in [("application/x-ndjson", line), ("text/plain", b"\xff"), ("application/json", line)]:
        for headers, status in [({}, 401), (bearer(publish=[]), 403), (bearer(), 415 if body == b"\xff" else 400)]:
            sent = {**headers, "Content-Type": kind}
            assert_problem(request(server, "POST", "/events?topic=a", body, sent), status)


def test_whoever_may_publish_nothing_and_asks_first_is_not_told_to_go_on(guarded):
    server = guarded()
    for headers, status in [({}, b"401"), (bearer(publish=[]), b"403"), (bearer(), b"100")]:
        sent = {"Host": "localhost", "Expect": "100-continue", "Content-Length": "1", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(f"POST /events?topic=a HTTP/1.1\r\n{head}\r\n".encode())
            assert connection.recv(1000).split()[1] == status


class RevokesInBetween(EventsHandler):
    """The JSON waits until that of others has been read, and the right is revoked meanwhile."""

    async def _require_json(self, text):
        await super()._require_json(text)
        self.guard.revoke(subject=self.identity.subject)


def test_a_right_that_is_lost_while_json_is_read_publishes_nothing(guarded):
    server = guarded(routes=[Route("/events", RevokesInBetween)])
    sent = {**bearer("eve"), "Content-Type": "application/json"}
    assert_problem(request(server, "POST", "/events?topic=a", b"1", sent), 401, "the right has ended")
    server.publish("a", "the only one")
    with stream(server, "/events?topic=a&recent=9", bearer()) as answer:
        assert [event.data for event in next_events(answer)] == ["the only one"]
