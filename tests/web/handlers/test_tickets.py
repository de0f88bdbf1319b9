"""``/tickets``: a ticket for a stream whose client can send neither a header nor a cookie."""

import json

import pytest
from asking import assert_problem, request
from bearers import Asked, access, bearer, cookie, log_in, status, stream_status, ticket


def test_a_token_or_a_session_gives_a_ticket(guarded):
    server = guarded(ticket_age=20.0)
    for headers in (bearer(), cookie(log_in(server))):
        got, answered, body = request(server, "POST", "/tickets?topic=a&topic=b", headers=headers)
        assert got == 201
        assert answered["Cache-Control"] == "no-store"
        said = json.loads(body)
        assert set(said) == {"ticket", "expires_in"}
        assert said["expires_in"] == 20.0
        with Asked(server, f"/events?topic=a&topic=b&ticket={said['ticket']}") as stream:
            server.publish("b", "hello")
            assert stream.take(1) == ["hello"]


def test_a_ticket_lets_in_whatever_else_is_in_the_query(guarded):
    server = guarded()
    server.publish("a", "1")
    with Asked(server, f"/events?ticket={ticket(server, bearer())}&recent=1&topic=a") as stream:
        assert stream.take(1) == ["1"]


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "topic=a", 401),
        (lambda: bearer(subscribe=["b"]), "topic=a", 403),
        (lambda: bearer(subscribe=["b"]), "topic=b&topic=a", 403),
        (bearer, "", 400),
        (bearer, "topic=a%20b", 400),
        (bearer, "&".join(f"topic=t{number}" for number in range(101)), 400),
    ],
)
def test_a_ticket_is_for_topics_that_may_be_read(guarded, headers, query, expected):
    shown = headers() if callable(headers) else headers
    assert_problem(request(guarded(), "POST", f"/tickets?{query}", headers=shown), expected)


def test_what_everybody_may_read_needs_no_ticket(guarded):
    server = guarded(access=access(anonymous=["news"]))
    assert stream_status(server, {}, "topic=news") == 200
    assert status(server, "/tickets?topic=news", {}, "POST") == 401


def test_a_ticket_is_asked_for_with_post(guarded):
    assert_problem(request(guarded(), "GET", "/tickets?topic=a", headers=bearer()), 405)


def test_the_log_has_the_subject_of_a_ticket_and_not_the_ticket(guarded, caplog):
    server = guarded()
    one = ticket(server, bearer())
    assert stream_status(server, {}, f"topic=a&ticket={one}") == 200
    assert stream_status(server, {}, f"topic=a&ticket={one}") == 401
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "sse_demo.access"]
    shown = [(line["path"], line["status"], line["subject"], line["credential"]) for line in lines if "path" in line]
    assert shown == [
        ("/tickets", 201, "ann", "token"),
        ("/events", 200, "ann", "ticket"),
        ("/events", 401, "", "anonymous"),
    ]
    assert "used" in lines[-1]["refused"]
    assert one not in caplog.text
