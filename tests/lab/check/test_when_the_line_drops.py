import contextlib
import random

import pytest

from sse_demo import Backoff
from sse_demo.lab import check


def test_a_right_backoff():
    assert check.backoff(lambda tries: random.uniform(0, min(60, 2 ** min(tries - 1, 9)))).passed
    assert check.backoff(lambda tries: Backoff(factor=2, limit=60).wait(1, tries)).passed


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        (lambda tries: None, "a number of seconds"),
        (lambda tries: min(60.0, 2.0 ** (tries - 1)), "after 5,000 failed tries, too"),
        (lambda tries: min(60, 2 ** min(tries - 1, 9)), "by chance: 500 clients wait differently"),
        (lambda tries: random.uniform(0, 2 ** min(tries - 1, 9)), "never more than 60"),
        (lambda tries: random.uniform(0.5, 1) * min(60, 2 ** min(tries - 1, 9)), "over the whole range"),
        (lambda tries: random.uniform(0, min(60, 2 ** min(tries, 9))), "after one failed try"),
        (lambda tries: random.uniform(0, 1), "after two, up to 2"),
    ],
)
def test_a_backoff_that_is_not_finished(wrong, missing):
    report = check.backoff(wrong)
    assert not report.passed
    assert any(what.startswith(missing) for done, what, _ in report.rows if not done)


def right(stream, place, handle):
    for event in stream(place.get("id", "")):
        handle(event)
        place["id"] = event.id


def too_early(stream, place, handle):
    for event in stream(place.get("id", "")):
        place["id"] = event.id
        handle(event)


def from_the_start(stream, place, handle):
    for event in stream():
        handle(event)


def swallows(stream, place, handle):
    for event in stream(place.get("id", "")):
        place["id"] = event.id
        with contextlib.suppress(Exception):
            handle(event)


def test_a_right_consumer():
    assert check.consumer(right).passed


@pytest.mark.parametrize("wrong", [too_early, from_the_start, swallows, lambda stream, place, handle: None, None])
def test_a_consumer_that_is_not_finished(wrong):
    assert not check.consumer(wrong).passed
