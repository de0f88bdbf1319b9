import contextlib
import random

import pytest

from sse_demo import Backoff
from sse_demo.lab import check


def test_a_right_backoff():
    assert check.wait(lambda tries: random.uniform(0, min(60, 2 ** min(tries - 1, 9)))).passed
    assert check.wait(lambda tries: random.random() * min(60, 2 ** (tries - 1))).passed
    assert check.wait(lambda tries: Backoff(factor=2, limit=60).wait(1, tries)).passed


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        (lambda tries: None, "a number of seconds"),
        (lambda tries: min(60.0, 2.0 ** (tries - 1)), "after 5,000 failed tries, too"),
        (lambda tries: min(60, 2 ** min(tries - 1, 9)), "by chance: 500 clients wait differently"),
        (lambda tries: random.uniform(0, 2 ** min(tries - 1, 9)), "after ten, up to 60, and never more"),
        (lambda tries: random.uniform(0, 2 ** min(tries - 1, 5)), "after ten, up to 60, and never more"),
        (
            lambda tries: min(60, random.uniform(0, 2 ** min(tries - 1, 30))),
            "after ten as well: most are not cut to 60",
        ),
        (lambda tries: random.uniform(30 if tries > 5 else 0, min(60, 2 ** min(tries - 1, 9))), "after ten as well"),
        (lambda tries: random.uniform(0, min(60, 2 ** (tries - 1))) if tries < 99 else 60, "after 5,000"),
        (lambda tries: random.uniform(0, min(60, 2 ** (tries - 1))) if tries < 99 else 1 / 0, "after 5,000"),
        (lambda tries: random.uniform(0.5, 1) * min(60, 2 ** min(tries - 1, 9)), "over the whole range"),
        (lambda tries: random.uniform(0, min(60, 2 ** min(tries, 9))), "after one failed try"),
        (lambda tries: random.uniform(0, 1), "after two, up to 2"),
    ],
)
def test_a_backoff_that_is_not_finished(wrong, missing):
    report = check.wait(wrong)
    assert not report.passed
    assert any(what.startswith(missing) for done, what, _ in report.rows if not done)


def test_a_backoff_is_told_how_long_its_waits_are():
    report = check.wait(lambda tries: 90)
    remark = "wait(10), 500 times: from 90 to 90 seconds, 1 different"
    assert (False, "after ten, up to 60, and never more", remark) in report.rows


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


def at_the_end(stream, place, handle):
    last = place.get("id", "")
    try:
        for event in stream(last):
            handle(event)
            last = event.id
    finally:
        place["id"] = last


def in_each_finally(stream, place, handle):
    for event in stream(place.get("id", "")):
        try:
            handle(event)
        finally:
            place["id"] = event.id


def every(n):
    def consume(stream, place, handle):
        for number, event in enumerate(stream(place.get("id", "")), start=1):
            handle(event)
            if number % n == 0:
                place["id"] = event.id

    return consume


def again_until_it_works(stream, place, handle):
    for event in stream(place.get("id", "")):
        while True:
            with contextlib.suppress(Exception):
                handle(event)
                break
        place["id"] = event.id


@pytest.mark.parametrize("consume", [right, every(2), every(100), again_until_it_works])
def test_a_right_consumer(consume):
    assert check.consume(consume).passed


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [
        (too_early, "a crash in the third loses nothing"),
        (swallows, "a crash in the third loses nothing"),
        (in_each_finally, "a crash in the third loses nothing"),
        (from_the_start, "killed in event 950, it goes on near there"),
        (at_the_end, "killed in event 950, it goes on near there"),
        (every(600), "killed in event 950, it goes on near there"),
        (lambda stream, place, handle: None, "without a crash, each event once"),
        (None, "without a crash, each event once"),
    ],
)
def test_a_consumer_that_is_not_finished(wrong, missing):
    assert missing in [what for done, what, _ in check.consume(wrong).rows if not done]
