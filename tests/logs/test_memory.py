"""What only the log in memory promises. What it shares with the others is in test_every_log.py."""

import gc
import threading
import time
import tracemalloc

import pytest

from sse_demo import Event, MemoryLog, Settings
from sse_demo.logs.contract import Publication

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "keys"),
    [(1, None), (100, None), (5_000, None), (1, 10**9), (100, 10)],
    ids=["tiny", "small", "large", "keyed", "few"],
)
def test_the_budget_is_what_it_really_takes(size, keys):
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    log = MemoryLog(Settings(log_bytes=4 * MB, log_events=10**9))
    number = 0
    while log.dropped.get("log_bytes", 0) < 1_000 and number < 40_000:
        batch = []
        for _ in range(100):
            number += 1
            key = None if keys is None else f"key {number % keys}"
            batch.append(Publication("topic", Event("x" * size).encode(), key))
        log.append(batch)
    del batch
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken < 4.2 * MB
    if log.dropped:
        assert taken > 3 * MB, "and the room is used"


def test_a_lot_that_is_too_old_goes_step_by_step(monkeypatch):
    monkeypatch.setattr("sse_demo.logs.memory.DROPS_AT_ONCE", 10)
    log = MemoryLog(Settings(log_age=0.05))
    log.append([Publication("a", Event(str(n)).encode()) for n in range(50)])
    time.sleep(0.06)
    left = []
    while not left or left[-1]:
        log.append([Publication("a", Event("new").encode())])
        entries = log.read(["a"], 0, 10**9, 10**9)[0]
        left.append(sum(not entry.wire.endswith(b"data: new\n\n") for entry in entries))
    assert left == [40, 30, 20, 10, 0]


def test_a_clock_that_is_set_does_not_change_what_is_old(monkeypatch):
    log = MemoryLog(Settings(log_age=3600))
    for clock in (time.time() + 10**8, time.time() - 10**8):
        monkeypatch.setattr(time, "time", lambda clock=clock: clock)
        log.append([Publication("a", Event("x").encode())])
    assert len(log.read(["a"], 0, 10**9, 10**9)[0]) == 2


def test_readers_beside_a_writer_that_drops_and_replaces_see_each_position_once():
    log = MemoryLog(Settings(log_events=50))
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            log.append([Publication("plain", b"data: x\n\n"), Publication("keyed", b"data: x\n\n", str(number % 60))])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for topic in ("plain", "keyed") * 20:
            at, seen, missing = log.seek([topic]), 0, 0
            while seen < 200:
                entries, dropped_up_to = log.read([topic], at, 10**18, 3_000)
                positions = [entry.position for entry in entries]
                assert positions == sorted(set(positions))
                assert not positions or positions[0] > at
                if topic == "plain":  # every second position
                    expected = range(at + 1 + at % 2, positions[-1] + 1, 2) if positions else []
                    gap = set(expected) - set(positions)
                    assert all(position <= dropped_up_to for position in gap), "what is missing is told"
                    missing += len(gap)
                seen += len(positions)
                at = positions[-1] if positions else at
    finally:
        stop.set()
        writer.join()


def test_many_names_leave_nothing_behind():
    log = MemoryLog(Settings(max_topics=10))
    log.append([Publication("kept", b"data: x\n\n")] * 2)
    for n in range(2_000):
        log.append([Publication(f"name/{n}", b"data: x\n\n")])
    assert len(log._oldest) < 200
    assert len(log._ageing) < 200
