"""Sessions: what a cookie stands for, and how long."""

import logging
from base64 import urlsafe_b64encode
from hmac import compare_digest, digest

import pytest
from asking import request
from bearers import Asked, access, bearer, cookie, cookie_in, log_in, status, stream_status

from sse_demo.web.access.identity import Identity, Rights
from sse_demo.web.access.sessions import MAX_COOKIE, Sessions

ANN = Identity(subject="ann", rights=Rights(), kind="token", issuer="issuer", expires=5000.0)
BEN = Identity(subject="ben", rights=Rights(), kind="token", issuer="issuer", expires=5000.0)
OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def clock(monkeypatch):
    """The time, as the test sets it."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("sse_demo.web.access.sessions.time.time", lambda: Clock.now)
    return Clock


def sessions(*keys, idle=600.0, most=10, most_of_subject=5, made_room=lambda session: None):
    return Sessions(keys or [NEW], idle=idle, most=most, most_of_subject=most_of_subject, made_room=made_room)


def test_a_cookie_is_its_session(clock):
    kept = sessions()
    cookie, session = kept.begin(ANN)
    assert kept.use(cookie) is session
    assert (session.identity.subject, session.identity.kind, session.identity.session) == (
        "ann",
        "session",
        session.name,
    )
    assert cookie.isascii()
    assert len(cookie) < MAX_COOKIE
    assert not set(cookie) & set(' ",;\\')  # RFC 6265, 4.1.1


def test_each_session_has_an_id_of_its_own(clock):
    kept = sessions()
    begun = [kept.begin(ANN) for _ in range(5)]
    assert len({part for cookie, _ in begun for part in cookie.split(".")}) == 15


def test_use_moves_the_end_on_up_to_the_end_of_the_right(clock):
    kept = sessions()
    cookie, session = kept.begin(ANN)
    assert session.ends == 1600.0
    clock.now = 1599.0
    assert kept.use(cookie) is session
    assert session.ends == 2199.0
    for clock.now in range(2000, 5000, 500):
        assert kept.use(cookie) is session
    assert session.ends == 5000.0
    clock.now = 5000.0
    assert kept.use(cookie) is None
    assert len(kept) == 0


def test_a_session_that_is_not_used_ends(clock):
    kept = sessions()
    cookie, session = kept.begin(ANN)
    clock.now = 1600.0
    assert kept.named(session.name) is None
    assert kept.use(cookie) is None


def test_a_clock_that_is_set_back_ends_no_session(clock):
    kept = sessions()
    cookie, session = kept.begin(ANN)
    clock.now = 0.0
    assert kept.use(cookie) is session
    assert session.ends == 600.0


def changed(cookie, part, value):
    parts = cookie.split(".")
    parts[part] = value
    return ".".join(parts)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda own, other: "", id="nothing"),
        pytest.param(lambda own, other: own[:-1], id="cut"),
        pytest.param(lambda own, other: own + "A", id="longer"),
        pytest.param(lambda own, other: own + "." * MAX_COOKIE, id="huge"),
        pytest.param(lambda own, other: own.swapcase(), id="another case"),
        pytest.param(lambda own, other: f" {own}", id="with a space"),
        pytest.param(lambda own, other: f'"{own}"', id="quoted"),
        pytest.param(lambda own, other: own + "é", id="not ASCII"),
        pytest.param(lambda own, other: own + "\0", id="with a null character"),
        pytest.param(lambda own, other: own.rpartition(".")[0], id="without a signature"),
        pytest.param(lambda own, other: own.rpartition(".")[0] + ".", id="with an empty signature"),
        pytest.param(lambda own, other: changed(own, 0, other.split(".")[0]), id="the name of another session"),
        pytest.param(lambda own, other: changed(own, 1, other.split(".")[1]), id="the secret of another session"),
        pytest.param(lambda own, other: changed(own, 2, other.split(".")[2]), id="the signature of another session"),
        pytest.param(lambda own, other: signed(b"x" * 32, own), id="a key that nobody has here"),
        pytest.param(
            lambda own, other: signed(NEW, f"{other.split('.')[0]}.{own.split('.')[1]}"),
            id="a good signature, and a secret of another session",  # somebody has learned the key
        ),
        pytest.param(lambda own, other: signed(NEW, "0123456789abcdef.secret"), id="a session that never was"),
    ],
)
def test_a_cookie_that_was_tampered_with_is_none(clock, forge):
    kept = sessions()
    own, other = kept.begin(ANN)[0], kept.begin(BEN)[0]
    assert kept.use(forge(own, other)) is None
    assert kept.use(own)


def signed(key, cookie):
    name, secret = cookie.split(".")[:2]
    made = urlsafe_b64encode(digest(key, f"{name}.{secret}".encode(), "sha256")).decode().rstrip("=")
    return f"{name}.{secret}.{made}"


def test_a_comparison_takes_the_same_time_whichever_secret_fits(clock, monkeypatch):
    """All signatures are compared, each in constant time, and what was remembered is found by its digest."""
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr("sse_demo.web.access.sessions.hmac.compare_digest", compare)
    kept = sessions(NEW, OLD, b"x" * 32)
    new, _ = kept.begin(ANN)
    for shown, expected in [(new, 4), (signed(OLD, new), 4), (signed(b"x" * 32, new), 4), (signed(b"y" * 32, new), 3)]:
        compared.clear()
        kept.use(shown)
        assert len(compared) == expected  # that of the secret is the fourth


def test_secrets_are_exchanged_while_sessions_go_on(clock):
    kept = sessions(NEW, OLD)
    new, session = kept.begin(ANN)
    assert new == signed(NEW, new)  # the first one signs
    assert kept.use(signed(OLD, new)) is session


def test_a_cookie_with_a_secret_that_is_not_in_use_any_more_is_none(clock):
    kept = sessions(NEW)
    new, _ = kept.begin(ANN)
    assert kept.use(signed(OLD, new)) is None


@pytest.mark.parametrize("keys", [(), (b"short",), (NEW, b"x" * 31), ("text, and no bytes, in 32 characters",)])
def test_a_secret_has_32_bytes(keys):
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Sessions(keys, idle=1, most=1, most_of_subject=1, made_room=print)


def test_the_session_that_ends_first_makes_room(clock):
    told = []
    kept = sessions(most=2, made_room=told.append)
    first, used = kept.begin(ANN)
    clock.now = 1001.0
    _, second = kept.begin(BEN)
    clock.now = 1002.0
    assert kept.use(first)
    kept.begin(ANN)
    assert told == [second]
    assert (len(kept), kept.named(second.name), kept.named(used.name)) == (2, None, used)


def test_a_subject_that_begins_many_sessions_takes_none_of_others(clock):
    told = []
    kept = sessions(most=10, most_of_subject=2, made_room=told.append)
    others = kept.begin(BEN)[0]
    own = [kept.begin(ANN)[1] for _ in range(20)]
    assert told == own[:-2]
    assert kept.use(others)
    assert len(kept) == 3


def test_nothing_that_is_kept_has_the_cookie(clock):
    kept = sessions()
    cookie, session = kept.begin(ANN)
    _, secret, signature = cookie.split(".")
    shown = f"{session!r} {vars(kept)!r}"
    assert "_digest" not in repr(session)
    assert secret not in shown
    assert signature not in shown


# On a server


def test_a_session_goes_on_while_it_is_used_and_its_streams_with_it(guarded, eventually):
    """No reconnection is needed: the end of the stream moves on with that of the session."""
    server = guarded(session_idle=3.0, renew_before=0.0)
    own = log_in(server)
    with Asked(server, "/events?topic=a", cookie(own)) as stream:
        for number in range(8):
            server.publish("a", str(number))
            stream.take(number + 1)
            session = server.service.guard.sessions._sessions[own.split(".")[0]]
            before = session.ends
            eventually(lambda before=before: renewed(server, own) > before + 0.5)  # four seconds in all
        server.publish("a", "last")
        assert stream.take(9)[-1] == "last"


def renewed(server, own):
    assert status(server, "/session", cookie(own), "POST") == 200
    return server.service.guard.sessions._sessions[own.split(".")[0]].ends


def test_a_session_that_is_not_used_ends_with_its_streams(guarded):
    server = guarded(session_idle=2.0, renew_before=0.0)
    own = log_in(server)
    with Asked(server, "/events?topic=a", cookie(own)) as stream:
        assert stream.status == 200
        assert stream.to_the_end() == []
    assert stream_status(server, cookie(own)) == 401


def test_a_session_that_makes_room_ends_with_its_streams(guarded):
    server = guarded(max_sessions_per_subject=1)
    first = log_in(server)
    with Asked(server, "/events?topic=a", cookie(first)) as stream:
        second = log_in(server)
        assert [(event.event, event.data) for event in stream.to_the_end()] == [
            ("access-ended", '{"reason": "too many sessions"}')
        ]
    assert stream_status(server, cookie(first)) == 401
    assert stream_status(server, cookie(second)) == 200


def test_where_there_are_no_sessions_a_cookie_is_nothing(guarded):
    server = guarded(access=access(sessions=False))
    assert status(server, "/session", bearer(), "POST") == 404
    assert stream_status(server, cookie("a.b.c")) == 401
    assert stream_status(server, {**cookie("a.b.c"), **bearer()}) == 200


def test_a_cookie_of_before_a_restart_is_a_stranger(guarded):
    own = log_in(guarded(access=access(session_secrets=[NEW])))
    assert stream_status(guarded(access=access(session_secrets=[NEW])), cookie(own)) == 401


def test_a_session_ends_with_the_token_that_it_began_with(guarded):
    server = guarded(renew_before=0.0)
    headers = bearer(expires_in=2.0)
    _, answered, _ = request(server, "POST", "/session", headers=headers)
    with Asked(server, "/events?topic=a", cookie(cookie_in(answered))) as stream:
        assert stream.status == 200
        stream.to_the_end()
    assert stream_status(server, headers) == 401


def test_the_log_calls_a_session_by_its_name(guarded, caplog):
    server = guarded()
    own = log_in(server)
    server.revoke(session=own.split(".")[0])
    assert stream_status(server, cookie(own)) == 401
    lines = [record for record in caplog.records if record.name == "sse_demo.access"]
    assert {record.levelno for record in lines} == {logging.INFO}
    assert own.split(".")[0] not in lines[0].getMessage()
