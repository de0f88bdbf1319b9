"""Tickets: good once, for some topics, and not for long."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bearers import Asked, bearer, cookie, log_in, status, stream_status, ticket

from sse_demo.web.access.identity import Identity, Rights
from sse_demo.web.access.tickets import Tickets

ANN = Identity(subject="ann", rights=Rights(), kind="token", issuer="issuer", token_id="1")
BEN = Identity(subject="ben", rights=Rights(), kind="token", issuer="issuer")


@pytest.fixture
def clock(monkeypatch):
    """The time, as the test sets it."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("sse_demo.web.access.tickets.time.monotonic", lambda: Clock.now)
    return Clock


def tickets(age=30.0, most=10, most_of_subject=5):
    return Tickets(age=age, most=most, most_of_subject=most_of_subject)


def test_a_ticket_is_good_once(clock):
    given = tickets()
    one = given.give(ANN, ["a", "b"])
    taken = given.take(one, ["a", "b"])
    assert (taken.subject, taken.kind, taken.token_id) == ("ann", "ticket", "1")
    assert given.take(one, ["a", "b"]) is None
    assert len(given) == 0


def test_a_ticket_is_good_for_some_of_its_topics(clock):
    given = tickets()
    assert given.take(given.give(ANN, ["a", "b"]), ["b"])


@pytest.mark.parametrize("topics", [["c"], ["a", "c"], ["*"], ["A"]])
def test_a_ticket_for_other_topics_is_used_up(clock, topics):
    given = tickets()
    one = given.give(ANN, ["a", "b"])
    assert given.take(one, topics) is None
    assert given.take(one, ["a"]) is None


def test_a_ticket_grows_old(clock):
    given = tickets(age=30.0)
    one, other = given.give(ANN, ["a"]), given.give(ANN, ["a"])
    clock.now += 29.9
    assert given.take(one, ["a"])
    clock.now += 0.1
    assert given.take(other, ["a"]) is None


def test_old_tickets_are_forgotten(clock):
    given = tickets(most=1000, most_of_subject=1000)
    for clock.now in range(1000, 2000, 10):
        given.give(ANN, ["a"])
        assert len(given) <= 3


def test_the_oldest_ticket_makes_room(clock):
    given = tickets(most=2)
    one, two, three = given.give(ANN, ["a"]), given.give(BEN, ["a"]), given.give(ANN, ["a"])
    assert given.take(one, ["a"]) is None
    assert given.take(two, ["a"])
    assert given.take(three, ["a"])


def test_a_subject_that_asks_for_many_takes_none_of_others(clock):
    given = tickets(most=10, most_of_subject=3)
    others = given.give(BEN, ["a"])
    own = [given.give(ANN, ["a"]) for _ in range(100)]
    assert len(given) == 4
    assert given.take(others, ["a"])
    assert [bool(given.take(one, ["a"])) for one in own[-4:]] == [False, True, True, True]
    assert (len(given), given._of_subject) == (0, {})


def test_nothing_that_is_kept_has_the_ticket(clock):
    given = tickets()
    assert given.give(ANN, ["a"]) not in repr(vars(given))


# On a server


def test_of_fifty_who_show_a_ticket_at_once_one_is_let_in(guarded):
    server = guarded()
    one = ticket(server, bearer())
    with ThreadPoolExecutor(50) as threads:
        raced = [threads.submit(Asked, server, f"/events?topic=a&ticket={one}") for _ in range(50)]
        answers = [each.result() for each in raced]
    assert sorted(answer.status for answer in answers) == [200] + [401] * 49
    for answer in answers:
        answer.close()


def test_a_ticket_begins_where_its_page_has_been(guarded):
    """A page whose ticket is used up makes a new ``EventSource``, with a new ticket and the last id in the query."""
    server = guarded()
    with Asked(server, f"/events?topic=a&ticket={ticket(server, bearer())}") as stream:
        server.publish("a", "1")
        server.publish("a", "2")
        last = stream.until(lambda events: len(events) >= 2)[-1].id
    server.publish("a", "3")
    with Asked(server, f"/events?topic=a&last_event_id={last}&ticket={ticket(server, bearer())}") as stream:
        assert stream.take(1) == ["3"]


def test_a_session_may_ask_for_a_ticket_which_ends_with_it(guarded):
    server = guarded()
    own = log_in(server)
    first, second = ticket(server, cookie(own)), ticket(server, cookie(own))
    with Asked(server, f"/events?topic=a&ticket={first}") as stream:
        server.revoke(session=own.split(".")[0], reason="logout")
        assert [event.data for event in stream.to_the_end()] == ['{"reason": "logout"}']
    assert stream_status(server, {}, f"topic=a&ticket={second}") == 401


def test_a_ticket_has_no_more_rights_than_the_token(guarded):
    server = guarded()
    assert status(server, "/tickets?topic=b", bearer(subscribe=["a"]), "POST") == 403
    assert status(server, "/tickets?topic=a&topic=b", bearer(subscribe=["a"]), "POST") == 403
    assert status(server, "/tickets", bearer(), "POST") == 400
    assert status(server, "/tickets?topic=a", {}, "POST") == 401


def test_a_stream_by_ticket_ends_with_the_token(guarded):
    server = guarded(renew_before=0.0)
    one = ticket(server, bearer(expires_in=2.0))
    with Asked(server, f"/events?topic=a&ticket={one}") as stream:
        assert stream.status == 200
        assert stream.to_the_end() == []
