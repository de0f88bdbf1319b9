"""``/admin``: who may ask, what an operator is told, and how a stream or a right is ended."""

import asyncio
import http.client
import json
import logging
import math
import socket
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from asking import answer, assert_problem, events, next_events, request, stream
from support import Reader
from tokens import SECRET, bearer, token

from sse_demo import EventStreamParser, Handler, Route, serve
from sse_demo.web.admin.handlers import MAX_REVOCATION
from sse_demo.web.admin.listing import MAX_LIMIT, MAX_TOPICS

REQUESTS = [
    ("GET", "/admin/subscribers", None),
    ("HEAD", "/admin/subscribers", None),
    ("DELETE", "/admin/subscribers/1", None),
    ("POST", "/admin/revocations", '{"subject": "ann"}'),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def cookie_of(server, **claims):
    """The header of a session that begins with a token of these claims."""
    status, headers, _ = request(server, "POST", "/session", b"", bearer(token(**claims)))
    assert status == 200
    return {"Cookie": headers["Set-Cookie"].partition(";")[0]}


def ended(answer):
    """The events until the end of a stream that ends in order."""
    return [(event.event, event.data) for event in events(answer.read())]


# Who may ask


@pytest.mark.parametrize("path", ["/admin/subscribers", "/admin/subscribers/1", "/admin/revocations"])
@pytest.mark.parametrize("method", METHODS)
def test_nobody_without_the_right_comes_as_far_as_the_handler(operated, method, path):
    stays = operated.read()
    body = '{"subject": "ann"}' if method in ("POST", "PUT", "PATCH") else None
    json_type = {"Content-Type": "application/json"}
    for shown, wanted in (
        ({}, 401),
        (bearer(token(scope="subscribe:* publish:* operate:metrics operate:ready")), 403),
        (bearer(token(scope="admin subscribe:admin")), 403),
        (bearer(token(key=b"another-secret-of-at-least-32-bytes", scope="operate:admin")), 401),
        (cookie_of(operated.server, scope="subscribe:*"), 403),
    ):
        status, headers, _ = request(operated.server, method, path, body, shown | json_type)
        assert (status, headers["WWW-Authenticate"].split()[0]) == (wanted, "Bearer")
    assert len(operated.rows()) == 1
    operated.server.publish("a", "still here")
    assert next_events(stays)[-1].data == "still here"


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_an_access_token_in_the_address_and_a_ticket_let_nobody_in(operated, method, path, body):
    good = token(sub="operator", scope="subscribe:a operate:admin")
    ticket = json.loads(request(operated.server, "POST", "/tickets?topic=a", b"", bearer(good))[2])["ticket"]
    for query in (f"access_token={good}", f"ticket={ticket}"):
        assert request(operated.server, method, f"{path}?{query}", body)[0] == 400


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.test"])
def test_a_page_from_elsewhere_cannot_use_the_session_of_an_operator(operated, method, path, body, origin):
    operated.read()
    session = cookie_of(operated.server, sub="operator", scope="operate:admin")
    for headers in (
        {"Origin": origin},
        {"Origin": origin, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        status, got, _ = request(
            operated.server, method, path, body, session | headers | {"Content-Type": "application/json"}
        )
        assert (status, got["Access-Control-Allow-Origin"]) == (403, None)
    assert len(operated.rows()) == 1


def test_a_form_of_another_page_revokes_nothing(operated):
    """A form sends text/plain without asking; its content can be made to look like JSON."""
    session = cookie_of(operated.server, sub="operator", scope="operate:admin")
    operated.read()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = session | {"Content-Type": content_type, "Origin": operated.server.url}
        assert_problem(
            request(operated.server, "POST", "/admin/revocations", '{"subject": "ann"}', headers),
            415,
            "application/json",
        )
    assert len(operated.rows()) == 1


def test_without_access_control_there_is_nothing():
    with serve() as server:
        for path in ("/admin", "/admin/subscribers", "/admin/subscribers/1", "/admin/revocations"):
            assert_problem(request(server, "GET", path), 404)


def test_without_sessions_there_is_no_page_but_the_rest(operating):
    operated = operating({"sessions": False})
    assert operated.ask("GET", "/admin")[0] == 404
    assert operated.rows() == []


# What an operator is told


def test_a_row_tells_all_of_a_stream(operated, eventually):
    reader = operated.read("ann", "topic=prices/a&topic=b&topic=b", X_Request_ID="the-request")
    before = datetime.now(UTC)
    (row,) = operated.rows()
    size = sum(len(f"{name}: {value}\r\n") for name, value in reader.headers.items())
    assert row["bytes"] >= size
    assert abs(before - datetime.fromisoformat(row["since"])) < timedelta(minutes=1)
    assert 0 <= row["seconds"] < 60
    assert row | {"since": 0, "seconds": 0, "bytes": 0} == {
        "id": 1,
        "subject": "ann",
        "issuer": "https://issuer.test",
        "credential": "token",
        "session": None,
        "token_id": None,
        "topics": ["prices/a", "b"],
        "more_topics": 0,
        "since": 0,
        "seconds": 0,
        "lag": 0.0,
        "address": "127.0.0.1",
        "bytes": 0,
        "path": "/events",
        "request_id": reader.headers["X-Request-ID"],
    }
    operated.server.publish("b", "x" * 10_000)
    eventually(lambda: operated.rows()[0]["bytes"] > 10_000)


def test_each_way_to_tell_who_one_is_has_its_name(operating):
    operated = operating({"anonymous": ["open"]})
    operated.read("ann")
    operated.read(None, "topic=open")
    session = cookie_of(operated.server, sub="bob", scope="subscribe:*", jti="of-bob")
    ticket = json.loads(operated.ask("POST", "/tickets?topic=open", b"", **bearer(token(scope="subscribe:open")))[2])
    operated.read(None, "topic=a", **session)
    operated.read(None, f"topic=open&ticket={ticket['ticket']}")
    told = operated.list()
    rows = {row["credential"]: row for row in told["subscribers"]}
    assert told["credentials"] == {"anonymous": 1, "token": 1, "session": 1, "ticket": 1}
    assert (told["streams"], told["matching"], told["lagging"]) == (4, 4, 0)
    assert {kind: row["subject"] for kind, row in rows.items()} == {
        "anonymous": "", "token": "ann", "session": "bob", "ticket": "ann"
    }  # fmt: skip
    assert rows["session"]["token_id"] == "of-bob"
    assert session["Cookie"].partition("=")[2].startswith(f"{rows['session']['session']}.")
    secrets = [session["Cookie"].split(".")[1], ticket["ticket"], SECRET.decode()]
    assert not any(secret in json.dumps(told) for secret in secrets)


def test_who_lags_is_told_with_the_seconds_and_comes_first_where_that_is_asked_for(operated, eventually):
    lags = Slow(operated.server, "topic=a", bearer(token(sub="slow", scope="subscribe:*")))
    with lags:
        eventually(lambda: len(operated.rows()) == 1)
        for number in range(3):
            operated.read(f"quick{number}", "topic=b")
        while not operated.list()["lagging"]:
            operated.server.publish("a", "x" * 500_000)
        eventually(lambda: operated.rows("order=lag")[0]["lag"] > 0)
        rows = operated.rows("order=lag")
        assert [row["subject"] for row in rows] == ["slow", "quick2", "quick1", "quick0"]
        assert [bool(row["lag"]) for row in rows] == [True, False, False, False]
        assert [row["subject"] for row in operated.rows("order=lag&limit=1")] == ["slow"]
        assert [row["subject"] for row in operated.rows("order=newest")] == ["quick2", "quick1", "quick0", "slow"]


class Slow(Reader):
    """A reader that does not read on."""

    def __init__(self, server, query, headers):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", server.port))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        self.file = self.socket.makefile("rb")


def test_a_stream_of_ones_own_has_no_topics(operating):
    class Own(Handler):
        async def get(self, room):
            await self.send_events(self.items())

        async def items(self):
            yield "one"
            await asyncio.Event().wait()

    operated = operating(routes=[Route("/rooms/{room}", Own)])
    operated.read("ann", "", f"/rooms/{'tea' * 1000}")
    (row,) = operated.rows()
    assert (row["topics"], row["lag"], row["path"]) == ([], 0.0, f"/rooms/{'tea' * 1000}"[:200])


def test_pages_of_the_list_have_each_stream_once(operated):
    for number in range(7):
        operated.read(f"s{number}")
    pages, after = [], ""
    while after is not None:
        told = operated.list(f"limit=3{after and f'&after={after}'}")
        pages.append([row["subject"] for row in told["subscribers"]])
        after = told["after"]
    assert pages == [["s6", "s5", "s4"], ["s3", "s2", "s1"], ["s0"]]
    assert operated.rows("after=1") == []


def test_what_is_looked_for_is_found_in_each_field(operated):
    operated.read("Ann", "topic=prices/oil", X_Request_ID="first")
    operated.read("bob", "topic=news", X_Request_ID="second")
    for text, wanted in {
        "ann": ["Ann"],
        "BOB": ["bob"],
        "prices%2F": ["Ann"],
        "second": ["bob"],
        "127.0.0": ["bob", "Ann"],
        "%2Fevents": ["bob", "Ann"],
        "nobody": [],
    }.items():
        told = operated.list(f"find={text}")
        assert [row["subject"] for row in told["subscribers"]] == wanted, text
        assert (told["matching"], told["streams"]) == (len(wanted), 2)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", f"limit={MAX_LIMIT + 1}", "limit=many", "limit=1e3", "limit=1&limit=2", "limit=%D9%A3",
        "after=0", "after=x", "after=-5", f"after={2**53 + 1}", "after=" + "9" * 5000,
        "order=oldest", "order=", "order=lag&after=3",
        "find=" + "x" * 257, "find=%FF", "find=a&find=b",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(operated, query):
    for accept in ("*/*", "text/event-stream"):
        assert_problem(operated.ask("GET", f"/admin/subscribers?{query}", Accept=accept), 400)


def test_very_many_streams_with_very_many_topics_make_no_answer_without_bounds(operating, eventually):
    operated = operating(max_streams_per_subject=math.inf)
    topics = "&".join(f"topic={number:03}{'t' * 125}" for number in range(100))
    for _ in range(30):
        operated.read("ann", topics)
    told = operated.ask("GET", "/admin/subscribers?limit=20")[2]
    rows = json.loads(told)["subscribers"]
    assert len(rows) == 20
    assert [(len(row["topics"]), row["more_topics"]) for row in rows] == [(MAX_TOPICS, 100 - MAX_TOPICS)] * 20
    assert len(told) < 20 * 4000
    assert len(operated.rows("find=099t&limit=1000")) == 30, "also what is not shown is looked through"


def test_text_of_strangers_stays_text(operated):
    subject = "<img src=x onerror=\"alert('x')\"></script>"
    operated.read(subject)
    status, headers, body = operated.ask("GET", "/admin/subscribers")
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (
        200, "application/json; charset=UTF-8", "nosniff"
    )  # fmt: skip
    assert json.loads(body)["subscribers"][0]["subject"] == subject


# Following


class Following:
    """An operator who follows the list.

    Attributes:
        rows: What was told of each stream, by its id.
        changed: The subjects of the rows that were told last.
        ids: Of all streams, in their order, as they were told last.
    """

    def __init__(self, answer):
        self.answer, self.parser, self.waiting, self.rows = answer, EventStreamParser(), [], {}

    def next(self):
        """The subjects of all streams in their order, as the next event tells them."""
        while not self.waiting:
            self.waiting += self.parser.feed(self.answer.read1())
        data = json.loads(self.waiting.pop(0).data)
        self.rows.update({row["id"]: row for row in data["rows"]})
        self.changed, self.ids = [row["subject"] for row in data["rows"]], data["ids"]
        return [self.rows[id]["subject"] for id in self.ids]


@contextmanager
def follow(operated, query=""):
    headers = operated.operator | {"Accept": "text/event-stream"}
    with stream(operated.server, f"/admin/subscribers?{query}", headers) as answer:
        yield Following(answer)


def test_an_event_each_second_has_what_has_changed(operated):
    operated.read("ann")
    with follow(operated) as following:
        assert (following.answer.status, following.answer.headers["Content-Type"]) == (200, "text/event-stream")
        assert "Accept" in following.answer.headers["Vary"]
        assert following.next() == ["operator", "ann"]
        assert following.changed == ["operator", "ann"]
        assert "seconds" not in following.rows[1]
        following.next()  # until then the system may have heard that the first bytes have come
        for _ in range(2):
            assert following.next() == ["operator", "ann"]
            assert following.changed == ["operator"], "its own bytes change, and nothing else"
        operated.read("bob")
        while (subjects := following.next()) == ["operator", "ann"]:
            pass
        assert subjects == ["bob", "operator", "ann"]
        assert "ann" not in following.changed
        operated.ask("DELETE", f"/admin/subscribers/{following.ids[0]}")
        while (subjects := following.next())[0] == "bob":
            pass
        assert subjects == ["operator", "ann"]


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("TEXT/Event-Stream, */*;q=0.1", True),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("text/event-stream;q=0", False),
        ("", False),
    ],
)
def test_a_stream_is_for_those_who_name_it(operated, accept, is_stream):
    with stream(operated.server, "/admin/subscribers", operated.operator | {"Accept": accept}) as answer:
        assert (answer.headers["Content-Type"] == "text/event-stream") is is_stream


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
def test_a_head_request_gets_the_headers_alone(operated, accept):
    status, headers, body = operated.ask("HEAD", "/admin/subscribers", Accept=accept)
    assert (status, body) == (200, b"")
    assert headers["Content-Type"].startswith("text/event-stream" if "event" in accept else "application/json")
    assert operated.rows() == []


def test_who_follows_is_let_go_when_the_right_is_taken_away(operated):
    with follow(operated) as following:
        following.next()
        assert operated.ask("POST", "/admin/revocations", {"subject": "operator"})[0] == 200
        with pytest.raises(http.client.IncompleteRead):
            following.answer.read()
    assert operated.ask("GET", "/admin/subscribers")[0] == 401


# Ending a stream


def test_a_stream_that_is_ended_is_told_so_and_may_come_back(operated, eventually):
    reader, other = operated.read("ann"), operated.read("bob")
    id = next(row["id"] for row in operated.rows() if row["subject"] == "ann")
    status, headers, body = operated.ask("DELETE", f"/admin/subscribers/{id}")
    assert (status, body, headers["Content-Length"]) == (204, b"", None)
    assert ended(reader)[-1] == ("access-ended", '{"reason": "ended by an operator"}')
    assert [row["subject"] for row in operated.rows()] == ["bob"]
    assert_problem(operated.ask("DELETE", f"/admin/subscribers/{id}"), 404)
    operated.read("ann")
    assert [row["subject"] for row in operated.rows()] == ["ann", "bob"]
    operated.server.publish("a", "goes on")
    assert next_events(other)[-1].data == "goes on"
    assert operated.figures()['sse_closed_total{reason="operator"}'] == 1


def test_the_event_that_tells_of_the_end_has_the_name_of_the_settings(operating):
    operated = operating(ended_event="goodbye")
    reader = operated.read()
    operated.ask("DELETE", "/admin/subscribers/1")
    assert ended(reader)[-1][0] == "goodbye"


@pytest.mark.parametrize(
    "id",
    [
        "0",
        "2",
        "-1",
        "01",
        "1.0",
        "1e0",
        "+1",
        "%201",
        "%D9%A1",
        "%C2%B9",
        "x",
        "1%2F1",
        "NaN",
        "9" * 400,
        "1_0",
        "%00",
    ],
)
def test_what_is_the_id_of_no_stream_ends_nothing(operated, id):
    operated.read()
    status, headers, body = operated.ask("DELETE", f"/admin/subscribers/{id}")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json"), body
    assert len(operated.rows()) == 1


# Taking a right away


def test_the_rights_of_a_subject_are_taken_away(operated):
    reader, other = operated.read("ann"), operated.read("bob")
    session = cookie_of(operated.server, sub="ann", scope="subscribe:*")
    by_session = operated.read(None, **session)
    shown = bearer(token(sub="ann", scope="subscribe:*"))
    status, headers, body = operated.ask(
        "POST", "/admin/revocations", {"subject": "ann", "issuer": "https://issuer.test"}
    )
    assert (status, headers["Cache-Control"], json.loads(body)) == (200, "no-store", {"sessions": 1, "streams": 2})
    for one in (reader, by_session):
        assert ended(one)[-1] == ("access-ended", '{"reason": "revoked"}')
    for headers in (shown, session):
        assert request(operated.server, "GET", "/events?topic=a", None, headers)[0] == 401
    assert [row["subject"] for row in operated.rows()] == ["bob"]
    operated.server.publish("a", "goes on")
    assert next_events(other)[-1].data == "goes on"


def test_of_another_issuer_nobody_is_meant(operated):
    operated.read("ann")
    body = operated.ask("POST", "/admin/revocations", {"subject": "ann", "issuer": "https://another.test"})[2]
    assert json.loads(body) == {"sessions": 0, "streams": 0}
    assert len(operated.rows()) == 1


def test_one_session_and_one_token_are_revoked_and_no_other(operated):
    sessions = [cookie_of(operated.server, sub="ann", scope="subscribe:*") for _ in range(2)]
    for session in sessions:
        operated.read(None, **session)
    named = operated.rows()[0]["session"]
    assert json.loads(operated.ask("POST", "/admin/revocations", {"session": named})[2]) == {
        "sessions": 1,
        "streams": 1,
    }
    assert [row["session"] for row in operated.rows()] == [sessions[0]["Cookie"].partition("=")[2].split(".")[0]]
    for name in ("one", "two"):
        operated.read(None, **bearer(token(sub="bob", jti=name, scope="subscribe:*")))
    assert json.loads(operated.ask("POST", "/admin/revocations", {"token_id": "one"})[2])["streams"] == 1
    assert sorted(str(row["token_id"]) for row in operated.rows()) == ["None", "two"]


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "null", "[]", '"ann"', "{}", '{"issuer": "i"}', '{"subject": "a", "session": "b"}',
        '{"subject": ""}', '{"subject": null}', '{"subject": 7}', '{"subject": ["ann"]}', '{"subject": "ann", "x": 1}',
        '{"subject": "ann", "subject": "bob"}', '{"subject": "ann", "reason": "x"}', '{"subject": "ann", "issuer": 1}',
        '{"subject": "' + "x" * 257 + '"}', "[" * 3000, '{"subject": NaN}', '{"Subject": "ann"}',
    ],
)  # fmt: skip
def test_a_body_that_does_not_say_whose_right_is_meant_is_refused(operated, body):
    operated.read()
    answer = operated.ask("POST", "/admin/revocations", body, Content_Type="application/json")
    assert_problem(answer, 400)
    assert len(operated.rows()) == 1


