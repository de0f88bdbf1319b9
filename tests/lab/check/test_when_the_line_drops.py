import asyncio
import contextlib
import math
import random
import re
import time
from fractions import Fraction
from random import uniform

import pytest

from sse_demo import Backoff
from sse_demo.lab import check
from sse_demo.lab.check.when_the_line_drops import RIGHT, SAMPLES
from sse_demo.lab.views import report as rows


def most(tries):
    return min(60, 2 ** (tries - 1))


def missing(report):
    return [what for done, what, _ in report.rows if not done]


def remark(report, what):
    return next(remark for _, row, remark in report.rows if row.startswith(what))


def cancelled(tries):
    raise asyncio.CancelledError


async def coroutine(tries):
    return uniform(0, most(tries))


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(lambda tries: random.uniform(0, most(tries)), id="ours"),
        pytest.param(lambda tries: random.random() * min(60, 2.0 ** min(tries - 1, 9)), id="a power that is cut"),
        pytest.param(lambda tries: Backoff(factor=2, limit=60).wait(1, tries), id="the package's own"),
        pytest.param(lambda tries: random.SystemRandom().randrange(10**6) / 10**6 * most(tries), id="in steps"),
        pytest.param(lambda tries: random.expovariate(1) % 1e-3 * 1e3 * most(tries), id="another source of chance"),
        pytest.param(lambda tries: most(tries) - uniform(0, most(tries)), id="from the other end"),
        pytest.param(lambda tries: random.randrange(1000 * most(tries)) / 1000, id="in milliseconds"),
        pytest.param(lambda tries: round(uniform(0, most(tries)), 3), id="rounded to milliseconds"),
        pytest.param(lambda tries: Fraction(random.randrange(10**6), 10**6) * most(tries), id="fractions"),
    ],
)
def test_a_right_backoff(wait):
    assert check.wait(wait).passed


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        pytest.param(lambda tries: None, "wait(1) is 1 second", id="nothing"),
        pytest.param(lambda tries: "1", "wait(1) is 1 second", id="a text"),
        pytest.param(lambda tries: math.nan, "wait(1) is 1 second", id="not a number"),
        pytest.param(lambda tries: 2.0 ** (tries - 1), "wait(10) is 60 seconds", id="the starter"),
        pytest.param(lambda tries: most(tries), "wait(5) is anything", id="no jitter"),
        pytest.param(lambda tries: 2 ** (tries - 1), "wait(5_000) is 60 seconds", id="whole numbers without a limit"),
        pytest.param(lambda tries: -(2**tries), "wait(5_000) is 60 seconds", id="less than nothing"),
        pytest.param(lambda tries: time.time() % most(tries), "wait(5) is anything", id="the time of day"),
        pytest.param(lambda tries: max(0.05, uniform(0, most(tries))), "wait(1) is any", id="a floor by max"),
        pytest.param(lambda tries: uniform(0.02, max(0.02, most(tries))), "wait(1) is any", id="a low floor"),
        pytest.param(
            lambda tries: min(60, uniform(0, 2 ** min(tries - 1, 6))), "wait(10) is anything", id="64 cut to 60"
        ),
        pytest.param(lambda tries: random.choice(range(9)) / 8 * most(tries), "wait(5) is anything", id="nine steps"),
        pytest.param(cancelled, "wait(1) is 1 second", id="cancelled"),
        pytest.param(coroutine, "wait(1) is 1 second", id="a coroutine"),
        pytest.param(lambda tries: random.uniform(0, 2 ** min(tries - 1, 9)), "wait(10) is 60", id="no limit"),
        pytest.param(lambda tries: random.uniform(0, 2 ** min(tries - 1, 5)), "wait(10) is 60", id="a limit of 32"),
        pytest.param(lambda tries: random.uniform(0, min(64, 2 ** (tries - 1))), "wait(10) is 60", id="a limit of 64"),
        pytest.param(lambda tries: random.uniform(0, min(60, 2**tries)), "wait(1) is 1 second", id="one too many"),
        pytest.param(lambda tries: random.uniform(0, 1), "wait(2) is 2 seconds", id="it does not grow"),
        pytest.param(lambda tries: random.uniform(0, min(60, tries)), "wait(5) is 16", id="it grows by one"),
        pytest.param(lambda tries: random.uniform(0.5, 1) * most(tries), "wait(5) is anything", id="equal jitter"),
        pytest.param(lambda tries: random.uniform(0.1, max(0.1, most(tries))), "wait(1) is anything", id="a floor"),
        pytest.param(lambda tries: random.random() ** 2 * most(tries), "wait(5) is anything", id="squared"),
        pytest.param(lambda tries: random.triangular(0, most(tries)), "wait(5) is anything", id="triangular"),
        pytest.param(lambda tries: random.randint(0, most(tries)), "wait(5) is anything", id="whole seconds"),
        pytest.param(
            lambda tries: min(60, random.uniform(0, 2 ** min(tries - 1, 30))), "wait(10) is anything", id="cut to 60"
        ),
        pytest.param(
            lambda tries: most(tries) + random.uniform(0, 1), "wait(1) is 1 second", id="a little jitter on top"
        ),
        pytest.param(lambda tries: random.Random(7).uniform(0, most(tries)), "wait(5) is anything", id="a seed"),
        pytest.param(
            lambda tries: random.uniform(0, min(60, 2.0 ** (tries - 1))), "wait(5_000) is 60 seconds", id="overflow"
        ),
        pytest.param(
            lambda tries: random.uniform(0, most(tries)) if tries < 99 else 60, "wait(5_000) is any", id="60 at last"
        ),
        pytest.param(lambda tries: uniform(0, 2 ** (tries - 1) if tries < 6 else 60), "wait(6)", id="60 after 16"),
        pytest.param(lambda tries: uniform(0, 2 ** (tries - 1) if tries < 8 else 60), "wait(7)", id="64 after 32"),
        pytest.param(lambda tries: uniform(0, min(60, 2 ** ((tries - 1) % 10))), "wait(11)", id="again after ten"),
        pytest.param(lambda tries: uniform(0, min(60, 1 << ((tries - 1) % 64))), "wait(65)", id="64 bits"),
    ],
)
def test_a_backoff_that_is_not_finished(wrong, what):
    assert [row for row in missing(check.wait(wrong)) if row.startswith(what)]


