"""What only a log on disk promises. What it shares with the one in memory is in test_every_log.py."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from support import Reader, Told

from sse_demo import Event, LogError, LogUncertain, Settings, SqliteLog, listen, serve
from sse_demo.logs.contract import Publication
from sse_demo.logs.sqlite import file
from sse_demo.logs.sqlite.counts import row_cost

ALL = 2**62


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def append(log, *data, key=None):
    """The entries that the log tells its followers of."""
    told = Told()
    log.follow(told)
    log.append([Publication("a", Event(text).encode(), key) for text in data])
    log.unfollow(told)
    return told.entries


def wires(log, after=0):
    return [entry.wire for entry in log.read(["a"], after, ALL, ALL)[0]]


def test_what_was_appended_is_there_again(path):
    with closing(SqliteLog(path)) as log:
        before = append(log, "1", "2")
    with closing(SqliteLog(path)) as log:
        entries, dropped_up_to = log.read(["a"], 0, ALL, ALL)
        assert (entries, dropped_up_to) == (before, 0)
        assert log.seek(["a"]) == 2
        assert log.seek(["a"], before[0].id) == 1
        (after,) = append(log, "3")
        assert after.position == 3
        assert after.id.partition("-")[0] != before[0].id.partition("-")[0]
        assert [log.seek(["a"], entry.id) for entry in [*before, after]] == [1, 2, 3]


def test_what_it_had_dropped_is_still_missing(path):
    with closing(SqliteLog(path, Settings(log_events=1))) as log:
        append(log, "1", "2")
    with closing(SqliteLog(path)) as log:
        assert log.read(["a"], 0, ALL, ALL)[1] == 1


def test_the_idempotency_keys_are_there_again(path):
    publication = Publication("a", b"data: x\n\n", None, ("key", b"print"))
    with closing(SqliteLog(path)) as log:
        (id,) = log.append([publication])
    with closing(SqliteLog(path)) as log:
        assert log.append([publication]) == [id]


def test_an_id_that_a_crash_has_taken_back_is_unknown(path):
    with closing(SqliteLog(path)) as log:
        kept, lost = append(log, "kept", "lost")
    with closing(sqlite3.connect(path)) as db, db:  # as after a power cut, where the disk had lied
        db.execute("DELETE FROM entries WHERE position = 2")
    with closing(SqliteLog(path)) as log:
        (other,) = append(log, "other")
        assert other.position == lost.position
        assert log.seek(["a"], kept.id) == 1
        assert log.seek(["a"], lost.id) is None
        assert log.seek(["a"], other.id) == 2


def test_two_servers_do_not_share_a_file(path):
    with closing(SqliteLog(path)), pytest.raises(LogError, match=r"events\.db is in use by another server"):
        SqliteLog(path)
    SqliteLog(path).close()


@pytest.mark.parametrize("content", [b"this is no database " * 100, None])
def test_another_file_is_left_alone(path, content):
    if content:
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE precious (x)")
    before = path.read_bytes()
    with pytest.raises(LogError, match=r"events\.db"):
        SqliteLog(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(LogError, match="nowhere"):
        SqliteLog(tmp_path / "nowhere" / "events.db")
    with pytest.raises(LogError, match="nowhere"):
        serve(log=tmp_path / "nowhere" / "events.db")


def test_only_so_many_starts_are_remembered(path, monkeypatch):
    monkeypatch.setattr("sse_demo.logs.sqlite.file.ERAS", 2)
    ids = []
    for n in range(4):
        with closing(SqliteLog(path)) as log:
            ids.append(append(log, str(n))[0].id)
    with closing(SqliteLog(path)) as log:
        assert [log.seek(["a"], id) for id in ids] == [None, None, None, 4], "the fifth start counts, too"


@pytest.mark.parametrize("limit", [{"log_bytes": 10 * row_cost(b"x" * 30, None)}, {"log_events": 10}], ids=str)
def test_a_smaller_limit_holds_from_the_start_on(path, limit):
    with closing(SqliteLog(path)) as log:
        append(log, *map(str, range(100)))
    with closing(SqliteLog(path, Settings(**limit))) as log:
        entries, dropped_up_to = log.read(["a"], 0, ALL, ALL)
        assert 5 < len(entries) <= 10
        assert dropped_up_to == 100 - len(entries)
        append(log, "last")
        assert wires(log)[-1].endswith(b"data: last\n\n")
        assert len(wires(log)) <= 11


@pytest.mark.parametrize(("size", "has_keys"), [(1, False), (100, False), (100, True), (1_000, False), (20_000, False)])
def test_the_budget_is_what_it_really_takes_on_the_disk(path, size, has_keys):
    with closing(SqliteLog(path, Settings(log_events=10**9))) as log:
        for n in range(0, 2_000, 100):
            event = Event("x" * size).encode()
            log.append([Publication("a", event, f"key {n + m}" if has_keys else None) for m in range(100)])
        count = log._counts.topics["a"].events
        counted = log._counts.size / count
    taken = path.stat().st_size / count
    assert 0.75 * taken < counted < 1.35 * taken


def test_fewer_idempotency_keys_are_remembered_from_the_start_on(path):
    def publication(n):
        return Publication("a", b"data: x\n\n", None, (f"key {n}", b"print"))

    with closing(SqliteLog(path)) as log:
        ids = log.append([publication(n) for n in range(5)])
    with closing(SqliteLog(path, Settings(idempotency_keys=2))) as log:
        assert log.append([publication(3), publication(4)]) == ids[3:]
        assert log.append([publication(0)]) != ids[:1]


def test_a_lot_that_is_too_old_goes_step_by_step(path, monkeypatch):
    monkeypatch.setattr("sse_demo.logs.sqlite.log.DROPS_AT_ONCE", 10)
    with closing(SqliteLog(path, Settings(log_age=0.05))) as log:
        append(log, *map(str, range(50)))
        time.sleep(0.06)
        left = []
        while not left or left[-1]:
            append(log, "new")
            left.append(sum(not wire.endswith(b"data: new\n\n") for wire in wires(log)))
    assert left[0] > 20
    assert len(left) < 6


def test_a_disk_that_is_full_is_told_to_the_publisher_and_the_log_goes_on(path):
    with serve(log=path) as server:
        first = server.publish("a", "before")
        limit = server.hub.log._db.execute("PRAGMA page_count").fetchone()[0] + 5
        server.hub.log._db.execute(f"PRAGMA max_page_count = {limit}")  # as a full disk, to SQLite
        with pytest.raises(LogError, match="does not take events: database or disk is full"):
            server.publish("a", "x" * 100_000)
        request = urllib.request.Request(f"{server.url}/events?topic=a", b"x" * 100_000, {"Content-Type": "text/plain"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 503
        assert refused.value.headers["Retry-After"]
        refused.value.close()
        server.hub.log._db.execute("PRAGMA max_page_count = 1000000")
        server.publish("a", "after")
        with listen(f"{server.url}/events?topic=a", last_event_id=first) as events:
            assert next(events).data == "after"


def test_a_reader_does_not_pass_over_what_is_not_committed_yet(path, monkeypatch):
    with closing(SqliteLog(path)) as log:
        insert, inserted, go = log._insert, threading.Event(), threading.Event()

        def slow_insert(*arguments):
            entry = insert(*arguments)
            inserted.set()
            go.wait(5)
            return entry

        monkeypatch.setattr(log, "_insert", slow_insert)
        writer = threading.Thread(target=append, args=(log, "x"))
        writer.start()
        inserted.wait(5)
        starts = [log.seek(["a"]), log.seek(["a"], recent=5)]
        go.set()
        writer.join()
        assert starts == [0, 0]
        assert len(wires(log, after=starts[0])) == 1


def test_many_publishers_share_a_commit(path):
    batches = []
    with serve(log=path) as server:
        append, go = server.hub.log.append, threading.Event()

        def slow_append(batch):
            batches.append(len(batch))
            go.wait(5)
            return append(batch)

        server.hub.log.append = slow_append
        publishers = [threading.Thread(target=server.publish, args=("a", str(n))) for n in range(20)]
        for publisher in publishers:
            publisher.start()
        while not (batches and len(server.hub._publishers[0]._sizes) == 20):
            time.sleep(0.001)
        go.set()
        for publisher in publishers:
            publisher.join()
    assert len(batches) <= 2
    assert sum(batches) == 20


def test_the_stream_goes_on_while_the_disk_is_slow(path):
    with serve(log=path) as server, Reader(server, "topic=a") as reader:
        append, go = server.hub.log.append, threading.Event()
        server.publish("a", "before")

        def slow_append(batch):
            go.wait(5)
            return append(batch)

        server.hub.log.append = slow_append
        publisher = threading.Thread(target=server.publish, args=("a", "late"))
        publisher.start()
        assert reader.take(1) == ["before"]
        assert urllib.request.urlopen(f"{server.url}/ping", timeout=2).status == 200
        go.set()
        publisher.join()
        assert reader.take(2) == ["before", "late"]


class Service:
    """``python -m sse_demo serve --log`` in a process that can be killed."""

    def __init__(self, path, port=0):
        options = ["--port", str(port), "--log", str(path), "--set", "retry=0.1"]
        command = [sys.executable, "-m", "sse_demo", "serve", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http://[^/ ]+", self.process.stdout.readline())[0]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()


def test_a_kill_in_mid_publish_takes_nothing_that_was_acknowledged(path):
    acknowledged, stop = [], threading.Event()
    service = Service(path)
    url = f"{service.url}/events?topic=a"

    def publish(name):
        """Each event under a key of its own, again and again until it is acknowledged."""
        n = 0
        while True:
            headers = {"Content-Type": "text/plain", "Idempotency-Key": f"{name} {n}"}
            try:
                with urllib.request.urlopen(urllib.request.Request(url, f"{name} {n}".encode(), headers), timeout=5):
                    acknowledged.append(f"{name} {n}")
                    n += 1
                if stop.is_set():
                    return
            except OSError:
                time.sleep(0.01)  # it is being started again

    received = []
    publishers = [threading.Thread(target=publish, args=(name,)) for name in "xyz"]
    with listen(f"{url}&recent=10000") as events:
        for publisher in publishers:
            publisher.start()
        for _ in range(3):
            target = len(received) + 100
            while len(received) < target:
                received.append(next(events).data)
            service.kill()
            service = Service(path, service.port)
        stop.set()
        for publisher in publishers:
            publisher.join()
        while len(received) < len(acknowledged):
            received.append(next(events).data)
    service.kill()
    assert sorted(received) == sorted(acknowledged), "nothing lost, nothing twice"
    for name in "xyz":
        own = [text for text in received if text.startswith(name)]
        assert own == [f"{name} {n}" for n in range(len(own))]


# what was there before


def test_a_file_of_the_version_before_is_brought_up_to_date(path, eventually):
    """Its snapshots were entries of a topic of their own, each after the change that had led to it, with an id."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in file._SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {file.APPLICATION}")
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO eras VALUES (1, 'mark')")
        db.execute("INSERT INTO topics VALUES (1, '', 0), (2, 's', 0), (3, '#snapshots', 0), (4, 'a', 0)")
        wires = [
            Event('{"n":1}', event="snapshot", id="mark-1").encode(),
            Event('{"n":1}', event="snapshot", id="mark-2").encode(),
            Event("plain", id="mark-3").encode(),
        ]
        for position, (topic, key, wire) in enumerate(zip((2, 3, 4), (None, "s", None), wires, strict=True), start=1):
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (position, topic, key, time.time(), wire))
    with serve(log=path, state=["s"]) as server:
        snapshot = server.hub.log.snapshot("s")
        assert (snapshot.id, snapshot.block) == ("mark-1", Event('{"n":1}', event="snapshot").encode())
        assert server.publish("s", '{"n": 1}') == "mark-1"
        with Reader(server, "topic=s&topic=a&recent=9") as reader:
            eventually(lambda: server.hub.subscribers == 1)  # what is recent is looked up first
            server.publish("s", '{"n": 2}')
            events = reader.read(lambda events: len(events) == 3)
            assert [event.data for event in events] == ['{"n":1}', "plain", '{"n":2}']


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entries SET wire = 'text' WHERE position = 2",
        "UPDATE entries SET time = 'yesterday' WHERE position = 2",
        "UPDATE entries SET topic = 99 WHERE position = 2",
        "UPDATE snapshots SET block = 7",
        "UPDATE snapshots SET block = x'ff00'",
        "UPDATE snapshots SET topic = 99",
        "INSERT INTO idempotency (key, fingerprint, id) VALUES (x'00', 'text', 7)",
        "UPDATE eras SET mark = 7.5",
        "UPDATE topics SET dropped_up_to = 'far' WHERE name = 's'",
    ],
)
def test_what_cannot_be_read_does_not_keep_a_log_from_opening(path, damage, caplog):
    with serve(log=path, state=["s"]) as server:
        server.publish("a", "1")
        server.publish("a", "2")
        server.publish("s", '{"n": 1}')
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        db.execute(damage)
    with serve(log=path, state=["s"]) as server:
        server.publish("s", '{"n": 2}')
        server.publish("a", "3")
        with Reader(server, "topic=a&recent=9") as reader:
            assert reader.read(lambda events: events and events[-1].data == "3")[0].data == "1"
        with Reader(server, "topic=s") as reader:
            assert reader.take(1) == ['{"n":2}']
    if "x'ff00'" not in damage and "mark" not in damage:
        assert "cannot be read" in caplog.text