def test_a_body_that_is_too_large_or_no_text_is_refused(operated):
    json_type = {"Content_Type": "application/json"}
    assert operated.ask("POST", "/admin/revocations", b"x" * (MAX_REVOCATION + 1), **json_type)[0] == 413
    assert operated.ask("POST", "/admin/revocations", b'{"subject": "\xff"}', **json_type)[0] == 415


@pytest.mark.parametrize("member", ["session", "token_id", "subject"])
def test_a_secret_in_the_place_of_a_name_is_refused_and_not_logged(operated, caplog, member):
    session = cookie_of(operated.server, sub="ann", scope="subscribe:*")["Cookie"].partition("=")[2]
    short = token(iss="i", aud="a")
    with caplog.at_level(logging.DEBUG):
        for secret in (session, short, short + "x" * 200):
            assert_problem(operated.ask("POST", "/admin/revocations", {member: secret}), 400)
    assert caplog.records
    assert not any(part in record.getMessage() for record in caplog.records for part in session.split(".")[1:])
    assert not any(short.split(".")[2] in record.getMessage() for record in caplog.records)


def test_the_log_tells_who_has_taken_which_right_and_no_secret(operated, caplog):
    with caplog.at_level(logging.INFO, "sse_demo.access"):
        session = cookie_of(operated.server, sub="ann", scope="subscribe:*")
        operated.read(None, **session)
        operated.ask("DELETE", "/admin/subscribers/1", X_Request_ID="end-1")
        operated.ask("POST", "/admin/revocations", {"subject": "ann"}, X_Request_ID="revoke-1")
        operated.list("find=planted-in-the-query")
    lines = [json.loads(record.message) for record in caplog.records if record.name == "sse_demo.access"]
    (deleted,) = (line for line in lines if line.get("path") == "/admin/subscribers/1")
    (stream,) = (line for line in lines if line.get("stream") == 1)
    (revoked,) = (line for line in lines if "revoked" in line)
    assert (deleted["subject"], deleted["request_id"], deleted["status"]) == ("operator", "end-1", 204)
    assert (stream["ended"], stream["subject"]) == ("operator", "ann")
    assert revoked["revoked"] == {"subject": "ann"}
    assert (revoked["by"], revoked["request_id"], revoked["sessions"]) == ("operator", "revoke-1", 1)
    secrets = [session["Cookie"].split(".")[1], SECRET.decode(), "planted-in-the-query"]
    secrets.append(operated.operator["Authorization"].split(".")[2])
    assert not any(secret in record.getMessage() for secret in secrets for record in caplog.records)


