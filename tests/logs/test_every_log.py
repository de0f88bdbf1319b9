"""What each log promises: one suite for all of them. A third log only has to be added to ``LOGS``."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from fake_engine import Engine, SharedLog
from support import Told

from sse_demo import Event, EventStreamParser, MemoryLog, Settings, SqliteLog
from sse_demo.errors import IdempotencyConflict, LogFull, Overtaken, Rejected
from sse_demo.logs import memory
from sse_demo.logs.contract import Publication
from sse_demo.logs.sqlite import counts

ALL = 2**62
BIG = 2**40
PER_THREAD = 300

LOGS = {
    "memory": lambda path, settings: MemoryLog(settings),
    "sqlite": SqliteLog,
    "shared": lambda path, settings: SharedLog(Engine(settings), settings),  # by several nodes, on an engine
}


@pytest.fixture(params=LOGS)
def make_log(request, tmp_path):
    """Every promise of a log is one of all. ``make_log(log_events=3)`` makes a new one with these settings."""
    with ExitStack() as opened:

        def make(**settings):
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
            return opened.enter_context(closing(LOGS[request.param](path, Settings(**settings))))

        yield make


@pytest.fixture
def log(make_log):
    return make_log()


def publication(topic, data="", key=None, **more):
    return Publication(topic, Event(data).encode(), key, **more)


def append(log, topic, data="", key=None):
    """The entry that the log tells its followers of."""
    told = Told()
    log.follow(told)
    (id,) = log.append([publication(topic, data, key)])
    log.unfollow(told)
    (entry,) = told.entries
    assert entry.id == id
    return entry


def fill(log, *topics):
    return [append(log, topic, f"{topic} {number}") for number, topic in enumerate(topics, start=1)]


def cost(log, *entries, topics=0):
    """The bytes of ``log_bytes`` that these entries take by the log's own count, and so many topics."""
    if isinstance(log, MemoryLog):
        return sum(map(memory.cost_of, entries)) + topics * (memory.TOPIC_OVERHEAD + 1)
    return sum(counts.row_cost(entry.wire, entry.key) for entry in entries)


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
    log = make_log()
    log.append([Publication("a", Event("one\ntwo", event="greeting", retry=5).encode())])
    (entry,) = read(log, ["a"])
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
    first = make_log()
    size = cost(first, append(first, "a", "a 1"))
    log = make_log(log_bytes=3 * size + cost(first, topics=1))
    fill(log, *"aaaa")
    assert data(read(log, ["a"])) == ["a 2", "a 3", "a 4"]
    append(log, "a", "x" * size)  # of about the size of two
    entries, dropped_up_to = log.read(["a"], 0, ALL, BIG)
    assert cost(log, *entries) <= 3 * size
    assert entries[-1].position == 5
    assert dropped_up_to == entries[0].position - 1


def test_an_event_larger_than_the_log_is_dropped_at_once(make_log):
    log = make_log(log_bytes=1_000)
    fill(log, "a")
    append(log, "a", "x" * 1_100)
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
    fill(log, "a", "b")
    with pytest.raises(Rejected, match="2 topics"):
        append(log, "c")
    assert append(log, "a").position == 5  # the refused one has taken no position


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
    first = make_log()
    log = make_log(log_bytes=4 * cost(first, append(first, "a", "a 1")) + cost(first, topics=3))
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


def test_keys_make_room_in_their_turn(make_log):
    first = make_log()
    log = make_log(log_bytes=3 * cost(first, append(first, "a", "0", "0")) + 10 + cost(first, topics=2))
    for n in range(5):
        append(log, "a", str(n), str(n))
    append(log, "b", "5")
    assert data(read(log, ["a", "b"])) == ["3", "4", "5"]


# batches


def refusals(log, *publications):
    """By place: why the log has refused a publication of this batch."""
    with pytest.raises(Rejected) as rejected:
        log.append(publications)
    return {number: type(cause) for number, cause in rejected.value.causes.items()}


