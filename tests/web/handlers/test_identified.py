"""Whose request it is: a handler answers nobody who was not let in, whatever a subclass forgets."""

import json
import socket

import pytest
from asking import assert_problem, request
from bearers import Asked, access, bearer, cookie, cookie_in, log_in, stream_status

from sse_demo import serve
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


class Secret(Handler):
    """It has forgotten what it needs, and so needs somebody who is known."""

    def get(self):
        self.write("a secret")


class Operators(Secret):
    needs = "admin"


class AsksForTopics(Secret):
    needs = "nothing"

    def get(self):
        self.require_subscribe(["secret"])
        self.require_publish(["secret"])
        super().get()


def that_forgets(prepare, *bases):
    return type("Forgets", bases, {"prepare": prepare})


def prepares_nothing(handler):
    pass


async def prepares_nothing_and_waits(handler):
    pass


@pytest.mark.parametrize("prepare", [prepares_nothing, prepares_nothing_and_waits])
@pytest.mark.parametrize("handler", [Secret, Operators, AsksForTopics])
def test_a_handler_that_forgets_to_prepare_lets_in_nobody(handler, prepare, caplog):
    with serve(access=access(), routes=[Route("/own", that_forgets(prepare, handler))]) as server:
        for headers, statuses in [({}, (401, 500)), (bearer(subscribe=[], publish=[]), (403, 500))]:
            status, _, body = request(server, "GET", "/own", headers=headers)
            assert status in statuses
            assert b"secret" not in body
        assert_problem(request(server, "GET", "/own", headers=bearer(operate=["admin"])), 500)
    assert "Forgets.prepare() must call super().prepare()" in caplog.text


def answers_at_once(handler):
    handler.finish("a secret")


async def sends_a_stream(handler):
    await handler.send_events(["a secret"])


@pytest.mark.parametrize("prepare", [answers_at_once, sends_a_stream])
def test_no_answer_goes_out_that_has_passed_no_middleware(prepare, caplog):
    with serve(access=access(), routes=[Route("/own", that_forgets(prepare, Operators))]) as server:
        for headers, status in [({}, 401), (bearer(), 403), (bearer(operate=["admin"]), 500)]:
            assert_problem(request(server, "GET", "/own", headers=headers), status)
    assert "must call super().prepare()" in caplog.text


def test_without_access_control_such_a_handler_passes_no_page_from_elsewhere_either(caplog):
    with serve(routes=[Route("/own", that_forgets(prepares_nothing, Secret))]) as server:
        assert_problem(request(server, "GET", "/own", headers={"Host": "evil.test"}), 421)
        assert_problem(request(server, "GET", "/own"), 500)
    assert "must call super().prepare()" in caplog.text


class InitializesNothing(Secret):
    def initialize(self, **options):
        pass


class InitializesWithoutMiddleware(Secret):
    def initialize(self, middleware=()):
        super().initialize()


@pytest.mark.parametrize("handler", [InitializesNothing, InitializesWithoutMiddleware])
def test_a_handler_that_initializes_by_itself_has_its_middleware_all_the_same(guarded, handler):
    server = guarded(routes=[Route("/own", handler)])
    assert_problem(request(server, "GET", "/own"), 401)
    status, headers, body = request(server, "GET", "/own", headers=bearer())
    assert (status, body, "X-Request-ID" in headers) == (200, b"a secret", True)


class LooksEarly(Secret):
    async def prepare(self):
        self.early = self.identity
        super().prepare()

    def get(self):
        early = self.early
        self.write({"known": early.is_known, "may": [early.may_subscribe("a"), early.may("admin")]})


def test_before_it_is_found_out_who_asks_it_is_nobody(guarded):
    server = guarded(routes=[Route("/own", LooksEarly)])
    assert json.loads(request(server, "GET", "/own", headers=bearer())[2]) == {"known": False, "may": [False, False]}


def while_the_body_is_on_its_way(server, start, headers, do, body=b"{}"):
    """The answer to a client that asks before it sends, and is let in; then something is done, and then it sends."""
    sent = {**headers, "Host": "127.0.0.1", "Expect": "100-continue", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in {**sent, "Connection": "close"}.items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(f"{start} HTTP/1.1\r\n{head}\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        do()
        connection.sendall(body)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def test_a_session_does_not_begin_with_a_right_that_was_revoked_meanwhile(guarded):
    server = guarded()
    answer = while_the_body_is_on_its_way(server, "POST /session", bearer("eve"), lambda: server.revoke(subject="eve"))
    assert answer.startswith("HTTP/1.1 401")
    assert "Set-Cookie" not in answer
    assert len(server.service.guard.sessions) == 0
    assert while_the_body_is_on_its_way(server, "POST /session", bearer("ann"), lambda: None).startswith("HTTP/1.1 200")


@pytest.mark.parametrize("by", ["token", "session"])
@pytest.mark.parametrize(
    "start", ["POST /admin/revocations", "GET /metrics", "DELETE /session?everywhere=true", "POST /own"]
)
def test_nobody_does_anything_with_a_right_that_was_revoked_meanwhile(guarded, start, by):
    class Own(Handler):
        needs = "metrics"

        async def post(self):
            self.write("done")

    server = guarded(routes=[Route("/own", Own)])
    victim = log_in(server, "ann")
    rights = ["admin", "metrics"]
    shown = bearer("eve", operate=rights) if by == "token" else cookie(log_in(server, "eve", operate=rights))
    headers, body = {**shown, "Content-Type": "application/json"}, b'{"subject": "ann"}'
    answer = while_the_body_is_on_its_way(server, start, headers, lambda: server.revoke(subject="eve"), body)
    assert answer.startswith("HTTP/1.1 401")
    assert "the right has ended" in answer
    assert stream_status(server, cookie(victim)) == 200


class Waits(Secret):
    """It is prepared in its own time, in which it loses the right to go on."""

    async def prepare(self):
        super().prepare()
        self.guard.revoke(subject=self.identity.subject)


def test_a_handler_that_takes_its_time_to_prepare_is_asked_again(guarded):
    assert_problem(request(guarded(routes=[Route("/own", Waits)]), "GET", "/own", headers=bearer()), 401, "has ended")


def test_a_session_that_a_login_begins_is_the_answers_own(guarded):
    """What ends by the request itself is no reason to refuse it."""
    server = guarded()
    own = log_in(server)
    status, headers, _ = request(server, "POST", "/session", headers={**cookie(own), **bearer()})
    assert status == 200
    with Asked(server, "/events?topic=a", cookie(cookie_in(headers))) as stream:
        assert stream.status == 200