def test_a_state_that_is_larger_than_the_limit_does_not_keep_a_log_from_opening(path):
    with serve(log=path, state=["s"], max_event_size=4_000_000) as server:
        server.publish("s", json.dumps({"filler": "x" * 2_000_000}))
    with serve(log=path, state=["s"]) as server, Reader(server, "topic=s") as reader:
        server.publish("s", '{"n": 1}')
        assert [(event.event, event.data) for event in reader.read(lambda events: events)] == [("snapshot", '{"n":1}')]


# the file under us


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_removed_or_replaced_is_noticed_before_anything_is_acknowledged(path, suffix, how):
    with serve(log=path) as server:
        server.publish("a", "1")
        there = path.with_name(path.name + suffix)
        moved = there.rename(there.with_suffix(".moved"))
        if how == "replaced":
            there.write_bytes(moved.read_bytes())
        with pytest.raises(LogError, match=r"events\.db was removed or replaced while it was in use"):
            server.publish("a", "2")
        with pytest.raises(urllib.error.HTTPError) as unhealthy:
            urllib.request.urlopen(f"{server.url}/health")
        assert unhealthy.value.code == 503
        unhealthy.value.close()
        moved.replace(there)
        server.publish("a", "3")
        with urllib.request.urlopen(f"{server.url}/health") as health:
            assert health.status == 200


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="there are no links here")
def test_a_link_is_another_name_of_the_same_file(path):
    link, hard = path.with_name("link.db"), path.with_name("hard.db")
    with closing(SqliteLog(path)):
        link.symlink_to(path)
        with pytest.raises(LogError, match="in use by another server"):
            SqliteLog(link)
        os.link(path, hard)
        with pytest.raises(LogError, match="more than one name"):
            SqliteLog(hard)


