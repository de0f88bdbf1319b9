"""The guard: who asks, what was revoked, and when a right ends."""

import math
import threading
import time

import pytest
from bearers import Asked, access, bearer, cookie, log_in, status, stream_status, ticket, token

from sse_demo.errors import ServerStopped
from sse_demo.web.access.identity import Identity, Rights
from sse_demo.web.handlers import Handler
from sse_demo.web.routing import Route


def on_loop(server, function):
    """What the function returns on the event loop's thread, where the guard lives."""
    done = threading.Event()
    got = []

    def call():
        got.append(function())
        done.set()

    server._loop.call_soon_threadsafe(call)
    assert done.wait(30)
    return got[0]


def test_the_end_of_a_right_is_the_tokens_or_the_sessions(guarded):
    server = guarded(session_idle=60.0)
    guard = server.service.guard
    identity = on_loop(server, lambda: guard.identify_token(token(expires_in=600.0, id="1")))
    assert on_loop(server, lambda: guard.ends(identity)) == identity.expires
    own = log_in(server)
    session = guard.sessions.named(own.split(".")[0])
    assert on_loop(server, lambda: guard.ends(session.identity)) == session.ends <= time.time() + 60.0
    server.revoke(session=session.name)
    server.revoke(token_id="1")
    assert on_loop(server, lambda: [guard.ends(session.identity), guard.ends(identity)]) == [0.0, 0.0]
    assert guard.ends(guard.anonymous) == math.inf


def test_what_was_revoked_is_told_in_numbers(guarded):
    server = guarded()
    headers = bearer(id="42")
    cookies = [cookie(log_in(server)) for _ in range(3)]
    streams = [Asked(server, "/events?topic=a", one) for one in (*cookies, cookies[0], headers)]
    assert server.revoke(token_id="42") == (0, 1)
    assert server.revoke(session=cookies[0]["Cookie"].partition("=")[2].split(".")[0]) == (1, 2)
    assert server.revoke(subject="ann", issuer="other issuer") == (0, 0)
    assert server.revoke(subject="nobody") == (0, 0)
    assert server.revoke(subject="ann") == (2, 2)
    for stream in streams:
        assert [event.event for event in stream.to_the_end()] == ["access-ended"]
        stream.close()


def test_a_session_ends_with_the_id_of_the_token_that_began_it(guarded):
    server = guarded()
    own = log_in(server, id="42")
    assert server.revoke(token_id="42") == (1, 0)
    assert stream_status(server, cookie(own)) == 401


def test_from_any_thread_and_from_a_handler(guarded):
    class Revokes(Handler):
        def post(self):
            self.write({"ended": server.revoke(subject="ann").streams})

    server = guarded(routes=[Route("/revoke", Revokes)])
    for revoke in [
        lambda: server.revoke(subject="ann"),
        lambda: status(server, "/revoke", bearer("operator"), "POST"),
    ]:
        with Asked(server, "/events?topic=a", bearer()) as stream:
            thread = threading.Thread(target=revoke)
            thread.start()
            assert [event.event for event in stream.to_the_end()] == ["access-ended"]
            thread.join()


def test_a_server_that_has_stopped_says_so(guarded):
    server = guarded()
    server.stop()
    with pytest.raises(ServerStopped):
        server.revoke(subject="ann")


def test_whoever_revokes_while_a_server_stops_does_not_wait_for_ever(guarded):
    server = guarded()
    ended = []

    def revoke():
        try:
            while True:
                server.revoke(subject="ann")
        except ServerStopped:
            ended.append(True)

    threads = [threading.Thread(target=revoke) for _ in range(4)]
    for thread in threads:
        thread.start()
    server.stop()
    for thread in threads:
        thread.join(30)
    assert ended == [True] * 4


def test_a_new_token_counts_again(guarded):
    server = guarded()
    before = bearer()
    server.revoke(subject="ann")
    assert [stream_status(server, each) for each in (before, bearer())] == [401, 200]


def test_two_that_agree_are_taken_in_their_order(guarded):
    server = guarded()
    own = log_in(server, subscribe=["a"])
    assert stream_status(server, {**cookie(own), **bearer(subscribe=["b"])}, "topic=a") == 403
    assert stream_status(server, {**cookie(own), **bearer(subscribe=["b"])}, "topic=b") == 200


def test_what_is_open_to_everybody_is_open_to_those_who_are_known(guarded):
    """Or whoever logs in would lose by it what a stranger has."""
    server = guarded(access=access(anonymous=["public/*"], open_to_all=["metrics"]))
    rights = {"subscribe": ["own"], "publish": []}
    for headers in ({}, bearer(**rights), cookie(log_in(server, **rights))):
        assert stream_status(server, headers, "topic=public/a") == 200
        assert status(server, "/metrics", headers) == 200
        assert status(server, "/ready", headers) == (403 if headers else 401)
        assert status(server, "/events?topic=public/a", headers, "POST") == (403 if headers else 401)
        assert stream_status(server, headers, "topic=secret") == (403 if headers else 401)
    assert stream_status(server, bearer(**rights), "topic=public/a&topic=own") == 200
    one = ticket(server, bearer(**rights), "topic=public/a&topic=own")
    assert stream_status(server, {}, f"topic=own&topic=public/a&ticket={one}") == 200


def test_nothing_of_an_identity_is_a_secret(guarded):
    identity = Identity(subject="ann", rights=Rights(), kind="token")
    server = guarded()
    own = log_in(server)
    guard = server.service.guard
    _, secret, signature = own.split(".")
    shown = f"{identity!r} {guard!r} {server!r} {list(guard.sessions._sessions.values())!r} {vars(guard.tickets)!r}"
    assert secret not in shown
    assert signature not in shown
