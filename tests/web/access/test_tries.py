"""Failed tries, and who has to wait for how long."""

import math

import pytest

from sse_demo.web.access import tries as module
from sse_demo.web.access.tries import Tries


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_nobody_waits_who_has_not_failed_too_often(clock):
    tries = Tries(3)
    for _ in range(2):
        tries.failed("a")
    assert tries.wait("a") == 0
    assert tries.wait("b") == 0


def test_an_address_that_has_failed_too_often_waits_for_the_rest_of_the_minute(clock):
    tries = Tries(3)
    for _ in range(3):
        tries.failed("a")
        clock.now += 10
    assert tries.wait("a") == pytest.approx(30)
    assert tries.wait("b") == 0, "others do not"
    clock.now += 29.9
    assert tries.wait("a") == pytest.approx(0.1)
    clock.now += 0.1
    assert tries.wait("a") == 0


def test_who_goes_on_failing_does_not_wait_longer_and_begins_anew(clock):
    tries = Tries(2)
    for _ in range(50):
        tries.failed("a")
    clock.now += 60
    assert tries.wait("a") == 0
    tries.failed("a")
    assert tries.wait("a") == 0
    tries.failed("a")
    assert tries.wait("a") == 60


def test_there_may_be_no_limit(clock):
    tries = Tries(math.inf)
    for _ in range(1000):
        tries.failed("a")
    assert tries.wait("a") == 0


def test_so_many_addresses_are_remembered_and_the_one_that_failed_longest_ago_makes_room(clock, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    tries = Tries(1)
    for address in "abc":
        tries.failed(address)
    tries.failed("a")  # again: it is not the oldest any more
    tries.failed("d")
    assert [tries.wait(address) > 0 for address in "abcd"] == [True, False, True, True]


def test_to_ask_remembers_nothing(clock, monkeypatch):
    tries = Tries(1)
    for number in range(100):
        tries.wait(f"10.0.0.{number}")
    assert not tries._failed
