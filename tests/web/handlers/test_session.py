"""``/session``: a page trades a token for a cookie, renews it, and gives it back."""

import http.client
import json
from select import select

import pytest
from asking import assert_problem, request
from bearers import COOKIE, Asked, bearer, cookie, cookie_in, log_in, status, stream_status, ticket


def session(server, method="POST", headers=(), query=""):
    return request(server, method, f"/session{query}", headers=dict(headers))


def test_a_token_begins_a_session(guarded):
    server = guarded()
    headers = bearer(subscribe=["news"], publish=[], operate=["metrics"])
    got, answered, body = session(server, headers=headers)
    assert got == 200
    said = json.loads(body)
    assert 590 < said.pop("seconds") <= 600
    assert said == {"kind": "session", "subject": "ann", "subscribe": ["news"], "publish": [], "operate": ["metrics"]}
    assert answered["Cache-Control"] == "no-store"
    own = cookie(cookie_in(answered))
    assert stream_status(server, own, "topic=news") == 200
    assert status(server, "/metrics", own) == 200
    assert stream_status(server, own, "topic=other") == 403


def test_the_cookie_is_for_this_server_alone(guarded):
    server = guarded()
    [header] = session(server, headers=bearer())[1].get_all("Set-Cookie")
    assert header.startswith(f"{COOKIE}=")
    assert set(header.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}  # and no Domain


def test_where_a_browser_would_not_keep_a_secure_cookie_it_is_none(guarded):
    server = guarded(allow_hosts=["events.example"])
    [header] = session(server, headers={**bearer(), "Host": "events.example"})[1].get_all("Set-Cookie")
    assert header.startswith("session=")
    assert set(header.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Lax"}


def test_a_proxy_that_is_trusted_says_that_it_speaks_tls(guarded):
    server = guarded(allow_hosts=["events.example"], trusted_proxies=["127.0.0.1"])
    headers = {**bearer(), "Host": "events.example", "X-Forwarded-Proto": "https"}
    assert session(server, headers=headers)[1]["Set-Cookie"].startswith(f"{COOKIE}=")


def test_a_session_tells_whose_it_is(guarded):
    server = guarded()
    own = log_in(server)
    for method in ("GET", "POST"):
        got, answered, body = session(server, method, cookie(own))
        assert (got, json.loads(body)["subject"], answered["Set-Cookie"]) == (200, "ann", None)
        assert answered["Cache-Control"] == "no-store"
    assert json.loads(session(server, "GET")[2]) == {"kind": "anonymous"}
    assert session(server, "HEAD", cookie(own))[0] == 200


def test_using_a_session_moves_its_end_on(guarded):
    server = guarded(session_idle=100.0)
    own = log_in(server)
    kept = server.service.guard.sessions.named(own.split(".")[0])
    kept.ends -= 50
    assert 99 < json.loads(session(server, "POST", cookie(own))[2])["seconds"] <= 100


def test_without_a_token_none_begins(guarded):
    server = guarded()
    for headers in ({}, cookie("no.such.session")):
        answered = assert_problem(session(server, headers=headers), 401)
        assert "Set-Cookie" not in answered
    query = f"?ticket={ticket(server, bearer())}"
    assert_problem(session(server, query=query), 400, "a ticket is good for GET /events")


def test_a_new_login_ends_the_session_of_before_and_leaves_others(guarded):
    server = guarded()
    before, elsewhere = log_in(server), log_in(server)
    after = log_in(server, headers=cookie(before))
    assert [stream_status(server, cookie(one)) for one in (before, elsewhere, after)] == [401, 200, 200]


def test_the_new_cookie_is_out_before_the_streams_of_the_old_one_end(guarded):
    """A browser that comes back at once is to have it: with the old cookie it would be refused, and stay away."""
    server = guarded()
    own = log_in(server)
    for _ in range(20):
        with Asked(server, "/events?topic=a", cookie(own)) as stream:
            server.publish("a", "it is subscribed")
            stream.take(1)
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.request("POST", "/session", headers={**cookie(own), **bearer()})
            assert stream.to_the_end()
            assert select([connection.sock], [], [], 0)[0], "the answer has not come yet"
            answer = connection.getresponse()
            own = cookie_in(answer.headers)
            answer.read()
            connection.close()


def test_a_login_makes_room_for_itself(guarded):
    """One that takes the place of another does not cost a third its own."""
    server = guarded(max_sessions_per_subject=2)
    elsewhere, own = log_in(server), log_in(server)
    for _ in range(5):
        own = log_in(server, headers=cookie(own))
    assert [stream_status(server, cookie(one)) for one in (elsewhere, own)] == [200, 200]


def test_logging_out_ends_the_session_and_its_streams(guarded):
    server = guarded()
    own, elsewhere = log_in(server), log_in(server)
    with Asked(server, "/events?topic=a", cookie(own)) as stream:
        got, answered, body = session(server, "DELETE", cookie(own))
        assert (got, body) == (204, b"")
        assert answered["Set-Cookie"].startswith(f"{COOKIE}=;")
        assert "Max-Age=0" in answered["Set-Cookie"]
        assert answered["Cache-Control"] == "no-store"
        assert [(event.event, event.data) for event in stream.to_the_end()] == [
            ("access-ended", '{"reason": "logout"}')
        ]
    assert [stream_status(server, cookie(one)) for one in (own, elsewhere)] == [401, 200]


def test_logging_out_everywhere_ends_all_that_the_subject_has(guarded):
    server = guarded()
    tabs = [cookie(log_in(server)), cookie(log_in(server)), bearer()]
    one = ticket(server, tabs[0])
    others = log_in(server, "ben")
    streams = [Asked(server, "/events?topic=a", tab) for tab in tabs]
    assert session(server, "DELETE", tabs[0], "?everywhere=true")[0] == 204
    for stream in streams:
        assert [event.data for event in stream.to_the_end()] == ['{"reason": "logout"}']
        stream.close()
    assert [stream_status(server, tab) for tab in tabs] == [401] * 3
    assert stream_status(server, {}, f"topic=a&ticket={one}") == 401
    assert stream_status(server, cookie(others)) == 200


def test_whoever_has_a_token_alone_may_log_out_everywhere(guarded):
    server = guarded()
    own = log_in(server)
    assert session(server, "DELETE", bearer(), "?everywhere=true")[0] == 204
    assert stream_status(server, cookie(own)) == 401


@pytest.mark.parametrize("query", ["", "?everywhere=true"])
def test_a_stranger_cannot_log_out(guarded, query):
    assert_problem(session(guarded(), "DELETE", query=query), 401)


def test_what_everywhere_may_be(guarded):
    server = guarded()
    own = log_in(server)
    assert_problem(session(server, "DELETE", cookie(own), "?everywhere=yes"), 400, "true or false")
    assert session(server, "DELETE", cookie(own), "?everywhere=false")[0] == 204


def test_other_methods_are_none(guarded):
    headers = assert_problem(session(guarded(), "PUT", bearer()), 405)
    assert headers["Allow"] == "GET, HEAD, POST, DELETE, OPTIONS"