def test_a_batch_is_all_or_nothing(make_log):
    log = make_log(max_topics=2)
    fill(log, "a", "a")
    assert refusals(log, *map(publication, "abcdb")) == {2: LogFull, 3: LogFull}
    assert data(read(log, "abcd")) == ["a 1", "a 2"]
    ids = log.append([publication(topic, "y") for topic in "ab"])
    assert [entry.id for entry in read(log, "ab", after=2)] == ids
    assert [entry.position for entry in read(log, "ab", after=2)] == [3, 4]


def test_followers_are_told_of_each_batch_in_order_when_it_can_be_read(make_log):
    log = make_log(log_events=1)

    class Reads(Told):
        def appended(self, entries):
            assert log.seek(()) == entries[-1].position
            assert read(log, ["a"]) == [entries[-1]]
            super().appended(entries)

    one, other = Reads(), Reads()
    log.follow(one)
    log.append([publication("a", "1"), publication("a", "2")])
    log.follow(other)
    log.append([publication("a", "3")])
    log.unfollow(one)
    log.append([publication("a", "4")])
    assert data(one.entries) == ["1", "2", "3"], "those that were dropped at once, too"
    assert data(other.entries) == ["3", "4"]


# idempotency keys


def with_key(data, key):
    return publication("a", data, idempotency=(key, data.encode()))


def test_a_known_key_is_given_the_id_of_the_first(make_log):
    log = make_log()
    (first,) = log.append([with_key("x", "k")])
    again, other = log.append([with_key("x", "k"), with_key("x", "l")])
    assert again == first != other
    assert data(read(log, ["a"])) == ["x", "x"]


def test_the_same_key_twice_in_a_batch_is_one_event(log):
    one, again, other = log.append([with_key("x", "k"), with_key("x", "k"), with_key("y", "l")])
    assert one == again != other
    assert data(read(log, ["a"])) == ["x", "y"]


def test_a_key_with_another_event_is_a_conflict(log):
    log.append([with_key("x", "k")])
    assert refusals(log, with_key("z", "n"), with_key("y", "k"), with_key("y", "n")) == {
        1: IdempotencyConflict,
        2: IdempotencyConflict,
    }
    assert data(read(log, ["a"])) == ["x"]


def test_the_newest_keys_are_remembered(make_log):
    log = make_log(idempotency_keys=2)
    ids = [log.append([with_key("x", str(n))])[0] for n in range(3)]
    assert log.append([with_key("x", "1"), with_key("x", "2")]) == ids[1:]
    assert log.append([with_key("x", "0")]) != ids[:1]


# snapshots


def change(log, topic, n, after=None):
    """A change of a state: its event and its snapshot."""
    known = log.snapshot(topic)
    position = (known.position if known else 0) if after is None else after
    return publication(topic, f"patch {n}", snapshot=Event(str(n), event="snapshot").encode(), after=position)


def test_the_newest_snapshot_stands_beside_its_topic(log):
    assert log.snapshot("s") is None
    for n in range(3):
        (id,) = log.append([change(log, "s", n)])
        snapshot = log.snapshot("s")
        assert (snapshot.id, snapshot.block) == (id, Event(str(n), event="snapshot").encode())
    assert data(read(log, ["s"])) == ["patch 0", "patch 1", "patch 2"]
    assert log.snapshot("other") is None


def test_a_change_of_a_state_that_has_changed_meanwhile_is_overtaken(log):
    log.append([change(log, "s", 1)])
    assert refusals(log, change(log, "s", 2, after=0), publication("a")) == {0: Overtaken}
    assert refusals(log, change(log, "s", 2), change(log, "s", 3)) == {1: Overtaken}
    assert refusals(log, change(log, "t", 2, after=1)) == {0: Overtaken}
    log.append([change(log, "s", 2), change(log, "t", 1)])
    assert data(read(log, ["s", "t"])) == ["patch 1", "patch 2", "patch 1"]