def test_what_is_right_is_not_said_to_be_missing():
    without_jitter = check.wait(most)
    assert all("anything" in what for what in missing(without_jitter))
    overflow = check.wait(lambda tries: random.uniform(0, min(60, 2.0 ** (tries - 1))))
    assert all("5_000" in what for what in missing(overflow))


def test_a_backoff_is_told_what_its_waits_are():
    assert remark(check.wait(lambda tries: 90), "wait(10) is 60") == f"{SAMPLES:,} calls: from 90 to 90 seconds"
    no_limit = check.wait(lambda tries: 2.0 ** (tries - 1))
    assert remark(no_limit, "wait(11) is 60") == f"{SAMPLES:,} calls: from 1,024 to 1,024 seconds"
    assert "always the same wait" in remark(check.wait(most), "wait(5) is anything")
    squared = check.wait(lambda tries: random.random() ** 2 * most(tries))
    assert re.search(r"quarters of the range: [45]\d%, [12]\d%, 1\d%, 1\d%$", remark(squared, "wait(5) is anything"))
    no_limit = check.wait(lambda tries: 2 ** (tries - 1))
    assert remark(no_limit, "wait(5_000) is 60") == f"{SAMPLES:,} calls: from inf to inf seconds"
    cut = check.wait(lambda tries: min(60, uniform(0, 2 ** min(tries - 1, 6))))
    assert re.search(r"calls: 2\d\d of them are 60 seconds$|30%$|3\d%$", remark(cut, "wait(10) is anything"))
    floor = check.wait(lambda tries: uniform(0.02, max(0.02, most(tries))))
    assert "none is below 0.02" in remark(floor, "wait(1) is anything")


