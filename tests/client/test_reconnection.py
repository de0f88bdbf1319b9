"""The waits between the tries of a client."""

import math
import random
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support import STREAM, Script

from sse_demo import TRANSIENT_STATUSES, Backoff, EventSourceError, listen, serve
from sse_demo.client.reconnection import (
    CONSTANT,
    HASTY,
    HASTY_TRIES,
    LEAST_WAIT,
    MAX_RECONNECTION_TIME,
    MIN_RECONNECTION_TIME,
    Pace,
    retry_after,
)


def test_the_standards_own_wait_is_always_the_same():
    assert [CONSTANT.wait(3, failed) for failed in (0, 1, 2, 50)] == [3, 3, 3, 3]


def test_without_jitter_the_wait_doubles_up_to_the_limit():
    backoff = Backoff(factor=2, limit=10, jitter=False)
    assert [backoff.wait(1, failed) for failed in (0, 1, 2, 3, 4, 5, 6)] == [1, 1, 2, 4, 8, 10, 10]


def test_a_server_that_asks_for_more_than_the_limit_gets_it():
    assert Backoff(limit=10, jitter=False).wait(30, 5) == 30


def test_a_thousand_tries_later():
    assert Backoff(factor=10, limit=60, jitter=False).wait(3, 10_000) == 60


def test_with_jitter_the_waits_fill_the_whole_range():
    waits = [Backoff(limit=8).wait(1, 3) for _ in range(2000)]
    assert 0 <= min(waits) < 0.1
    assert 3.9 < max(waits) <= 4
    assert 1.8 < sum(waits) / len(waits) < 2.2


def test_programs_with_the_same_seed_do_not_come_back_together():
    waits = []
    for _ in range(2):
        random.seed(6)
        waits.append([Backoff(limit=8).wait(1, 3) for _ in range(10)])
    assert waits[0] != waits[1]


def test_the_numbers_of_a_seed_are_left_to_the_program():
    random.seed(6)
    before = random.getstate()
    with (
        serve(max_connection_age=60) as server,
        listen(f"{server.url}/events?topic=a&recent=1", backoff=Backoff()) as events,
    ):
        server.publish("a", "x")
        next(events)
    assert random.getstate() == before


@pytest.mark.parametrize("wrong", [{"factor": 0.5}, {"factor": math.nan}, {"limit": -1}, {"limit": math.nan}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="backoff"):
        Backoff(**wrong)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("0", 0), ("120", 120), (" 7 ", 7), ("-1", 0), ("1.5", 0), ("soon", 0), ("²", 0),
     ("9" * 400, MAX_RECONNECTION_TIME), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 99 Oct 2015 07:28:00 GMT", 0)],
)  # fmt: skip
def test_retry_after(header, seconds):
    assert retry_after(header) == seconds


def test_retry_after_a_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 98 < retry_after(date) <= 100


def test_the_statuses_that_may_pass():
    assert {429, 500, 503, 599} <= TRANSIENT_STATUSES
    assert not {200, 204, 400, 401, 404, 408, 428, 430, 499, 600} & TRANSIENT_STATUSES


def test_nothing_times_a_factor_is_more_than_nothing():
    backoff = Backoff(factor=2, limit=60, jitter=False)
    waits = [backoff.wait(0, failed) for failed in (1, 2, 3, 50)]
    assert waits == [MIN_RECONNECTION_TIME, 2 * MIN_RECONNECTION_TIME, 4 * MIN_RECONNECTION_TIME, 60]


def test_hasty_tries_in_a_row_are_slowed_down():
    pace, now, waits = Pace(), 100.0, []
    for _ in range(HASTY_TRIES + 3):
        pace.begin(now)
        waits.append(pace.end(now + HASTY / 2))
        now += HASTY
    assert waits == [MIN_RECONNECTION_TIME] * HASTY_TRIES + [LEAST_WAIT] * 3
    pace.begin(now)
    assert pace.end(now + HASTY) == MIN_RECONNECTION_TIME, "one that has lasted sets the count back"


@pytest.mark.parametrize("event", [b"", b"data: a\n\n"], ids=["nothing", "an event each time"])
@pytest.mark.parametrize("backoff", [CONSTANT, Backoff(), Backoff(limit=0)], ids=["constant", "growing", "no limit"])
def test_no_wait_at_all_is_not_what_a_stream_can_ask_for(event, backoff):
    """With ``retry: 0``, each connection ended at once: a floor lies under the waits, also where events come."""
    with Script(STREAM + b"retry: 0\n\n" + event) as script, listen(script.url, backoff=backoff) as events:
        reader = threading.Thread(target=lambda: list(events))
        reader.start()
        script.request()
        time.sleep(1.0)  # what is counted is what happens in a time
        asked = script.requests.qsize()
        events.close()
        reader.join(5)
    assert 3 <= asked <= HASTY_TRIES + 1.0 / LEAST_WAIT + 2


def test_refused_connections_are_slowed_down_too():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    waits = []
    with listen(url, max_tries=HASTY_TRIES + 4, on_state_change=lambda change: waits.append(change.wait)) as events:
        events.source.reconnection_time = 0
        with pytest.raises(EventSourceError, match="was given up"):
            next(events)
    assert waits == [MIN_RECONNECTION_TIME] * HASTY_TRIES + [LEAST_WAIT] * 3 + [0]
