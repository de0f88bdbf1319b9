import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sse_demo import Event, EventStreamParser
from sse_demo.log import LogFull, MemoryLog

ALL = 2**62
BIG = 2**40


def fill(log, *topics):
    return [log.append(topic, Event(f"{topic} {number}")) for number, topic in enumerate(topics, start=1)]


def data(entries):
    return [EventStreamParser().feed(entry.wire)[0].data for entry in entries]


def read(log, topics, after=0, until=ALL, max_bytes=BIG):
    return log.read(topics, after, until, max_bytes)[0]


# ids


def test_positions_count_over_all_topics():
    assert [entry.position for entry in fill(MemoryLog(), "a", "b", "a")] == [1, 2, 3]


def test_ids_are_short_ascii_and_unique():
    ids = [entry.id for entry in fill(MemoryLog(), *"ab" * 500)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(r"[0-9a-f]+-[0-9]+", id) and len(id) < 32 for id in ids)


def test_ids_increase():
    numbers = [int(entry.id.partition("-")[2]) for entry in fill(MemoryLog(), *"ab" * 20)]
    assert numbers == sorted(set(numbers))


def test_the_wire_carries_the_id_and_the_whole_event():
    entry = MemoryLog().append("a", Event("one\ntwo", event="greeting", retry=5))
    assert EventStreamParser().feed(entry.wire) == [Event("one\ntwo", event="greeting", id=entry.id, retry=5)]
    assert entry.topic == "a"


def test_two_logs_have_different_marks():
    first = MemoryLog().append("a", Event()).id
    time.sleep(0.002)  # the mark is a time in milliseconds, and a restart takes longer
    second = MemoryLog().append("a", Event()).id
    assert first.partition("-")[0] != second.partition("-")[0]


# seek


def test_seek_without_anything_is_the_end():
    log = MemoryLog()
    assert log.seek(["a"]) == 0
    fill(log, "a", "b")
    assert log.seek(["a"]) == 2
    assert log.seek(["nothing"]) == 2


def test_seek_finds_the_place_after_an_id_whatever_its_topic():
    log = MemoryLog()
    entries = fill(log, "a", "b", "a")
    assert [log.seek(["a"], entry.id) for entry in entries] == [1, 2, 3]


@pytest.mark.parametrize(
    "garbage", ["7", "-", "-1", "x-1", "é", "{mark}", "{mark}-", "{mark}-x", "{mark}--1", "{mark}-+1"]
)
def test_seek_knows_no_id_that_is_none_of_its_own(garbage):
    log = MemoryLog()
    mark = fill(log, "a", "a")[0].id.partition("-")[0]
    assert log.seek(["a"], garbage.format(mark=mark)) is None


@pytest.mark.parametrize("digits", ["1_0", "²", "٣", " 1", "1 ", "9" * 5000])
def test_seek_takes_ascii_digits_only_and_not_too_many(digits):
    log = MemoryLog()
    mark = fill(log, *"a" * 12)[0].id.partition("-")[0]
    assert log.seek(["a"], f"{mark}-{digits}") is None


def test_seek_knows_no_id_of_another_log():
    log, other = MemoryLog(), MemoryLog()
    other._mark += "0"
    fill(log, "a")
    assert log.seek(["a"], fill(other, "a")[0].id) is None


def test_seek_knows_no_id_of_the_future():
    log = MemoryLog()
    mark = fill(log, "a")[0].id.partition("-")[0]
    assert log.seek(["a"], f"{mark}-1") == 1
    assert log.seek(["a"], f"{mark}-2") is None


def test_an_id_wins_over_recent():
    log = MemoryLog()
    entries = fill(log, "a", "a", "a")
    assert log.seek(["a"], entries[1].id, recent=3) == 2


def test_recent_counts_over_all_the_topics_together():
    log = MemoryLog()
    fill(log, "a", "b", "c", "a", "c", "b")
    for recent, expected in [
        (1, ["b 6"]),
        (2, ["a 4", "b 6"]),
        (3, ["b 2", "a 4", "b 6"]),
        (9, ["a 1", "b 2", "a 4", "b 6"]),
    ]:
        assert data(read(log, ["a", "b"], log.seek(["a", "b"], recent=recent))) == expected


def test_recent_of_a_topic_without_events_is_the_end():
    log = MemoryLog()
    fill(log, "a")
    assert log.seek(["b"], recent=5) == 1


# read


def test_read_gives_one_topic_in_order():
    log = MemoryLog()
    fill(log, "a", "b", "a")
    assert data(read(log, ["a"])) == ["a 1", "a 3"]