# The page


def test_the_page_is_for_everybody_and_tells_nothing(operated):
    operated.read("planted-subject", "topic=planted-topic")
    status, headers, body = answer(f"{operated.server.url}/admin")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"planted" not in body
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = dict(one.split(" ", 1) for one in headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["frame-ancestors"], policy["form-action"]) == ("'none'",) * 3
    assert not any("unsafe" in value or "*" in value for value in policy.values())


def test_over_tls_all_is_told_as_well(operating):
    authority = trustme.CA()
    context, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(trusting)
    operated = operating(tls=context)

    def ask(method, path, headers):
        connection = http.client.HTTPSConnection("127.0.0.1", operated.server.port, timeout=10, context=trusting)
        connection.request(method, path, headers=headers)
        return connection, connection.getresponse()

    connection, reading = ask("GET", "/events?topic=a", bearer(token(scope="subscribe:*")))
    other, told = ask("GET", "/admin/subscribers", operated.operator)
    (row,) = json.loads(told.read())["subscribers"]
    assert row["bytes"] is None or row["bytes"] > len(str(reading.headers))
    other.request("DELETE", f"/admin/subscribers/{row['id']}", headers=operated.operator)
    assert other.getresponse().status == 204
    assert ended(reading)[-1][0] == "access-ended"
    for one in (connection, other):
        one.close()
