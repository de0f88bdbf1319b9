"""Hostile requests: the server answers afterwards, nobody is left, and its log has no traceback.

``tests/benchmarks/fuzz.py`` throws more of them, and prints what came back.
"""

import random

from fuzz import (
    HALF_CLOSED,
    SLOW_SENDERS,
    EverSending,
    HalfClosed,
    NeverReading,
    SlowSenders,
    at_rest,
    fuzz,
    server,
)


def test_whatever_is_thrown_at_it_the_server_goes_on(eventually):
    seed = random.randrange(10**6)
    print(f"seed: {seed}")  # shown where the test fails: fuzz.py --seed throws the same
    with server() as (port, process, text):
        fuzz(port, 300, seed)
        at_rest(port, process)
        before = process.memory_info().rss
        with SlowSenders(port) as slow:
            thrown = fuzz(port, 700, seed + 1)
            eventually(lambda: slow.cut_off >= SLOW_SENDERS)
        state = at_rest(port, process)
        assert state == {"status": "ok", "connections": 0, "subscribers": 0, "sockets": 0}
        assert process.memory_info().rss - before < 8 * 2**20
        assert thrown.count >= 700
        assert {"200", "400"} <= set(thrown.statuses)
        log = text()
    assert "Traceback" not in log
    assert "/health" in log, "the log was looked at"


def test_who_never_reads_or_ever_sends_is_cut_off_and_who_has_half_closed_is_not(eventually):
    with server() as (port, process, text):
        with NeverReading(port) as deaf, EverSending(port) as loud, HalfClosed(port) as half:
            eventually(lambda: not deaf.spared and not loud.spared)
            eventually(lambda: half.events >= 20 * HALF_CLOSED)
        assert half.cut_off == 0
        assert at_rest(port, process) == {"status": "ok", "connections": 0, "subscribers": 0, "sockets": 0}
        assert "Traceback" not in text()