def test_a_file_that_another_program_holds_is_told_to_all_who_wait_at_once(path, monkeypatch):
    monkeypatch.setattr("sse_demo.logs.sqlite.file.BUSY_TIMEOUT", 0.5)
    with serve(log=path, live=True) as server, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        failed = []

        def publish():
            begin = time.monotonic()
            with pytest.raises(LogError, match="locked"):
                server.publish("a", "x")
            failed.append(time.monotonic() - begin)

        publishers = [threading.Thread(target=publish) for _ in range(6)]
        for publisher in publishers:
            publisher.start()
        while any(publisher.is_alive() for publisher in publishers):
            begin = time.monotonic()
            urllib.request.urlopen(f"{server.url}/ping").close()
            assert time.monotonic() - begin < 0.4, "the event loop does not wait"
        assert max(failed) < 4 * 0.5, "and not one after the other"
        other.execute("ROLLBACK")
        with listen(f"{server.url}/events?topic=machine") as machine:
            next(machine)  # it has not ended with the first error


def test_an_error_of_the_disk_in_the_middle_leaves_it_unknown(path, monkeypatch):
    class Broken(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC

    with closing(SqliteLog(path)) as log:
        monkeypatch.setattr(log, "_drop_to_fit", lambda: (_ for _ in ()).throw(Broken("disk I/O error")))
        with pytest.raises(LogUncertain, match=r"events\.db may have lost"):
            append(log, "x")
        monkeypatch.undo()
        assert [entry.position for entry in append(log, "y")] == [1]


def test_a_clock_that_was_ahead_keeps_nothing_alive(path, monkeypatch):
    monkeypatch.setattr("sse_demo.logs.sqlite.log.DROPS_AT_ONCE", 10)
    now = time.time()
    with closing(SqliteLog(path, Settings(log_age=3600))) as log:
        for clock in (now + 10**7, now):
            monkeypatch.setattr(time, "time", lambda clock=clock: clock)
            append(log, *map(str, range(15)))
        monkeypatch.setattr(time, "time", lambda: now + 4000)
        for _ in range(4):
            append(log, "new")
        assert [wire.partition(b"data: ")[2] for wire in wires(log)] == [b"new\n\n"] * 4


def test_the_newest_of_many_topics_are_found_without_reading_all_of_them(path):
    with closing(SqliteLog(path)) as log:
        topics = [f"t{n}" for n in range(40)]
        for n in range(100):
            log.append([Publication(topic, b"data: x\n\n") for topic in topics[: 1 + n % 40]])
        positions = [entry.position for entry in log.read(topics, 0, ALL, ALL)[0]]
        for recent in (1, 7, 500, 10**6):
            assert log.seek(topics, recent=recent) == (positions[-recent] if recent <= len(positions) else 1) - 1
        few = log.read(["t39", "t38"], 0, ALL, ALL)[0]
        assert log.seek(["t39", "t38"], recent=3) == few[-3].position - 1


def test_a_topic_that_has_its_second_event_in_a_batch_does_not_make_room_in_it(path):
    with closing(SqliteLog(path, Settings(max_topics=2))) as log:
        for batch in (["A"], ["B"], ["A", "C"]):
            log.append([Publication(topic, b"data: x\n\n") for topic in batch])
        assert [entry.topic for entry in log.read("ABC", 0, ALL, ALL)[0]] == ["A", "A", "C"]


def test_many_names_leave_nothing_behind(path):
    with closing(SqliteLog(path, Settings(max_topics=10))) as log:
        for n in range(200):
            log.append([Publication(f"name/{n}", b"data: x\n\n")])
        assert len(log._counts.names) == len(log._counts.topics) == 10


def test_lowered_limits_keep_the_newest(path):
    with closing(SqliteLog(path)) as log:
        for n in range(30):
            snapshot = Event("x" * 50_000, event="snapshot").encode()
            log.append([Publication(f"s{n}", b"data: x\n\n", snapshot=snapshot), Publication("a", b"data: x\n\n")])
    with closing(SqliteLog(path, Settings(log_bytes=500_000))) as log:
        kept = [n for n in range(30) if log.snapshot(f"s{n}")]
        assert kept == list(range(30 - len(kept), 30))
        assert 8 <= len(kept) <= 10
    with closing(SqliteLog(path, Settings(max_topics=3))) as log:
        assert set(log._counts.topics) == {"a", "s28", "s29"}
        append(log, "still")
    with closing(SqliteLog(path, Settings(log_age=0.001))) as log:
        time.sleep(0.01)
        assert log.snapshot("s29")
    with closing(SqliteLog(path, Settings(log_age=0.001))) as log:
        assert wires(log) == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE topics SET name = CAST(x'ff' AS TEXT) WHERE name = 'a'",
        "UPDATE idempotency SET key = CAST(x'ff' AS TEXT)",
        "UPDATE eras SET mark = CAST(x'ff' AS TEXT)",
        "UPDATE entries SET position = 9223372036854775807 WHERE position = 2",
        "UPDATE topics SET dropped_up_to = 9223372036854775807 WHERE name = 'a'",
        "UPDATE topics SET dropped_up_to = 'far' WHERE name = ''",
        "DELETE FROM topics",
    ],
)
def test_a_damaged_row_does_not_make_the_rest_useless(path, damage):
    with closing(SqliteLog(path)) as log:
        log.append([Publication("a", b"data: x\n\n", None, ("key", b"print")), Publication("b", b"data: x\n\n")])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(damage)
    with serve(log=path) as server:
        ids = [server.publish(topic, "new") for topic in "abc"]
        with Reader(server, "topic=a&topic=b&topic=c&recent=3") as reader:
            assert [event.id for event in reader.read(lambda events: len(events) == 3)] == ids
