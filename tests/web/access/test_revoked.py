"""What was revoked, and for how long that is remembered."""

import math

import pytest

from sse_demo.web.access import revoked as module
from sse_demo.web.access.identity import Identity, Rights
from sse_demo.web.access.revoked import Revoked

LIFE = 100.0


@pytest.fixture
def clock(monkeypatch):
    """The time as the module sees it, which the test moves on; ``wrong`` is by how much somebody has set the clock."""

    class Clock:
        now, wrong = 1_000_000.0, 0.0

        def time(self):
            return self.now + self.wrong

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def one(subject="ann", issuer="https://a", token_id=None, issued=999_999.0, **more):
    return Identity(
        subject=subject, issuer=issuer, token_id=token_id, issued=issued, kind="token", rights=Rights(), **more
    )


def test_nothing_is_revoked_by_itself(clock):
    assert not Revoked(LIFE).has(one(token_id="t"))


def test_a_token_is_revoked_by_its_id_and_no_other(clock):
    revoked = Revoked(LIFE)
    revoked.token("t")
    assert revoked.has(one(token_id="t"))
    assert revoked.has(one(subject="bob", token_id="t", issuer="https://b"))
    assert not any(revoked.has(one(token_id=id)) for id in ("T", "t ", None))


def test_an_id_of_one_issuer_is_not_that_of_another(clock):
    revoked = Revoked(LIFE)
    revoked.token("t", "https://a")
    assert revoked.has(one(token_id="t"))
    assert not revoked.has(one(token_id="t", issuer="https://b"))


def test_a_revoked_token_stays_so_however_often_its_subject_comes_back(clock):
    revoked = Revoked(LIFE)
    revoked.token("t")
    assert revoked.has(one(token_id="t", issued=clock.now + 50))


def test_a_subject_is_revoked_up_to_now_and_may_come_back_with_a_newer_token(clock):
    revoked = Revoked(LIFE)
    revoked.subject("ann")
    assert [revoked.has(one(issued=clock.now + later)) for later in (-1, 0, 0.001)] == [True, True, False]
    assert not any(revoked.has(one(subject=subject)) for subject in ("Ann", "bob", ""))


def test_a_token_that_does_not_say_when_it_was_issued_was_before(clock):
    revoked = Revoked(LIFE)
    revoked.subject("ann")
    assert revoked.has(one(issued=-math.inf))


def test_a_subject_of_one_issuer_is_not_that_of_another(clock):
    revoked = Revoked(LIFE)
    revoked.subject("ann", "https://a")
    assert revoked.has(one())
    assert not revoked.has(one(issuer="https://b"))


def test_a_token_id_is_no_subject(clock):
    revoked = Revoked(LIFE)
    revoked.token("ann")
    revoked.subject("t")
    assert not revoked.has(one(token_id="t"))


def test_a_second_revocation_moves_the_first_one_on(clock):
    revoked = Revoked(LIFE)
    revoked.subject("ann")
    clock.now += 10
    assert not revoked.has(one(issued=clock.now - 5))
    revoked.subject("ann")
    assert revoked.has(one(issued=clock.now - 5))


def test_a_revocation_is_remembered_as_long_as_a_token_may_live_and_then_makes_room(clock):
    revoked = Revoked(LIFE)
    revoked.token("old")
    clock.now += LIFE
    revoked.token("new")
    assert revoked.has(one(token_id="old")), "a token may live for so long"
    clock.now += 0.1
    revoked.token("newer")
    assert not revoked.has(one(token_id="old"))
    assert revoked.has(one(token_id="new"))


@pytest.mark.parametrize("kind", ["token", "subject"])
def test_a_revocation_that_makes_room_too_early_takes_all_with_it_that_is_older(clock, monkeypatch, kind):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    revoked = Revoked(LIFE)
    began = clock.now
    for name in "abcd":
        getattr(revoked, kind)(name)
        clock.now += 1
    assert len(revoked._tokens) + len(revoked._subjects) == 3
    before = {name: one(subject=name, token_id=name, issued=began - 5) for name in "abcdx"}
    assert all(revoked.has(identity) for identity in before.values())
    assert revoked.has(one(subject="x", issued=began)), "it could be the forgotten one"
    assert not revoked.has(one(subject="x", issued=began + 0.5))


def test_revocations_do_not_make_room_for_those_of_another_kind(clock, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    revoked = Revoked(LIFE)
    revoked.token("t")
    for number in range(10):
        revoked.subject(f"s{number}")
    assert revoked.has(one(token_id="t"))


def test_a_clock_that_is_set_back_forgets_nothing(clock):
    revoked = Revoked(LIFE)
    revoked.token("a")
    clock.now -= 10_000
    revoked.token("b")
    assert all(revoked.has(one(token_id=id)) for id in "ab")


def test_what_was_seen_before_the_clock_was_set_back_is_revoked_all_the_same(clock):
    revoked, seen = Revoked(LIFE), one(issued=clock.now)
    assert not revoked.has(seen)
    clock.wrong = -50.0
    revoked.subject("ann")
    clock.wrong = 0.0
    clock.now += 1
    assert revoked.has(seen)
    assert not revoked.has(one(issued=clock.now))


def test_a_clock_that_is_set_forward_and_back_forgets_nothing(clock):
    revoked, seen = Revoked(LIFE), one(token_id="t", issued=clock.now)
    revoked.subject("ann")
    revoked.token("t")
    clock.wrong = 10 * LIFE
    for name in ("x", "y"):
        revoked.subject(name)
        revoked.token(name)
    clock.wrong = 0.0
    assert revoked.has(seen)
    assert revoked.has(one(subject="other", token_id="t"))
    clock.now += LIFE + 1
    revoked.subject("z")
    assert not revoked.has(one()), "it is forgotten in the end"


def test_nothing_is_revoked_for_those_who_do_not_say_when_or_who(clock, monkeypatch):
    """A time that nobody has said is before all others, and must not be before a time that has not been."""
    monkeypatch.setattr(module, "REMEMBERED", 1)
    revoked = Revoked(LIFE)
    everybody = Identity(subject="", kind="anonymous", rights=Rights())
    assert not revoked.has(one(issued=-math.inf))
    assert not revoked.has(everybody)
    for name in ("a", "b"):
        revoked.subject(name)
    assert revoked.has(one(issued=-math.inf)), "it could be the forgotten one"
    assert not revoked.has(everybody), "what everybody may do is nobody's to lose"