def test_a_backoff_that_sleeps_itself_is_interrupted_once(monkeypatch):
    monkeypatch.setattr(rows, "PATIENCE", 0.2)
    start = time.monotonic()
    report = check.wait(lambda tries: time.sleep(0.01) or uniform(0, most(tries)))
    assert time.monotonic() - start < 5
    assert len(missing(report)) == len(report.rows)
    assert "still running" in remark(report, "wait(1)")


def right(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        acknowledge(event.id)
        place["id"] = event.id


def every(n):
    """Whose place lags behind."""

    def consume(stream, place, handle, acknowledge):
        for number, event in enumerate(stream(place.get("id", "")), start=1):
            handle(event)
            acknowledge(event.id)
            if number % n == 0:
                place["id"] = event.id

    return consume


def again_until_it_works(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        for action in (lambda event=event: handle(event), lambda event=event: acknowledge(event.id)):
            while True:
                with contextlib.suppress(Exception):
                    action()
                    break
        place["id"] = event.id


def two_places(stream, place, handle, acknowledge):
    """It knows what it has handled and not acknowledged yet."""
    if place.get("handled", "") != place.get("id", ""):
        acknowledge(place["handled"])
        place["id"] = place["handled"]
    for event in stream(place.get("id", "")):
        handle(event)
        place["handled"] = event.id
        acknowledge(event.id)
        place["id"] = event.id


def in_batches(stream, place, handle, acknowledge):
    done = []

    def settle():
        while done:
            acknowledge(done[0])
            place["id"] = done.pop(0)

    for event in stream(place.get("id", "")):
        handle(event)
        done.append(event.id)
        if len(done) == 50:
            settle()
    settle()


def crash_as(other):
    """A crash that becomes another exception, or a quiet end. The program has ended, and starts again."""

    def consume(stream, place, handle, acknowledge):
        for event in stream(place.get("id", "")):
            try:
                handle(event)
                acknowledge(event.id)
            except Exception as error:
                if other is None:
                    return
                raise other from error
            place["id"] = event.id

    return consume


def again_whatever_comes(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        while True:
            with contextlib.suppress(BaseException):
                handle(event)
                acknowledge(event.id)
                break
        place["id"] = event.id


def one_before(stream, place, handle, acknowledge):
    """Its place is that of the event before, which is done for certain."""
    before = place.get("id", "")
    for event in stream(before):
        if before:
            place["id"] = before
        handle(event)
        acknowledge(event.id)
        before = event.id


def acknowledges_again(stream, place, handle, acknowledge):
    """It may have died before the last acknowledgement, and makes up for it."""
    if "id" in place:
        acknowledge(place["id"])
    for event in stream(place.get("id", "")):
        handle(event)
        place["id"] = event.id
        acknowledge(event.id)


def tries_once_more(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        try:
            handle(event)
        except Exception:
            handle(event)
        acknowledge(event.id)
        place.update(id=event.id)


def starts_itself_again(stream, place, handle, acknowledge):
    try:
        right(stream, place, handle, acknowledge)
    except Exception:
        starts_itself_again(stream, place, handle, acknowledge)


@pytest.mark.parametrize(
    "consume",
    [
        pytest.param(one_before, id="the place of the one before"),
        pytest.param(acknowledges_again, id="acknowledges again"),
        pytest.param(tries_once_more, id="tries once more"),
        pytest.param(starts_itself_again, id="starts itself again"),
        pytest.param(right, id="ours"),
        pytest.param(every(2), id="every second"),
        pytest.param(every(100), id="every hundredth"),
        pytest.param(again_until_it_works, id="again until it works"),
        pytest.param(again_whatever_comes, id="again whatever comes"),
        pytest.param(two_places, id="two places"),
        pytest.param(in_batches, id="in batches"),
        pytest.param(crash_as(RuntimeError("no")), id="an exception of its own"),
        pytest.param(crash_as(SystemExit(1)), id="exits"),
        pytest.param(crash_as(None), id="returns"),
    ],
)
def test_a_right_consumer(consume):
    assert check.consume(consume).passed


def starter(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        place["id"] = event.id
        acknowledge(event.id)
        handle(event)


def place_first(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        place["id"] = event.id
        handle(event)
        acknowledge(event.id)


def acknowledges_first(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        acknowledge(event.id)
        handle(event)
        place["id"] = event.id


def acknowledges_last(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        place["id"] = event.id
        acknowledge(event.id)


def never_acknowledges(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        place["id"] = event.id


def from_the_start(stream, place, handle, acknowledge):
    for event in stream():
        handle(event)
        acknowledge(event.id)


def swallows(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        with contextlib.suppress(Exception):
            handle(event)
            acknowledge(event.id)
        place["id"] = event.id


def in_finally(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        try:
            handle(event)
        finally:
            acknowledge(event.id)
            place["id"] = event.id


def at_the_end(stream, place, handle, acknowledge):
    last = place.get("id", "")
    try:
        for event in stream(last):
            handle(event)
            acknowledge(event.id)
            last = event.id
    finally:
        place["id"] = last


def acknowledges_the_event(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        acknowledge(event)
        place["id"] = event.id


def skips_what_failed(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        if place.get("tried") != event.id:
            place["tried"] = event.id
            handle(event)
            acknowledge(event.id)
        place["id"] = event.id


def acknowledges_twice(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        acknowledge(event.id)
        acknowledge(event.id)
        place["id"] = event.id


def in_memory():
    kept = {}

    def consume(stream, place, handle, acknowledge):
        for event in stream(kept.get("id", "")):
            handle(event)
            acknowledge(event.id)
            kept["id"] = event.id

    return consume


def rebinds(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        acknowledge(event.id)
        place = {"id": event.id}


def remembers_before(stream, place, handle, acknowledge):
    seen = place.setdefault("seen", [])
    for event in stream(place.get("id", "")):
        if event.id not in seen:
            seen.append(event.id)
            handle(event)
            acknowledge(event.id)
            place["id"] = event.id


def takes_all(stream, place, handle, acknowledge):
    for event in list(stream(place.get("id", ""))):
        handle(event)
        acknowledge(event.id)
        place["id"] = event.id


def generates(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        yield handle(event)
        acknowledge(event.id)
        place["id"] = event.id


async def waits(stream, place, handle, acknowledge):
    right(stream, place, handle, acknowledge)


def powers_of_two(stream, place, handle, acknowledge):
    for number, event in enumerate(stream(place.get("id", "")), start=1):
        handle(event)
        acknowledge(event.id)
        if number & (number - 1) == 0:
            place["id"] = event.id


def writes_once(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        acknowledge(event.id)
        place.setdefault("id", event.id)


def compares_text(stream, place, handle, acknowledge):
    for event in stream(""):
        if event.id > place.get("id", ""):
            handle(event)
            acknowledge(event.id)
            place["id"] = event.id


def acknowledges_with_the_next(stream, place, handle, acknowledge):
    before = None
    for event in stream(place.get("id", "")):
        if before:
            acknowledge(before)
            place["id"] = before
        handle(event)
        before = event.id


def acknowledges_every_tenth(stream, place, handle, acknowledge):
    for number, event in enumerate(stream(place.get("id", "")), start=1):
        handle(event)
        if number % 10 == 0:
            acknowledge(event.id)
        place["id"] = event.id


def acknowledges_if_it_can(stream, place, handle, acknowledge):
    for event in stream(place.get("id", "")):
        handle(event)
        with contextlib.suppress(Exception):
            acknowledge(event.id)
        place["id"] = event.id


CALM = "five events without a crash"
THIRD = "crash in handle, at the third of five events"
REACHES = "crash in acknowledge, before it has reached the sender"
ENDLESS = "a stream that does not end"
KILLED = "killed in handle, at event 950 of 1,000"
KILLED_EARLY = "killed in handle, at event 102 of 1,000"


@pytest.mark.parametrize(
    ("wrong", "what", "said"),
    [
        pytest.param(starter, CALM, "acknowledged before it was handled: 1, 2", id="the starter"),
        pytest.param(place_first, THIRD, "never handled 3", id="place first"),
        pytest.param(acknowledges_first, CALM, "acknowledged before it was handled", id="acknowledges first"),
        pytest.param(acknowledges_last, REACHES, "never acknowledged 1, 2", id="acknowledges last"),
        pytest.param(never_acknowledges, CALM, "never acknowledged", id="never acknowledges"),
        pytest.param(from_the_start, KILLED, "949 events handled twice", id="from the start"),
        pytest.param(at_the_end, KILLED, "949 events handled twice", id="place at the end"),
        pytest.param(every(600), KILLED, "349 events handled twice", id="every 600th"),
        pytest.param(every(150), KILLED_EARLY, "101 events handled twice", id="every 150th"),
        pytest.param(every(102), KILLED_EARLY, "101 events handled twice", id="every 102nd"),
        pytest.param(powers_of_two, KILLED, "437 events handled twice", id="powers of two"),
        pytest.param(writes_once, KILLED, "948 events handled twice", id="setdefault"),
        pytest.param(compares_text, KILLED, "never handled 10", id="ids compared as text"),
        pytest.param(acknowledges_with_the_next, CALM, "never acknowledged 5", id="acknowledges with the next one"),
        pytest.param(acknowledges_every_tenth, CALM, "never acknowledged 1", id="acknowledges every tenth"),
        pytest.param(acknowledges_if_it_can, REACHES, "never acknowledged 1", id="acknowledges if it can"),
        pytest.param(swallows, THIRD, "never handled 3", id="swallows"),
        pytest.param(in_finally, THIRD, "never handled 3", id="in finally"),
        pytest.param(skips_what_failed, THIRD, "never handled 3", id="skips what failed"),
        pytest.param(acknowledges_the_event, CALM, "takes the id of an event", id="acknowledges the event itself"),
        pytest.param(acknowledges_twice, CALM, "acknowledged 1, 1, 2, 2", id="acknowledges twice"),
        pytest.param(rebinds, KILLED, "949 events handled twice", id="another dictionary"),
        pytest.param(remembers_before, THIRD, "never handled 3", id="remembers before it handles"),
        pytest.param(takes_all, ENDLESS, "asked for the next one before it had handled 1", id="takes all at once"),
        pytest.param(generates, CALM, "returned a generator", id="a generator"),
        pytest.param(waits, CALM, "returned a coroutine", id="a coroutine"),
        pytest.param(lambda stream, place, *_: place["id"], CALM, "KeyError: 'id'", id="no place yet"),
        pytest.param(in_memory(), THIRD, "never handled 1", id="in memory"),
        pytest.param(lambda stream, place, handle: None, CALM, "it raised TypeError", id="three arguments"),
        pytest.param(lambda *_: None, CALM, "never handled 1", id="nothing"),
        pytest.param(None, CALM, "it raised TypeError", id="None"),
    ],
)
def test_a_consumer_that_is_not_finished(wrong, what, said):
    report = check.consume(wrong)
    assert [row for row in missing(report) if row.startswith(what)]
    assert said in remark(report, what)


def test_a_right_row_says_what_is_right():
    assert remark(check.consume(place_first), THIRD).startswith(f"expected {RIGHT!r}")


def test_a_consumer_that_never_ends_is_interrupted_once(monkeypatch):
    monkeypatch.setattr(rows, "PATIENCE", 0.2)

    def for_ever(stream, place, handle, acknowledge):
        while True:
            right(stream, place, handle, acknowledge)

    report = check.consume(for_ever)
    assert "still running" in report.rows[0][2]
    assert {told for _, _, told in report.rows[1:]} == {"not tried any more"}


def test_a_consumer_that_hangs_after_a_crash_is_interrupted_once(monkeypatch):
    monkeypatch.setattr(rows, "PATIENCE", 0.2)

    def hangs(stream, place, handle, acknowledge):
        try:
            right(stream, place, handle, acknowledge)
        except Exception:
            while True:
                pass

    report = check.consume(hangs)
    assert missing(report)[0] == THIRD
    assert "still running" in remark(report, THIRD)
    assert {told for done, what, told in report.rows if not done and what != THIRD} == {"not tried any more"}
