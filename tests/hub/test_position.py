import pytest
from support import Reader

from sse_demo import Event, serve
from sse_demo.hub.position import Cursor, Lag, with_id
from sse_demo.logs.memory import MemoryLog, Publication

BIG = "x" * 50_000
SMALL_BUFFER = 100_000


def log_of(*topics):
    log = MemoryLog()
    return log, log.append([Publication(topic, Event(topic)) for topic in topics])


def test_one_position_is_the_same_in_both_lanes():
    log, entries = log_of("a", "b")
    assert Cursor.seek(log, ["a"], entries[0].id) == Cursor(1, 1)
    assert Cursor.seek(log, ["a"]) == Cursor(2, 2)
    assert Cursor.seek(log, ["a", "b"], recent=1) == Cursor(1, 1)


def test_two_positions():
    log, entries = log_of(*"aaaa")
    mark = entries[0].id.partition("-")[0]
    assert Cursor.seek(log, ["a"], f"{mark}-1-3") == Cursor(1, 3, mark)


@pytest.mark.parametrize(
    "id", ["x", "{0}-5", "{0}-3-1", "{0}-1-5", "{0}-1-x", "{0}-x-1", "y-1-2", "{0}-1-2-3", "{0}--2"]
)
def test_what_is_no_cursor_of_this_log(id):
    log, entries = log_of(*"aaaa")
    assert Cursor.seek(log, ["a"], id.format(entries[0].id.partition("-")[0])) is None


@pytest.mark.parametrize("data", ["plain", "id: {id}", "a\nid: {id}\nb"])
def test_another_id_replaces_the_id_and_nothing_else(data):
    _, (entry,) = log_of("a")
    data = data.format(id=entry.id)
    entry = entry._replace(wire=Event(data, event=f"id: {entry.id}", id=entry.id).encode())
    assert with_id(entry, "new") == Event(data, event=f"id: {entry.id}", id="new").encode()
    assert with_id(entry, None) == Event(data, event=f"id: {entry.id}").encode()


def test_a_lag_reads_the_urgent_first_and_says_how_far_it_is_in_both():
    log, entries = log_of("a", "a", "u", "a", "u")
    mark = entries[0].id.partition("-")[0]
    lag = Lag(("u",), ("a",), Cursor(0, 0))
    ids = []
    while (batch := lag.read_on(log, 5, 1)[0]) != []:
        ids += [wire.split(b"\n")[0].decode() for wire in lag.pass_on(batch)]
    assert ids == [f"id: {mark}-{at}" for at in ("0-3", "0-5", "1-5", "2-5", "4-5")]


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
