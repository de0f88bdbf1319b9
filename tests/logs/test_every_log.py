import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from sse_demo import Event, EventStreamParser, Settings
from sse_demo.errors import LogFull
from sse_demo.logs.memory import MemoryLog, Publication
from sse_demo.logs.sqlite import SqliteLog

ALL = 2**62
BIG = 2**40
PER_THREAD = 300


@pytest.fixture(params=["memory", "sqlite"])
def make_log(request, tmp_path):
    """Every promise of a log is one of both. ``make_log(log_events=3)`` makes a new one with these settings."""
    with ExitStack() as opened:

        def make(**settings):
            if request.param == "memory":
                return MemoryLog(Settings(**settings))
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
            return opened.enter_context(closing(SqliteLog(path, Settings(**settings))))

        yield make


@pytest.fixture
def log(make_log):
    return make_log()


def append(log, topic, data="", key=None):
    (entry,) = log.append([Publication(topic, Event(data), key)])
    return entry


def fill(log, *topics):
    return [append(log, topic, f"{topic} {number}") for number, topic in enumerate(topics, start=1)]


def data(entries):
    return [EventStreamParser().feed(entry.wire)[0].data for entry in entries]


def read(log, topics, after=0, until=ALL, max_bytes=BIG):
    return log.read(topics, after, until, max_bytes)[0]


# ids


def test_positions_count_over_all_topics(make_log):
    assert [entry.position for entry in fill(make_log(), "a", "b", "a")] == [1, 2, 3]


def test_ids_are_short_ascii_and_unique(make_log):
    ids = [entry.id for entry in fill(make_log(), *"ab" * 500)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(r"[0-9a-f]+-[0-9]+", id) and len(id) < 32 for id in ids)


def test_ids_increase(make_log):
    numbers = [int(entry.id.partition("-")[2]) for entry in fill(make_log(), *"ab" * 20)]
    assert numbers == sorted(set(numbers))


def test_the_wire_carries_the_id_and_the_whole_event(make_log):
    entry = make_log().append([Publication("a", Event("one\ntwo", event="greeting", retry=5))])[0]
    assert EventStreamParser().feed(entry.wire) == [Event("one\ntwo", event="greeting", id=entry.id, retry=5)]
    assert entry.topic == "a"


def test_two_logs_have_different_marks(make_log):
    first = append(make_log(), "a").id
    time.sleep(0.002)  # the mark is a time in milliseconds, and a restart takes longer
    second = append(make_log(), "a").id
    assert first.partition("-")[0] != second.partition("-")[0]


# seek


def test_seek_without_anything_is_the_end(log):
    assert log.seek(["a"]) == 0
    fill(log, "a", "b")
    assert log.seek(["a"]) == 2
    assert log.seek(["nothing"]) == 2


def test_seek_finds_the_place_after_an_id_whatever_its_topic(log):
    entries = fill(log, "a", "b", "a")
    assert [log.seek(["a"], entry.id) for entry in entries] == [1, 2, 3]


@pytest.mark.parametrize(
    "garbage", ["7", "-", "-1", "x-1", "é", "{mark}", "{mark}-", "{mark}-x", "{mark}--1", "{mark}-+1"]
)
def test_seek_knows_no_id_that_is_none_of_its_own(log, garbage):
    mark = fill(log, "a", "a")[0].id.partition("-")[0]
    assert log.seek(["a"], garbage.format(mark=mark)) is None


@pytest.mark.parametrize("digits", ["1_0", "²", "٣", " 1", "1 ", "9" * 5000])
def test_seek_takes_ascii_digits_only_and_not_too_many(log, digits):
    mark = fill(log, *"a" * 12)[0].id.partition("-")[0]
    assert log.seek(["a"], f"{mark}-{digits}") is None


def test_seek_knows_no_id_of_another_log(make_log):
    log = make_log()
    time.sleep(0.002)
    other = make_log()
    fill(log, "a")
    assert log.seek(["a"], fill(other, "a")[0].id) is None


def test_seek_knows_no_id_of_the_future(log):
    mark = fill(log, "a")[0].id.partition("-")[0]
    assert log.seek(["a"], f"{mark}-1") == 1
    assert log.seek(["a"], f"{mark}-2") is None


def test_an_id_wins_over_recent(log):
    entries = fill(log, "a", "a", "a")
    assert log.seek(["a"], entries[1].id, recent=3) == 2