def test_read_merges_topics_in_the_order_of_their_ids():
    log = MemoryLog()
    fill(log, "b", "a", "c", "b", "a", "c")
    assert data(read(log, ["a", "b"])) == ["b 1", "a 2", "b 4", "a 5"]
    assert data(read(log, ["c", "b", "a"])) == ["b 1", "a 2", "c 3", "b 4", "a 5", "c 6"]


def test_read_is_after_one_position_and_up_to_and_with_another():
    log = MemoryLog()
    fill(log, *"aaaaa")
    assert data(read(log, ["a"], after=1, until=4)) == ["a 2", "a 3", "a 4"]
    assert read(log, ["a"], after=5) == []
    assert read(log, ["a"], after=2, until=2) == []


def test_read_stops_once_it_has_enough_bytes_and_goes_on_from_there():
    log = MemoryLog()
    entries = fill(log, *"aaaa")
    size = len(entries[0].wire)
    assert data(read(log, ["a"], max_bytes=size)) == ["a 1"]
    assert data(read(log, ["a"], max_bytes=size + 1)) == ["a 1", "a 2"]
    assert data(read(log, ["a"], after=2, max_bytes=2 * size)) == ["a 3", "a 4"]


def test_read_gives_one_event_however_large():
    log = MemoryLog()
    log.append("a", Event("x" * 10_000))
    assert len(read(log, ["a"], max_bytes=1)) == 1


def test_read_of_nothing():
    log = MemoryLog()
    assert log.read(["a"], 0, ALL, BIG) == ([], 0)
    assert log.read([], 0, ALL, BIG) == ([], 0)


# eviction


def test_the_newest_events_are_kept():
    log = MemoryLog(max_events=3)
    fill(log, *"aaaaa")
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert data(entries) == ["a 3", "a 4", "a 5"]
    assert dropped_up_to == 2


def test_no_more_bytes_are_kept_than_allowed():
    size = len(MemoryLog().append("a", Event("a 1")).wire)
    log = MemoryLog(max_bytes=3 * size)
    fill(log, *"aaaa")
    assert data(read(log, ["a"])) == ["a 2", "a 3", "a 4"]
    log.append("a", Event("x" * size))  # of about the size of two
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert sum(len(entry.wire) for entry in entries) <= 3 * size
    assert entries[-1].position == 5
    assert dropped_up_to == entries[0].position - 1


def test_an_event_larger_than_the_log_is_dropped_at_once():
    log = MemoryLog(max_bytes=100)
    fill(log, "a")
    log.append("a", Event("x" * 200))
    assert log.read(["a"], 0, ALL, BIG) == ([], 2)
    fill(log, "a")
    assert [entry.position for entry in read(log, ["a"])] == [3]


def test_nothing_is_dropped_of_a_quiet_topic_beside_a_busy_one():
    log = MemoryLog(max_events=2)
    fill(log, "quiet", "busy", "busy", "busy")
    assert log.read(["quiet"], 0, ALL, BIG)[1] == 0
    assert data(read(log, ["quiet"])) == ["quiet 1"]


def test_the_dropped_position_of_several_topics_is_the_latest():
    log = MemoryLog(max_events=1)
    fill(log, "a", "b", "a", "b", "a")
    assert log.read(["a"], 0, ALL, BIG)[1] == 3
    assert log.read(["b"], 0, ALL, BIG)[1] == 2
    assert log.read(["a", "b"], 0, ALL, BIG)[1] == 3


def test_there_is_room_for_so_many_topics():
    log = MemoryLog(max_topics=2)
    fill(log, "a", "b")
    with pytest.raises(LogFull, match="2 topics"):
        log.append("c", Event())
    assert log.append("a", Event()).position == 3  # the refused one has taken no position


# threads


def test_several_threads_append_without_a_gap_and_in_order():
    log = MemoryLog(max_events=100_000)

    def publish(publisher):
        return [log.append(f"topic{number % 3}", Event(f"{publisher} {number}")) for number in range(500)]

    with ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(publish, range(8)))
    entries = read(log, ["topic0", "topic1", "topic2"])
    assert [entry.position for entry in entries] == list(range(1, 4001))
    for own in appended:  # to each thread its own events came one after the other
        assert [entry.position for entry in own] == sorted(entry.position for entry in own)
    assert sorted(entry for own in appended for entry in own) == entries


def test_a_reader_beside_writers_sees_each_position_once():
    log = MemoryLog(max_events=100_000)

    def publish(publisher):
        for number in range(1000):
            log.append("a", Event(f"{publisher} {number}"))

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(publish, publisher) for publisher in range(3)]
        seen = []
        while len(seen) < 3000:
            finished = all(future.done() for future in running)
            seen += [entry.position for entry in read(log, ["a"], after=seen[-1] if seen else 0, max_bytes=1000)]
            assert seen or not finished
    assert seen == list(range(1, 3001))
