"""How a subscriber that lags reads on, first without sockets. That nothing is lost is in test_hub.py."""

import json

import pytest
from support import Reader

from sse_demo import Event, EventStreamParser, Hub, LogError, MemoryLog, Settings, serve
from sse_demo.hub.backlog import Backlog, Missed, Snapshots
from sse_demo.hub.position import Cursor
from sse_demo.logs.contract import Publication

BIG = "x" * 50_000
SMALL_BUFFER = 100_000


def log_of(*topics, **settings):
    log = MemoryLog(Settings(**settings))
    return log, log.append([Publication(topic, Event(topic).encode()) for topic in topics])


def batches(backlog, log, up_to, max_bytes=1):
    """What is sent, batch by batch."""
    is_more = True
    while is_more:
        blocks, events, missed, is_more = backlog.next_batch(log, up_to, max_bytes, log.snapshot)
        if blocks:
            is_more = True
            yield blocks, events, missed


def read(blocks):
    return EventStreamParser().feed(b"".join(blocks))


def test_the_urgent_come_first_and_each_id_says_how_far_both_are():
    log, ids = log_of("a", "a", "u", "a", "u")
    mark = ids[0].partition("-")[0]
    backlog = Backlog(("a", "u"), Settings(urgent=["u"]), Cursor(0, 0), Snapshots.NONE)
    seen = [event.id for blocks, _, _ in batches(backlog, log, 5) for event in read(blocks)]
    assert seen == [f"{mark}-{at}" for at in ("0-3", "0-5", "1-5", "2-5", "4-5")]


def test_snapshots_go_out_one_by_one():
    log = MemoryLog()
    for n in range(5):
        log.append([Publication(f"s{n}", b"data: x\n\n", snapshot=Event(BIG, event="snapshot").encode())])
    backlog = Backlog(tuple(f"s{n}" for n in range(5)), Settings(state=["*"]), Cursor(0, 0), Snapshots.ALL)
    given = [len(blocks) for blocks, _, _ in batches(backlog, log, 5)]
    assert given == [1] * 5


def test_a_snapshot_that_is_ahead_covers_what_was_not_delivered_yet():
    log = MemoryLog()
    for n in range(1, 4):
        snapshot = Event(str(n), event="snapshot").encode()
        log.append([Publication("s", Event(f"patch {n}").encode(), snapshot=snapshot, after=n - 1)])
    backlog = Backlog(("s",), Settings(state=["s"]), Cursor(1, 1), Snapshots.CHANGED)
    assert [event.data for blocks, _, _ in batches(backlog, log, 1) for event in read(blocks)] == ["3"]
    assert backlog.is_ahead_of(2)
    assert not backlog.is_ahead_of(3)
    assert list(batches(backlog, log, 3)) == []


def test_a_subscriber_of_states_is_told_when_one_of_them_is_gone():
    log, _ = log_of("s", "t", "t", log_events=1)
    backlog = Backlog(("s", "t"), Settings(state=["*"]), Cursor(0, 0), Snapshots.CHANGED)
    (blocks, events, missed), *_ = batches(backlog, log, 3, 10_000)
    assert missed is Missed.EXPIRED
    assert [event.event for event in read(blocks)] == ["reset", "message", "message"]
    assert events == 2


def test_who_begins_anew_is_told_once_and_gets_all_there_is():
    log, ids = log_of("a", "a")
    backlog = Backlog(("a",), Settings(), Cursor(9, 9), Snapshots.CHANGED)
    assert backlog.is_ahead_of(2)
    backlog.begin_anew()
    (blocks, events, missed), *rest = batches(backlog, log, 2, 10_000)
    reset, *messages = read(blocks)
    assert (missed, events, rest) == (Missed.UNKNOWN, 2, [])
    assert json.loads(reset.data) == {"reason": "unknown", "next_id": ids[0]}
    assert [event.id for event in messages] == ids


def test_urgent_topics_go_first_when_a_subscriber_lags_and_it_resumes_in_both(eventually):
    with serve(urgent=["u"]) as server:
        with Reader(server, "topic=a&topic=u", receive_buffer=SMALL_BUFFER) as slow:
            server.publish("a", "0")
            slow.take(1)
            for n in range(1, 400):
                server.publish("a", f"{n} {BIG}")
            server.publish("u", "fire")
            events = slow.read(lambda events: events[-1:] and events[-1].data == "fire")
            seen = len(events) - 1
            assert 0 < seen < 400, "the fire has overtaken what lay in wait"
            last_event_id = events[-1].id
            assert last_event_id.count("-") == 2
        with Reader(server, "topic=a&topic=u", last_event_id=last_event_id) as again:
            rest = again.take(400 - seen)
            assert [data.split()[0] for data in rest] == [str(n) for n in range(seen, 400)], "and no fire a second time"
            eventually(lambda: not server.hub._delivery._lagging)  # until then an id may have two positions
            server.publish("u", "out")
            event = again.read(lambda events: len(events) > 400 - seen)[-1]
            assert (event.data, event.id.count("-")) == ("out", 1)


def test_states_that_were_sent_are_sent_again_when_more_of_their_patches_are_lost():
    settings = Settings(state=["*"], log_events=1)
    hub = Hub(settings)
    hub.publish("a", '{"x": 1, "y": 1}')
    hub.publish("b", '{"z": 1}')
    backlog = Backlog(("a", "b"), settings, Cursor(2, 2), Snapshots.ALL)
    first = backlog.next_batch(hub.log, 2, 1, hub.log.snapshot)[0]
    hub.publish("a", '{"x": 2, "y": 1}')
    hub.publish("a", '{"x": 2, "y": 2}')
    rest = [event.data for blocks, _, _ in batches(backlog, hub.log, 4) for event in read(blocks)]
    assert [event.data for event in read(first)] == ['{"x":1,"y":1}']
    assert '{"x":2,"y":2}' in rest
    hub.close()


def test_a_log_that_cannot_be_read_for_a_moment_takes_nothing_away():
    log = MemoryLog()
    for topic in "ab":
        log.append([Publication(topic, b"data: x\n\n", snapshot=Event(topic, event="snapshot").encode())])
    fails = ["b"]

    def snapshot_of(topic):
        if topic in fails:
            fails.remove(topic)
            raise LogError("busy")
        return log.snapshot(topic)

    backlog = Backlog(("a", "b"), Settings(state=["*"]), Cursor(2, 2), Snapshots.ALL)
    with pytest.raises(LogError):
        backlog.next_batch(log, 2, 10_000, snapshot_of)
    blocks, *_ = backlog.next_batch(log, 2, 10_000, snapshot_of)
    assert [event.data for event in read(blocks)] == ["a", "b"]


def test_what_one_topic_loses_is_told_also_when_another_one_has_lost_more():
    log, _ = log_of(*"bbbbbb", *"aaaaaa")
    backlog = Backlog(("a", "b"), Settings(), Cursor(0, 0), Snapshots.NONE)
    for _ in range(4):
        log._drop_first(log._topics["a"], "log_bytes")
    told = batches(backlog, log, 12)
    assert next(told)[2] is Missed.EXPIRED
    for _ in range(3):
        log._drop_first(log._topics["b"], "log_bytes")
    assert next(told)[2] is Missed.EXPIRED
    assert [missed for _, _, missed in told if missed] == []