def test_recent_counts_over_all_the_topics_together(log):
    fill(log, "a", "b", "c", "a", "c", "b")
    for recent, expected in [
        (1, ["b 6"]),
        (2, ["a 4", "b 6"]),
        (3, ["b 2", "a 4", "b 6"]),
        (9, ["a 1", "b 2", "a 4", "b 6"]),
    ]:
        assert data(read(log, ["a", "b"], log.seek(["a", "b"], recent=recent))) == expected


def test_recent_of_a_topic_without_events_is_the_end(log):
    fill(log, "a")
    assert log.seek(["b"], recent=5) == 1


# read


def test_read_gives_one_topic_in_order(log):
    fill(log, "a", "b", "a")
    assert data(read(log, ["a"])) == ["a 1", "a 3"]


def test_read_merges_topics_in_the_order_of_their_ids(log):
    fill(log, "b", "a", "c", "b", "a", "c")
    assert data(read(log, ["a", "b"])) == ["b 1", "a 2", "b 4", "a 5"]
    assert data(read(log, ["c", "b", "a"])) == ["b 1", "a 2", "c 3", "b 4", "a 5", "c 6"]


def test_read_is_after_one_position_and_up_to_and_with_another(log):
    fill(log, *"aaaaa")
    assert data(read(log, ["a"], after=1, until=4)) == ["a 2", "a 3", "a 4"]
    assert read(log, ["a"], after=5) == []
    assert read(log, ["a"], after=2, until=2) == []


def test_read_stops_once_it_has_enough_bytes_and_goes_on_from_there(log):
    entries = fill(log, *"aaaa")
    size = len(entries[0].wire)
    assert data(read(log, ["a"], max_bytes=size)) == ["a 1"]
    assert data(read(log, ["a"], max_bytes=size + 1)) == ["a 1", "a 2"]
    assert data(read(log, ["a"], after=2, max_bytes=2 * size)) == ["a 3", "a 4"]


def test_read_gives_one_event_however_large(log):
    append(log, "a", "x" * 10_000)
    assert len(read(log, ["a"], max_bytes=1)) == 1


def test_read_of_nothing(log):
    assert log.read(["a"], 0, ALL, BIG) == ([], 0)
    assert log.read([], 0, ALL, BIG) == ([], 0)


# eviction


def test_the_newest_events_are_kept(make_log):
    log = make_log(log_events=3)
    fill(log, *"aaaaa")
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert data(entries) == ["a 3", "a 4", "a 5"]
    assert dropped_up_to == 2


def test_no_more_bytes_are_kept_than_allowed(make_log):
    size = len(append(make_log(), "a", "a 1").wire)
    log = make_log(log_bytes=3 * size)
    fill(log, *"aaaa")
    assert data(read(log, ["a"])) == ["a 2", "a 3", "a 4"]
    append(log, "a", "x" * size)  # of about the size of two
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert sum(len(entry.wire) for entry in entries) <= 3 * size
    assert entries[-1].position == 5
    assert dropped_up_to == entries[0].position - 1


def test_an_event_larger_than_the_log_is_dropped_at_once(make_log):
    log = make_log(log_bytes=100)
    fill(log, "a")
    append(log, "a", "x" * 200)
    assert log.read(["a"], 0, ALL, BIG) == ([], 2)
    fill(log, "a")
    assert [entry.position for entry in read(log, ["a"])] == [3]


def test_nothing_is_dropped_of_a_quiet_topic_beside_a_busy_one(make_log):
    log = make_log(log_events=2)
    fill(log, "quiet", "busy", "busy", "busy")
    assert log.read(["quiet"], 0, ALL, BIG)[1] == 0
    assert data(read(log, ["quiet"])) == ["quiet 1"]


def test_the_dropped_position_of_several_topics_is_the_latest(make_log):
    log = make_log(log_events=1)
    fill(log, "a", "b", "a", "b", "a")
    assert log.read(["a"], 0, ALL, BIG)[1] == 3
    assert log.read(["b"], 0, ALL, BIG)[1] == 2
    assert log.read(["a", "b"], 0, ALL, BIG)[1] == 3


def test_there_is_room_for_so_many_topics(make_log):
    log = make_log(max_topics=2)
    fill(log, "a", "b")
    with pytest.raises(LogFull, match="2 topics"):
        append(log, "c")
    assert append(log, "a").position == 3  # the refused one has taken no position


def test_what_is_too_old_is_dropped(make_log):
    log = make_log(log_age=0.05)
    fill(log, "a", "b")
    time.sleep(0.06)
    fill(log, "b")
    entries, dropped_up_to = log.read(["a", "b"], 0, ALL, BIG)
    assert [entry.position for entry in entries] == [3]
    assert dropped_up_to == 2