def test_a_snapshot_goes_with_its_topic(make_log):
    log = make_log(log_bytes=4_000)
    log.append([change(log, "s", "x" * 1_000)])
    assert log.snapshot("s")
    for _ in range(20):
        append(log, "a", "x" * 500)
    assert log.snapshot("s") is None
    assert log.read(["s"], 0, ALL, BIG) == ([], 1)
    log.append([change(log, "s", 2)])
    assert log.snapshot("s").block.endswith(b"data: 2\n\n")


def test_a_snapshot_stays_when_it_is_old(make_log):
    log = make_log(log_age=0.05)
    log.append([change(log, "s", 1)])
    time.sleep(0.06)
    append(log, "a")
    append(log, "a")
    assert log.snapshot("s").position == 1
    assert data(read(log, ["s"])) == []
    log.append([change(log, "s", 2)])
    assert data(read(log, ["s"])) == ["patch 2"]


# what makes room for what


def test_of_all_that_is_kept_the_oldest_goes_first(make_log):
    """900 orders a day, each a state of 7.5 KB: whatever is the oldest, no kind of topic outlives another one."""
    log = make_log(log_bytes=300_000, max_topics=10_000, log_age=1e9)
    for n in range(60):
        log.append([change(log, f"order/{n}", "x" * 7_500), publication("prices", str(n), key=str(n))])
        append(log, "news", str(n))
    assert data(read(log, ["news"]))[-1] == "59"
    kept = {topic: len(read(log, [topic])) for topic in ("news", "prices")}
    orders = sum(log.snapshot(f"order/{n}") is not None for n in range(60))
    assert orders - 1 <= kept["news"] <= orders + 1
    assert orders - 1 <= kept["prices"] <= orders + 1
    assert 10 < orders < 40
    assert log.dropped["log_bytes"] > 60


def test_what_made_room_before_it_was_too_old_is_counted(make_log):
    log = make_log(log_events=2, log_age=0.05, max_topics=1)
    fill(log, *"aaaa")
    assert dict(log.dropped) == {"log_events": 2}
    time.sleep(0.06)
    fill(log, "a")
    assert dict(log.dropped) == {"log_events": 2}, "those that were too old are not"


def test_topics_that_had_one_event_make_room_for_others(make_log):
    """A thousand names that somebody makes up do not keep the next one out, nor do they cost a topic that is in use."""
    log = make_log(max_topics=3)
    fill(log, "used", "used", *(f"made-up-{n}" for n in range(20)), "new", "new")
    assert data(read(log, ["used"])) == ["used 1", "used 2"]
    assert data(read(log, ["new"])) == ["new 23", "new 24"]
    assert log.read(["made-up-3"], 0, ALL, BIG) == ([], 21), "who comes back for it is told"
    assert log.dropped["max_topics"] == 19
    append(log, "newer", "x")
    append(log, "newest", "y")
    assert data(read(log, ["newer"])) == []
    assert data(read(log, ["newest"])) == ["y"]


# threads


def test_several_threads_append_without_a_gap_and_in_order(make_log):
    log = make_log(log_events=100_000)

    def publish(publisher):
        return [
            log.append([publication(f"topic{number % 3}", f"{publisher} {number}")])[0] for number in range(PER_THREAD)
        ]

    with ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(publish, range(8)))
    entries = read(log, ["topic0", "topic1", "topic2"])
    assert [entry.position for entry in entries] == list(range(1, 8 * PER_THREAD + 1))
    for own in appended:  # to each thread its own events came one after the other
        assert own == sorted(own, key=lambda id: int(id.partition("-")[2]))
    assert {id for own in appended for id in own} == {entry.id for entry in entries}


def test_a_reader_beside_writers_sees_each_position_once(make_log):
    log = make_log(log_events=100_000)

    def publish(publisher):
        for number in range(PER_THREAD):
            log.append([publication("a", f"{publisher} {number}")])

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(publish, publisher) for publisher in range(3)]
        seen = []
        while len(seen) < 3 * PER_THREAD:
            finished = all(future.done() for future in running)
            seen += [entry.position for entry in read(log, ["a"], after=seen[-1] if seen else 0, max_bytes=1000)]
            assert seen or not finished
    assert seen == list(range(1, 3 * PER_THREAD + 1))
