"""The middleware that lets in, or does not."""

import json
import logging

import pytest
from asking import assert_problem, request
from bearers import access, bearer, cookie, log_in, planted, status, ticket

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.handlers.events import SubscribeHandler
from sse_demo.web.routing import Group, Route


class Own(Handler):
    """As any handler: whoever is known may use it."""

    def get(self):
        self.write({"subject": self.identity.subject, "kind": self.identity.kind})

    post = get


class Open(Own):
    needs = "nothing"


class Operators(Own):
    needs = "metrics"


ROUTES = [Route("/own", Own), Route("/open", Open), Group("/inner", [Route("/metrics", Operators)])]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/own", {}, 401),
        ("/own", {"Authorization": "Bearer nonsense"}, 401),
        ("/own", {"Authorization": "Basic YTpi"}, 401),  # it is for a proxy, and tells nothing here
        ("/open", {}, 200),
        ("/open", {"Authorization": "Bearer nonsense"}, 401),  # what is shown must count
        ("/inner/metrics", {}, 401),
        ("/nowhere", {}, 401),  # a stranger does not learn what there is
    ],
)
def test_a_stranger_is_let_in_where_nothing_is_needed(guarded, path, headers, expected):
    assert status(guarded(routes=ROUTES), path, headers) == expected


def test_whoever_is_known_may_use_ones_own_handlers(guarded):
    server = guarded(routes=ROUTES)
    own = log_in(server)
    for headers, kind in [(bearer(), "token"), (cookie(own), "session")]:
        for path in ("/own", "/open"):
            got, _, body = request(server, "GET", path, headers=headers)
            assert (got, json.loads(body)) == (200, {"subject": "ann", "kind": kind})
        assert status(server, "/inner/metrics", headers) == 403
        assert status(server, "/nowhere", headers) == 404
    assert status(server, "/inner/metrics", bearer(operate=["metrics"])) == 200


def test_a_token_comes_before_a_session(guarded):
    server = guarded(routes=ROUTES)
    own = log_in(server, operate=["metrics"])
    _, _, body = request(server, "GET", "/own", headers={**cookie(own), **bearer()})
    assert json.loads(body)["kind"] == "token"
    assert status(server, "/inner/metrics", cookie(own)) == 200
    assert status(server, "/inner/metrics", {**cookie(own), **bearer()}) == 403  # rights are not put together


def test_a_token_that_does_not_count_is_not_made_up_for_by_a_session(guarded):
    server = guarded(routes=ROUTES)
    assert status(server, "/own", {**cookie(log_in(server)), "Authorization": "Bearer nonsense"}) == 401


def test_the_errors_of_bearers_are_in_the_header(guarded):
    """RFC 6750, 3.1."""
    server = guarded(routes=ROUTES)
    for answer, expected, error in [
        (request(server, "GET", "/own"), 401, 'Bearer realm="sse_demo"'),
        (request(server, "GET", "/own", headers={"Authorization": "Bearer nonsense"}), 401, 'error="invalid_token"'),
        (request(server, "GET", "/own", headers={"Authorization": "Bearer"}), 400, 'error="invalid_request"'),
        (request(server, "GET", "/inner/metrics", headers=bearer()), 403, 'error="insufficient_scope"'),
    ]:
        assert error in assert_problem(answer, expected)["WWW-Authenticate"]


def test_each_decision_is_one_line_with_the_subject_and_the_reason(guarded, caplog):
    server = guarded(routes=ROUTES, access=access(anonymous=["news"]))
    status(server, "/own", bearer())
    status(server, "/own", {})
    status(server, "/inner/metrics", bearer("ben"))
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "sse_demo.access"]
    shown = [(line["path"], line["status"], line["subject"], line["credential"], "refused" in line) for line in lines]
    assert shown == [
        ("/own", 200, "ann", "token", False),
        ("/own", 401, "", "anonymous", True),
        ("/inner/metrics", 403, "ben", "token", True),
    ]


class Kept(Own):
    def get(self):
        self.set_header("Cache-Control", "private, max-age=60")
        super().get()


def test_what_is_told_to_somebody_who_is_known_is_in_no_cache(guarded):
    """A cache knows what an Authorization means (RFC 9111, 3.5), and not that a cookie is somebody's."""
    server = guarded(routes=[*ROUTES, Route("/kept", Kept)])
    for headers in (bearer(operate=["metrics"]), cookie(log_in(server, operate=["metrics"]))):
        for method, path, expected in [
            ("GET", "/own", 200),
            ("HEAD", "/own", 200),
            ("GET", "/open", 200),
            ("GET", "/health", 200),
            ("GET", "/metrics", 200),
            ("POST", "/events?topic=a", 202),
            ("GET", "/nowhere", 404),
        ]:
            got, answered, _ = request(server, method, path, headers=headers)
            assert (got, answered["Cache-Control"]) == (expected, "no-store"), path
        assert request(server, "GET", "/kept", headers=headers)[1]["Cache-Control"] == "private, max-age=60"
    assert request(server, "GET", "/open")[1]["Cache-Control"] is None


class Fails(SubscribeHandler):
    async def get(self):
        raise RuntimeError("a fault of the handler")


def test_a_fault_of_a_handler_is_logged_without_what_was_shown(caplog):
    caplog.set_level(logging.DEBUG)
    planted.clear()
    with serve(access=access(), routes=[Route("/events", Fails)]) as server:
        own, one = log_in(server), ticket(server, bearer())
        for path, headers in [
            ("/events?topic=a", bearer()),
            ("/events?topic=a", cookie(own)),
            (f"/events?topic=a&ticket={one}", {}),
        ]:
            assert_problem(request(server, "GET", path, headers=headers), 500)
    assert caplog.text.count("a fault of the handler") >= 3
    assert not [secret for secret in planted if secret in caplog.text]


def test_a_page_whose_cookies_are_let_in_may_use_its_visitors_session(guarded):
    origin = {"Origin": "https://friend.example", "Sec-Fetch-Site": "same-site"}
    for credentials, expected in [(True, 200), (False, 403)]:
        server = guarded(routes=ROUTES, allow_origins=[origin["Origin"]], allow_credentials=credentials)
        own = log_in(server)
        assert status(server, "/own", {**cookie(own), **origin}) == expected
        assert status(server, "/own", {**cookie(own), **origin}, "POST") == expected
        assert status(server, "/own", {**bearer(), **origin}) == 200