def test_a_topic_that_is_dropped_whole_makes_room_and_is_missed(make_log):
    log = make_log(log_age=0.05, max_topics=1)
    fill(log, "a", "a")
    time.sleep(0.06)
    fill(log, "b")
    assert log.read(["a"], 0, ALL, BIG) == ([], 2), "who comes back for it is told"
    time.sleep(0.06)
    fill(log, "a")
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert [entry.position for entry in entries] == [4]
    assert dropped_up_to >= 2, "also when there is a new one of the same name"


def test_the_oldest_of_all_topics_make_room(make_log):
    size = len(append(make_log(), "a", "a 1").wire)
    log = make_log(log_bytes=4 * size)
    fill(log, *"abcab")
    assert data(read(log, "abc")) == ["b 2", "c 3", "a 4", "b 5"]


# keys


def test_an_event_takes_the_place_of_the_one_with_its_key(log):
    for n, key in enumerate("xyxz", start=1):
        append(log, "a", f"{key} {n}", key)
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert data(entries) == ["y 2", "x 3", "z 4"]
    assert [entry.key for entry in entries] == ["y", "x", "z"]
    assert dropped_up_to == 0, "nothing is missing: there is a newer one"
    assert data(read(log, ["a"], after=2)) == ["x 3", "z 4"]
    assert data(read(log, ["a"], after=log.seek(["a"], recent=2))) == ["x 3", "z 4"]


def test_what_has_a_key_stays_when_it_is_old(make_log):
    log = make_log(log_age=0.05)
    append(log, "a", "kept", key="x")
    append(log, "b", "old")
    time.sleep(0.06)
    append(log, "b", "new")
    assert data(read(log, ["a", "b"])) == ["kept", "new"]


def test_there_are_only_so_many_keys(make_log):
    log = make_log(log_events=2)
    for key in "xyz":
        append(log, "a", key, key)
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert (data(entries), dropped_up_to) == (["y", "z"], 1)


def test_keys_make_room_when_nothing_else_can(make_log):
    size = len(append(make_log(), "a", "0", "0").wire)
    log = make_log(log_bytes=3 * size + 10)
    for n in range(5):
        append(log, "a", str(n), str(n))
    append(log, "b", "5", None)
    assert data(read(log, ["a", "b"])) in (["2", "3", "4"], ["3", "4", "5"])


# batches


def test_a_batch_is_all_or_nothing(make_log):
    log = make_log(max_topics=2)
    fill(log, "a")
    with pytest.raises(LogFull):
        log.append([Publication(topic, Event("x")) for topic in "abc"])
    assert data(read(log, "abc")) == ["a 1"]
    assert [entry.position for entry in log.append([Publication(topic, Event("y")) for topic in "ab"])] == [2, 3]


def test_idempotency_keys_are_remembered_the_newest(make_log):
    log = make_log(idempotency_keys=2)
    for n in range(3):
        log.append([Publication("a", Event(str(n)), None, (f"key {n}", b"%d" % n))])
    assert [entry.id for entry in read(log, ["a"], after=1)] == [id for _, id in log.idempotency_keys.values()]
    assert list(log.idempotency_keys) == ["key 1", "key 2"]
    assert log.idempotency_keys["key 2"][0] == b"2"


# threads


def test_several_threads_append_without_a_gap_and_in_order(make_log):
    log = make_log(log_events=100_000)

    def publish(publisher):
        return [append(log, f"topic{number % 3}", f"{publisher} {number}") for number in range(PER_THREAD)]

    with ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(publish, range(8)))
    entries = read(log, ["topic0", "topic1", "topic2"])
    assert [entry.position for entry in entries] == list(range(1, 8 * PER_THREAD + 1))
    for own in appended:  # to each thread its own events came one after the other
        assert [entry.position for entry in own] == sorted(entry.position for entry in own)
    assert sorted(entry for own in appended for entry in own) == entries


def test_a_reader_beside_writers_sees_each_position_once(make_log):
    log = make_log(log_events=100_000)

    def publish(publisher):
        for number in range(PER_THREAD):
            append(log, "a", f"{publisher} {number}")

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(publish, publisher) for publisher in range(3)]
        seen = []
        while len(seen) < 3 * PER_THREAD:
            finished = all(future.done() for future in running)
            seen += [entry.position for entry in read(log, ["a"], after=seen[-1] if seen else 0, max_bytes=1000)]
            assert seen or not finished
    assert seen == list(range(1, 3 * PER_THREAD + 1))
